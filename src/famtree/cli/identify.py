"""`famtree identify`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from famtree.cli.completion import complete_expectation, complete_family
from famtree.cli.options import (
    AsJson,
    Atlas,
    NoAtlas,
    Nonce,
    Offline,
    References,
    RegistryFolders,
    Revision,
    Thorough,
    Timeout,
    Verify,
    choose_format,
    choose_proof,
    offer_formats,
)

if TYPE_CHECKING:
    from famtree.identification.subject import Subject
    from famtree.types.identification import Identification
    from famtree.types.policy import Conditions


class Status(StrEnum):
    """How well a link of the ancestry is founded, from the best to the worst."""

    verified = "verified"
    consistent = "consistent"
    declared = "declared"
    inferred = "inferred"
    unresolved = "unresolved"
    contradicted = "contradicted"


def identify(
    references: References,
    as_json: AsJson = False,
    form: Annotated[str | None, offer_formats("identification")] = None,
    verify: Verify = False,
    thorough: Thorough = False,
    nonce: Nonce = None,
    expect: Annotated[
        str | None,
        typer.Option(
            "--expect",
            metavar="FAMILY[/GENERATION]",
            help="Exit with 1 unless this is the answer.",
            autocompletion=complete_expectation,
        ),
    ] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            "--min-confidence",
            metavar="X",
            help="Exit with 1 unless the confidence is at least X (0 to 1).",
        ),
    ] = None,
    expect_parent: Annotated[
        str | None,
        typer.Option(
            "--expect-parent", metavar="REF", help="Exit with 1 unless this is a direct parent."
        ),
    ] = None,
    max_status: Annotated[
        Status | None,
        typer.Option("--max-status", help="Exit with 1 if a link of the ancestry is worse."),
    ] = None,
    allow_family: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-family",
            metavar="KEY",
            help="Exit with 1 for any other family; repeatable.",
            autocompletion=complete_family,
        ),
    ] = None,
    deny_family: Annotated[
        list[str] | None,
        typer.Option(
            "--deny-family",
            metavar="KEY",
            help="Exit with 1 for this family; repeatable.",
            autocompletion=complete_family,
        ),
    ] = None,
    require_licence_compatible: Annotated[
        bool,
        typer.Option(
            "--require-licence-compatible",
            help="Exit with 1 if a licence is looser than its parent's.",
        ),
    ] = False,
    atlas: Atlas = None,
    no_atlas: NoAtlas = False,
    offline: Offline = False,
    registry: RegistryFolders = None,
    timeout: Timeout = None,
    revision: Revision = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show all evidence, digests and the cost.")
    ] = False,
) -> None:
    """Say which family, generation and size a checkpoint is, and on what evidence.

    Of several each is answered in turn; with --json one document a line. Exit codes: 0 answered,
    1 an asked-for condition failed, 2 usage, 3 could not be fetched, 4 unreadable, 70 a bug; of
    several the highest.
    """
    chosen = choose_format(form, json=as_json)
    conditions = _read_conditions(
        expect=expect,
        min_confidence=min_confidence,
        expect_parent=expect_parent,
        max_status=None if max_status is None else max_status.value,
        # typer gives an empty list where an option was not given.
        allow_families=allow_family or None,
        deny_families=deny_family or None,
        require_licence_compatible=require_licence_compatible or None,
        registry=registry,
    )

    asked: dict[str, Any] = {
        "revision": revision,
        "offline": offline,
        "timeout": timeout,
        "verify": verify,
        "proof": choose_proof(verify=verify, thorough=thorough, nonce=nonce),
        "atlas": atlas,
        "roots": not no_atlas,
        "registry": registry or (),
    }
    if len(references) == 1:
        code = _answer(references[0], conditions, asked, chosen, verbose=verbose)
    else:
        code = _answer_all(references, conditions, asked, chosen, verbose=verbose)
    if code:
        raise typer.Exit(code)


def _answer_all(
    references: list[str],
    conditions: Conditions | None,
    asked: dict[str, Any],
    chosen: str,
    *,
    verbose: bool,
) -> int:
    """Answer one after the other, failures in their place, and return the highest exit code."""
    from famtree.cli.output import write_stderr, write_stdout
    from famtree.errors import FamtreeError
    from famtree.formats.error_report import build_error_document
    from famtree.formats.json_report import render_line
    from famtree.formats.table import render

    worst = 0
    form = "line" if chosen == "json" else chosen
    for number, reference in enumerate(references):
        if number and chosen != "json":
            write_stdout("\n")
        try:
            code = _answer(reference, conditions, asked, form, verbose=verbose)
        except FamtreeError as error:
            code = error.exit_code
            if chosen == "json":
                write_stdout(f"{render_line(build_error_document(error))}\n")
            write_stderr(render("error", error, "text"))
        worst = max(worst, code)
    return worst


def _answer(
    reference: str,
    conditions: Conditions | None,
    asked: dict[str, Any],
    chosen: str,
    *,
    verbose: bool,
) -> int:
    """Print the answer about one checkpoint, and return the exit code."""
    from famtree import api
    from famtree.cli.output import render, write_stderr, write_stdout
    from famtree.cli.progress import Progress

    with Progress() as progress:
        if _ask_ancestry(conditions):
            subject = api.examine(reference, **asked, on_progress=progress.show)
            result = subject.identification
        else:
            subject = None
            result = api.identify(reference, **asked, on_progress=progress.show)
        failures = _list_failures(result, subject, conditions)
    if chosen == "line":
        from famtree.formats.json_report import render_line

        write_stdout(f"{render_line(result.to_document())}\n")
    else:
        write_stdout(render("identification", result, chosen, verbose=verbose))
    if failures:
        from famtree.formats.escape import clip_text

        write_stderr("".join(f"failed: {clip_text(failure)}\n" for failure in failures))
    return int(bool(failures))


def _read_conditions(registry: list[str] | None, **given: Any) -> Conditions | None:
    """Return what was asked for, or None: an answer without conditions need not load their code."""
    if all(value is None for value in given.values()):
        return None
    from famtree.policy.options import read_conditions

    return read_conditions(given, registry or ())


def _ask_ancestry(conditions: Conditions | None) -> bool:
    if conditions is None:
        return False
    from famtree.policy.conditions import needs_lineage

    return needs_lineage(conditions)


def _list_failures(
    result: Identification, subject: Subject | None, conditions: Conditions | None
) -> list[str]:
    """Return a line for each condition that does not hold."""
    if conditions is None:
        return []
    from famtree.policy.conditions import check_identification, check_lineage

    checked = check_identification(result, conditions)
    if subject is not None:
        checked += check_lineage(subject.publish_lineage(), conditions, subject.find_name)
    return [one.message for one in checked if not one.holds]
