"""`famtree families`: the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from famtree.cli.completion import complete_family, leave_to_shell
from famtree.cli.options import (
    AsJson,
    Offline,
    Reference,
    RegistryFolders,
    Revision,
    choose_format,
    offer_formats,
)

families = typer.Typer(
    help="Show, check and extend what famtree knows.",
    rich_markup_mode=None,
    no_args_is_help=False,
)


@families.command("list")
def list_families(
    as_json: AsJson = False,
    form: Annotated[str | None, offer_formats("families")] = None,
    registry: RegistryFolders = None,
) -> None:
    """List every family, with the number of generations, sizes, tokenizers and exemplars."""
    from famtree.cli.output import render, write_stdout

    chosen = choose_format(form, json=as_json)
    from famtree.registry.places import find_places, load_places

    known = load_places(find_places(registry or ()))
    write_stdout(render("families", known.families, chosen))


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
    registry: RegistryFolders = None,
) -> None:
    """Show one family: generations, rules, sizes, tokenizers, exemplars, look-alikes."""
    from famtree.cli.output import render, write_stdout
    from famtree.errors import UsageError
    from famtree.policy.expectation import suggest_family
    from famtree.registry.places import find_places, load_places

    chosen = choose_format(form, json=as_json)
    known = load_places(find_places(registry or ()))
    family = known.by_key.get(key)
    if family is None:
        raise UsageError(f"no family {key!r}", hint=suggest_family(key, known.families))
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
    registry: RegistryFolders = None,
) -> None:
    """Check every registry file; exit with 1 if one has a fault.

    With --registry also whether its families take answers away from others.
    """
    from famtree import api
    from famtree.cli.output import write_stderr, write_stdout
    from famtree.formats.escape import escape_text

    faults = api.check_registry(folder, registry=registry or ())
    if faults:
        write_stdout("".join(f"{escape_text(fault)}\n" for fault in faults))
        write_stderr(f"failed: {len(faults)} fault(s) in the registry\n")
        raise typer.Exit(1)
    write_stdout("the registry is sound\n")


@families.command("draft")
def draft_family(
    reference: Reference,
    revision: Revision = None,
    registry: RegistryFolders = None,
    offline: Offline = False,
) -> None:
    """Print a registry entry (TOML) for a checkpoint, to be completed by hand."""
    from famtree import api
    from famtree.cli.output import write_stdout

    text = api.draft(reference, revision=revision, offline=offline, registry=registry or ())
    write_stdout(text if text.endswith("\n") else f"{text}\n")
