"""Reports drawn for a screen. Knows rich and sets its console up."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO

from rich import box, panel, table, text, tree
from rich.console import Console, Group, RenderableType

from famtree.formats.parts import Facts, Part, Table, Text, Tree

NARROWEST = 20
"""Columns below which a table cannot be drawn; narrower terminals wrap by themselves."""


def draw(parts: Iterable[Part], *, width: int, color: bool) -> str:
    """Return `parts` drawn one under the other, `width` columns wide, without trailing blanks.

    Nothing of the environment (NO_COLOR, FORCE_COLOR, TERM, COLUMNS) is read here: the caller
    decides, so that equal arguments give equal text.
    """
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
            console.print(_draw(part))
    lines = capture.get().splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _draw(part: Part) -> RenderableType:
    if isinstance(part, Facts):
        return _draw_facts(part)
    if isinstance(part, Table):
        return _draw_table(part)
    return _draw_tree(part) if isinstance(part, Tree) else _draw_text(part)


def _draw_text(*lines: Text) -> text.Text:
    drawn = []
    for line in lines:
        (first, style), *others = line.spans
        drawn.append(text.Text(first, style=style, overflow="fold"))
        for more in others:
            drawn[-1].append(*more)
    return drawn[0] if len(drawn) == 1 else text.Text("\n", overflow="fold").join(drawn)


def _draw_facts(facts: Facts) -> RenderableType:
    grid = _make_grid(2)
    for label, values in facts.rows:
        for number, value in enumerate(values):
            grid.add_row("" if number else label, _draw_text(value))
    if facts.title is None:
        return grid
    title = _draw_text(facts.title)
    lead = [*map(_draw_text, facts.lead), text.Text()] if facts.lead else []
    inside = Group(*lead, grid) if facts.rows else Group(*lead[:-1])
    return panel.Panel(inside, title=title, title_align="left", expand=False, border_style="dim")


def _draw_table(part: Table) -> table.Table:
    if part.bare:
        drawn = _make_grid(max(map(len, part.rows), default=1), part.widest)
    else:
        drawn = table.Table(
            box=box.SIMPLE_HEAD,
            padding=(0, 1, 0, 0) if part.tight else (0, 1),
            pad_edge=False,
            header_style="bold",
            show_edge=False,
        )
        for heading in part.headings:
            side = "right" if heading in part.right else "left"
            drawn.add_column(heading, justify=side, overflow="fold")  # type: ignore[arg-type]
    for row in part.rows:
        drawn.add_row(*(_draw_text(*cell) for cell in row))
    return drawn


def _make_grid(columns: int, widest: int | None = None) -> table.Table:
    """Return a borderless table whose first column keeps its width, or wraps at `widest`."""
    grid = table.Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=widest is None, max_width=widest, style="dim")
    for _ in range(columns - 1):
        grid.add_column(overflow="fold")
    return grid


def _draw_tree(part: Tree) -> tree.Tree:
    root = tree.Tree(_draw_text(*part.lines), guide_style="dim")
    stack = [(root, part)]
    while stack:
        branch, node = stack.pop()
        stack += [(branch.add(_draw_text(*child.lines)), child) for child in node.children]
    return root
