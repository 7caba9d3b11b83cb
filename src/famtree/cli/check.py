"""`famtree check`."""

from __future__ import annotations

from typing import Annotated

import typer

from famtree.cli.options import (
    AsJson,
    NoAtlas,
    Nonce,
    Offline,
    RegistryFolders,
    Thorough,
    Timeout,
    Verify,
    choose_format,
    choose_proof,
    offer_formats,
)
from famtree.formats.table import FORMATS


def check(
    policy: Annotated[
        str, typer.Argument(metavar="[POLICY]", help="The policy file.")
    ] = "famtree.toml",
    form: Annotated[str | None, offer_formats("check")] = None,
    as_json: AsJson = False,
    write: Annotated[
        list[str] | None,
        typer.Option(
            "--write",
            metavar="FORMAT=FILE",
            help="Also write a file, such as sarif=famtree.sarif; repeatable.",
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="BUNDLE",
            help="Also say what a newer registry would answer otherwise, before it is taken.",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            metavar="FILE",
            help="What --write baseline=FILE recorded before does not count.",
            show_default=False,
        ),
    ] = None,
    verify: Verify = False,
    thorough: Thorough = False,
    nonce: Nonce = None,
    offline: Offline = False,
    no_atlas: NoAtlas = False,
    registry: RegistryFolders = None,
    timeout: Timeout = None,
) -> None:
    """Check many checkpoints against a policy file.

    Exit codes: 0 every condition holds, 1 one does not, 2 usage or a faulty policy, 3 all that were
    checked hold, but a checkpoint could not be fetched or read, 70 a bug.
    """
    from famtree.cli.output import check_target, render, write_file, write_stdout
    from famtree.errors import PolicyError

    chosen = choose_format(form, json=as_json)
    targets = [_read_target(text) for text in write or ()]
    for _, name in targets:
        check_target("--write", name)

    from famtree import api
    from famtree.cli.progress import Progress

    proof = choose_proof(verify=verify, thorough=thorough, nonce=nonce)
    try:
        with Progress() as progress:
            report = api.check(
                policy,
                offline=offline,
                verify=verify,
                against=against,
                baseline=baseline,
                registry=registry or (),
                roots=not no_atlas,
                proof=proof,
                timeout=timeout,
                on_progress=progress.show,
            )
    except PolicyError as error:
        from famtree.policy.check import report_faults

        # Whoever collects reports finds them, with what is wrong with the policy.
        faulty = report_faults(policy, error)
        for kind, name in targets:
            if kind != "baseline":
                write_file(name, render("check", faulty, kind))
        raise
    for kind, name in targets:
        write_file(name, render("check", report, kind))
    write_stdout(render("check", report, chosen))
    if not report.holds:
        raise typer.Exit(report.exit_code)


def _read_target(text: str) -> tuple[str, str]:
    from famtree.errors import UsageError

    kind, _, name = text.partition("=")
    if kind not in FORMATS["check"] or not name:
        raise UsageError(
            f"--write {text!r} is not of the form FORMAT=FILE",
            hint=f"FORMAT is one of {', '.join(FORMATS['check'])}; for instance junit=famtree.xml",
        )
    return kind, name
