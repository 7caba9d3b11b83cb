"""`famtree families`: the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from famtree.cli.completion import complete_family, leave_to_shell
from famtree.cli.options import AsJson, Offline, Reference, Revision, choose_format, offer_formats

families = typer.Typer(
    help="Show, check and extend what famtree knows.",
    rich_markup_mode=None,
    no_args_is_help=False,
)


@families.command("list")
def list_families(
    as_json: AsJson = False,
    form: Annotated[str | None, offer_formats("families")] = None,
) -> None:
    """List every family, with the number of generations, sizes, tokenizers and exemplars."""
    from famtree.cli.output import render, write_stdout

    chosen = choose_format(form, json=as_json)
    from famtree.registry.load import load_registry

    write_stdout(render("families", load_registry().families, chosen))


@families.command("show")
def show_family(
    key: Annotated[
        str,
        typer.Argument(
            metavar="KEY",
            help="A family's key.",
            show_default=False,
            autocompletion=complete_family,
        ),
    ],
    as_json: AsJson = False,
    form: Annotated[str | None, offer_formats("family")] = None,
) -> None:
    """Show one family: generations, rules, sizes, tokenizers, exemplars, look-alikes."""
    from famtree.cli.output import render, write_stdout
    from famtree.errors import UsageError
    from famtree.policy.expectation import suggest_family
    from famtree.registry.load import load_registry

    chosen = choose_format(form, json=as_json)
    registry = load_registry()
    family = registry.by_key.get(key)
    if family is None:
        raise UsageError(f"no family {key!r}", hint=suggest_family(key, registry.families))
    write_stdout(render("family", family, chosen))


@families.command("check")
def check_families(
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            metavar="DIR",
            help="Registry files to check instead of famtree's own.",
            autocompletion=leave_to_shell,
        ),
    ] = None,
) -> None:
    """Check every registry file; exit with 1 if one has a fault."""
    from famtree import api
    from famtree.cli.output import write_stderr, write_stdout
    from famtree.formats.escape import escape_text

    faults = api.check_registry(folder)
    if faults:
        write_stdout("".join(f"{escape_text(fault)}\n" for fault in faults))
        write_stderr(f"failed: {len(faults)} fault(s) in the registry\n")
        raise typer.Exit(1)
    write_stdout("the registry is sound\n")


@families.command("draft")
def draft_family(reference: Reference, revision: Revision = None, offline: Offline = False) -> None:
    """Print a registry entry (TOML) for a checkpoint, to be completed by hand."""
    from famtree import api
    from famtree.cli.output import write_stdout

    text = api.draft(reference, revision=revision, offline=offline)
    write_stdout(text if text.endswith("\n") else f"{text}\n")
