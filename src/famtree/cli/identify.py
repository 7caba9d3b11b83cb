"""`famtree identify`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from famtree.cli.options import AsJson, Offline, Reference, Revision

if TYPE_CHECKING:
    from famtree.policy.expectation import Expectation
    from famtree.types.identification import Identification


def identify(
    reference: Reference,
    as_json: AsJson = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="May read weight bytes to prove claims.")
    ] = False,
    expect: Annotated[
        str | None,
        typer.Option(
            "--expect",
            metavar="FAMILY[/GENERATION]",
            help="Exit with 1 unless this is the answer.",
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
    offline: Offline = False,
    revision: Revision = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show all evidence, digests and the cost.")
    ] = False,
) -> None:
    """Say which family, generation and size a checkpoint is, and on what evidence.

    Exit codes: 0 answered, 1 --expect or --min-confidence failed, 2 usage, 3 could not be
    fetched, 4 unreadable, 70 a bug.
    """
    from famtree.cli.output import write_stderr, write_stdout
    from famtree.cli.progress import Progress
    from famtree.policy.expectation import check_confidence_bound, find_failure

    check_confidence_bound(min_confidence)
    expected = None if expect is None else _resolve(expect)

    from famtree import api

    with Progress() as progress:
        result = api.identify(
            reference,
            revision=revision,
            offline=offline,
            verify=verify,
            on_progress=progress.show,
        )
    write_stdout(_render(result, as_json=as_json, verbose=verbose))
    failure = find_failure(result, expected, min_confidence)
    if failure is not None:
        from famtree.formats.escape import clip_text

        write_stderr(f"failed: {clip_text(failure)}\n")
        raise typer.Exit(1)


def _resolve(expect: str) -> Expectation:
    from famtree.policy.expectation import parse_expectation
    from famtree.registry.load import load_registry

    return parse_expectation(expect, load_registry().families)


def _render(result: Identification, *, as_json: bool, verbose: bool) -> str:
    if as_json:
        from famtree.formats.json_report import render_json

        return render_json(result.to_document())
    from famtree.cli.output import find_width, use_color
    from famtree.formats.text_report import render_identification

    return render_identification(result, width=find_width(), color=use_color(), verbose=verbose)
