"""Reports as strings: drawn for a screen with rich, or written plainly. Sets the console up."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

NARROWEST = 20
"""Columns below which a table cannot be drawn; narrower terminals wrap by themselves."""


def draw(*parts: RenderableType, width: int | None, color: bool) -> str:
    """Return `parts` drawn one under the other, `width` columns wide, without trailing blanks.

    A width of None is no screen: the text is plain, one fact a line (`formats.plain`).

    Nothing of the environment (NO_COLOR, FORCE_COLOR, TERM, COLUMNS) is read here: the caller
    decides, so that equal arguments give equal text.
    """
    if width is None:
        from famtree.formats.plain import write_plain

        return write_plain(parts)
    from rich.console import Console

    console = Console(
        file=StringIO(),
        width=max(width, NARROWEST),
        force_terminal=color,
        force_interactive=False,
        color_system="standard" if color else None,
        no_color=not color,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    lines = capture.get().splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def make_grid(*, columns: int = 2, widest: int | None = None) -> Table:
    """Return a borderless table whose first column keeps its width, or wraps at `widest`."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=widest is None, max_width=widest, style="dim")
    for _ in range(columns - 1):
        grid.add_column(overflow="fold")
    return grid


def make_table(*headings: str, right: tuple[str, ...] = ()) -> Table:
    """Return a table with a rule under its headings; columns named in `right` hold numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return table
