"""`famtree check`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from famtree.cli.options import AsJson, Offline, Timeout, Verify, choose_form

if TYPE_CHECKING:
    from famtree.types.policy import CheckReport


class CheckForm(StrEnum):
    """The forms a report of a policy can have."""

    text = "text"
    json = "json"
    junit = "junit"
    sarif = "sarif"
    markdown = "markdown"


def check(
    policy: Annotated[
        str, typer.Argument(metavar="[POLICY]", help="The policy file.")
    ] = "famtree.toml",
    form: Annotated[
        CheckForm | None,
        typer.Option("--format", help="What to print.", show_default=CheckForm.text.value),
    ] = None,
    as_json: AsJson = False,
    write: Annotated[
        list[str] | None,
        typer.Option(
            "--write",
            metavar="FORMAT=FILE",
            help="Also write a file, such as sarif=famtree.sarif; repeatable.",
        ),
    ] = None,
    verify: Verify = False,
    offline: Offline = False,
    timeout: Timeout = None,
) -> None:
    """Check many checkpoints against a policy file.

    Exit codes: 0 every condition holds, 1 one does not or a checkpoint could not be fetched or
    read, 2 usage or a faulty policy, 70 a bug.
    """
    from famtree.cli.output import check_target, write_file, write_stdout

    chosen = CheckForm(choose_form(form, as_json=as_json))
    targets = [_read_target(text) for text in write or ()]
    for _, name in targets:
        check_target("--write", name)

    from famtree import api
    from famtree.cli.progress import Progress

    with Progress() as progress:
        report = api.check(
            policy,
            offline=offline,
            verify=verify,
            timeout=timeout,
            on_progress=progress.show,
        )
    for kind, name in targets:
        write_file(name, _render(report, kind))
    write_stdout(_render(report, chosen))
    if not report.holds:
        raise typer.Exit(1)


def _read_target(text: str) -> tuple[CheckForm, str]:
    from famtree.errors import UsageError

    kind, _, name = text.partition("=")
    if kind not in tuple(CheckForm) or not name:
        raise UsageError(
            f"--write {text!r} is not of the form FORMAT=FILE",
            hint=f"FORMAT is one of {', '.join(CheckForm)}; for instance junit=famtree.xml",
        )
    return CheckForm(kind), name


def _render(report: CheckReport, form: CheckForm) -> str:
    if form is CheckForm.junit:
        from famtree.formats.check_junit import render_junit

        return render_junit(report)
    if form in (CheckForm.json, CheckForm.sarif):
        from famtree.formats.check_sarif import build_sarif
        from famtree.formats.json_report import render_json

        return render_json(report.to_document() if form is CheckForm.json else build_sarif(report))
    from famtree.formats.check_text import render_check, render_markdown

    return render_check(report) if form is CheckForm.text else render_markdown(report)
