"""Options that several commands share, each defined once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEEPEST = 64
"""Generations that may be asked for; no chain on the Hub comes near."""

Reference = Annotated[
    str,
    typer.Argument(
        metavar="REF",
        help="org/name[@revision], hf://org/name/file.gguf, a folder or a weight file.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the JSON document.")]
Offline = Annotated[
    bool, typer.Option("--offline", help="Use only what is on this machine already.")
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
