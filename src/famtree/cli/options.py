"""Options that several commands share, each defined once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

DEEPEST = 64
"""Generations that may be asked for; no chain on the Hub comes near."""


class ReportForm(StrEnum):
    """The forms that every report has; commands may know more."""

    text = "text"
    json = "json"
    markdown = "markdown"


Reference = Annotated[
    str,
    typer.Argument(
        metavar="REF",
        help="org/name[@revision], hf://org/name/file.gguf, a folder or a weight file.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="The same as --format json.")]
Format = Annotated[
    ReportForm | None,
    typer.Option("--format", help="What to print.", show_default=ReportForm.text.value),
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Use only what is on this machine already.")
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0.001,
        help="Fetch nothing more after so many seconds (exit code 3).",
        show_default=False,
    ),
]
Revision = Annotated[
    str | None,
    typer.Option("--revision", metavar="R", help="Branch, tag or commit on the Hub."),
]
Atlas = Annotated[
    Path | None,
    typer.Option("--atlas", metavar="FILE", help="Look for undeclared parents in an atlas."),
]
Depth = Annotated[
    int, typer.Option("--depth", metavar="N", min=1, max=DEEPEST, help="Generations to go up.")
]
Verify = Annotated[bool, typer.Option("--verify", help="May read weight bytes to prove claims.")]
Children = Annotated[
    bool, typer.Option("--children", help="Also list what was made from it, from the Hub.")
]


def choose_form(form: str | None, *, as_json: bool) -> str:
    """Return the form asked for. Raises UsageError for two that exclude each other."""
    if not as_json:
        return form or ReportForm.text.value
    if form not in (None, ReportForm.json.value):
        from famtree.errors import UsageError

        raise UsageError(
            f"--json and --format {form} exclude each other", hint="run famtree once for each"
        )
    return ReportForm.json.value
