"""`famtree families`: the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from famtree.cli.completion import complete_family, leave_to_shell
from famtree.cli.options import (
    AsJson,
    Offline,
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
            help="A family's key, or FAMILY/GENERATION.",
            show_default=False,
            autocompletion=complete_family,
        ),
    ],
    as_json: AsJson = False,
    form: Annotated[str | None, offer_formats("family")] = None,
    registry: RegistryFolders = None,
) -> None:
    """Show one family: generations, rules, sizes, tokenizers, exemplars, look-alikes.

    Of FAMILY/GENERATION that generation alone.
    """
    from famtree.cli.output import render, write_stdout
    from famtree.policy.expectation import find_asked
    from famtree.registry.places import find_places, load_places

    chosen = choose_format(form, json=as_json)
    known = load_places(find_places(registry or ()))
    write_stdout(render("family", find_asked(key, known), chosen))


@families.command("check")
def check_families(
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            metavar="DIR",
            help="Registry files to check: families of one's own, or a whole registry.",
            autocompletion=leave_to_shell,
        ),
    ] = None,
    registry: RegistryFolders = None,
) -> None:
    """Check every registry file; exit with 1 if one has a fault.

    Also whether families of DIR, or of --registry, take answers away from others.
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
    references: Annotated[
        list[str],
        typer.Argument(
            metavar="REF",
            help="Checkpoints of one family, as REF of identify.",
            show_default=False,
        ),
    ],
    revision: Revision = None,
    registry: RegistryFolders = None,
    offline: Offline = False,
) -> None:
    """Print a registry entry (TOML) for a family's checkpoints, to be completed by hand.

    --revision is that of the first REF. Comments name the nearest families on record.
    """
    from famtree import api
    from famtree.cli.output import write_stdout

    text = api.draft(*references, revision=revision, offline=offline, registry=registry or ())
    write_stdout(text if text.endswith("\n") else f"{text}\n")


@families.command("update")
def update_families(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[SOURCE]",
            help="hf://datasets/org/name[@revision] or its page, a folder or an archive.",
            show_default=False,
        ),
    ] = None,
    pin: Annotated[
        str | None,
        typer.Option("--sha256", metavar="DIGEST", help="Take it only if this is its digest."),
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Go back to the registry that was in use before.")
    ] = False,
    builtin: Annotated[
        bool, typer.Option("--builtin", help="Use the registry that came with famtree.")
    ] = False,
    offline: Offline = False,
) -> None:
    """Take a newer registry from a bundle; nothing is ever updated without being asked.

    It is validated whole, then put in use at once. Exit codes: 0 done, 2 usage or a bundle that is
    refused, 3 could not be fetched, 70 a bug.
    """
    from famtree import api
    from famtree.cli.output import write_stdout
    from famtree.errors import UsageError
    from famtree.formats.families_report import tell_update
    from famtree.home import HOME
    from famtree.registry.bundle import roll_back, use_builtin
    from famtree.registry.load import load_former, load_registry

    asked = [name for name, given in (
        ("SOURCE", source), ("--rollback", rollback), ("--builtin", builtin)) if given]  # fmt: skip
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} exclude each other", hint="give one of them")
    if pin is not None and (rollback or builtin):
        raise UsageError("--sha256 is of a SOURCE", hint="give one, or leave it out")
    if rollback or builtin:
        before = load_former()
        if rollback:
            roll_back()
        else:
            use_builtin()
        now = load_registry()
    else:
        if not (source or HOME):
            raise UsageError(
                "no SOURCE given, and this famtree knows of none",
                hint="famtree families update hf://datasets/org/name, a folder or an archive",
            )
        chosen = source or f"hf://datasets/{HOME}"
        before, now = api.update_families(chosen, pin=pin, offline=offline)
    write_stdout(tell_update(before, now))
