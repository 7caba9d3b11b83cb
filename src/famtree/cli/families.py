"""`famtree families`: the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from famtree.cli.completion import complete_family, leave_to_shell
from famtree.cli.options import (
    AsJson,
    Format,
    Offline,
    Reference,
    ReportForm,
    Revision,
    choose_form,
)

families = typer.Typer(
    help="Show, check and extend what famtree knows.",
    rich_markup_mode=None,
    no_args_is_help=False,
)


@families.command("list")
def list_families(as_json: AsJson = False, form: Format = None) -> None:
    """List every family, with the number of generations, sizes, tokenizers and exemplars."""
    from famtree.cli.output import find_width, use_color, write_stdout
    from famtree.formats import families_report
    from famtree.formats.json_report import render_json

    chosen = choose_form(form, as_json=as_json)
    from famtree.registry.load import load_registry

    known = load_registry().families
    if chosen == ReportForm.json:
        text = render_json(families_report.build_family_list(known))
    elif chosen == ReportForm.markdown:
        text = families_report.render_family_list_markdown(known)
    else:
        text = families_report.render_family_list(known, width=find_width(), color=use_color())
    write_stdout(text)


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
    form: Format = None,
) -> None:
    """Show one family: generations, rules, sizes, tokenizers, exemplars, look-alikes."""
    from famtree.cli.output import find_width, use_color, write_stdout
    from famtree.errors import UsageError
    from famtree.formats import families_report
    from famtree.formats.json_report import render_json
    from famtree.policy.expectation import suggest_family
    from famtree.registry.load import load_registry

    chosen = choose_form(form, as_json=as_json)
    registry = load_registry()
    family = registry.by_key.get(key)
    if family is None:
        raise UsageError(f"no family {key!r}", hint=suggest_family(key, registry.families))
    if chosen == ReportForm.json:
        text = render_json(families_report.build_family(family))
    elif chosen == ReportForm.markdown:
        text = families_report.render_family_markdown(family)
    else:
        text = families_report.render_family(family, width=find_width(), color=use_color())
    write_stdout(text)


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
