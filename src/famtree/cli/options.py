"""Options that several commands share, each defined once."""

from __future__ import annotations

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
Depth = Annotated[
    int, typer.Option("--depth", metavar="N", min=1, max=DEEPEST, help="Generations to go up.")
]
