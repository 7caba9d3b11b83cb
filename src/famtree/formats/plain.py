"""Reports for programs that read text: no frames, no colours, no wrapping, tabs between columns.

The same parts that `canvas.draw` lays out for a screen, one fact a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.tree import Tree


def write_plain(parts: Iterable[RenderableType]) -> str:
    """Return `parts` one under the other. A pair of cells is `label: value`; more have tabs."""
    lines = [line for part in parts for line in _write(part)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def read_cells(table: Table) -> list[list[str]]:
    """Return the texts of a table's rows, without its headings."""
    columns = [[flatten(cell) for cell in column.cells] for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def read_headings(table: Table) -> list[str]:
    """Return the texts of a table's headings; a grid has none."""
    return [flatten(column.header) for column in table.columns] if table.show_header else []


def flatten(cell: RenderableType) -> str:
    """Return the text of a cell on one line."""
    return ", ".join(str(cell).splitlines())


def name_rows(rows: Iterable[list[str]]) -> Iterator[tuple[str, str]]:
    """Yield label and value of a two-column grid; an empty label means the one before."""
    label = ""
    for first, value in rows:
        label = first.strip() or label
        yield label, value


def _write(part: RenderableType) -> Iterator[str]:
    from rich.panel import Panel
    from rich.table import Table
    from rich.tree import Tree

    if isinstance(part, Panel):
        yield str(part.title)
        yield from _write(part.renderable)
    elif isinstance(part, Table):
        yield from _write_table(part)
    elif isinstance(part, Tree):
        yield from _write_tree(part)
    else:
        yield from str(part).splitlines() or [""]


def _write_table(table: Table) -> Iterator[str]:
    rows, headings = read_cells(table), read_headings(table)
    if headings:
        yield "\t".join(headings)
    elif len(table.columns) == 2:
        for label, value in name_rows(rows):
            yield f"{label}: {value}"
        return
    for row in rows:
        yield "\t".join(row)


def _write_tree(tree: Tree) -> Iterator[str]:
    # A stack, not recursion: the depth is the documents', not Python's, to decide.
    stack = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        indent = "  " * depth
        first, *others = str(node.label).splitlines()
        yield f"{indent}- {first}"
        yield from (f"{indent}  {line}" for line in others)
        stack += [(child, depth + 1) for child in reversed(node.children)]
