"""Comparisons of every two of several checkpoints -> one table each way of looking at them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from famtree.formats.canvas import draw, make_grid, make_table
from famtree.formats.comparison_words import name_family
from famtree.formats.escape import make_text
from famtree.formats.markdown import make_rows

if TYPE_CHECKING:
    from rich.console import RenderableType

    from famtree.types.comparison import Comparison

SCHEMA = "famtree/comparison-matrix/1"
Cell = Callable[["Comparison"], str]


def _serve(one: Comparison) -> str:
    return next(
        (item.answer for item in one.interchange if item.question == "serve" and not item.engine),
        "unknown",
    )


VIEWS: tuple[tuple[str, Cell], ...] = (
    ("lineage", lambda one: one.relation.lineage.verdict),
    ("architecture", lambda one: one.relation.architecture),
    ("tokenizer", lambda one: one.relation.tokenizer),
    ("serve column in place of row", _serve),
)
"""What each table shows of a pair; the row is a, the column b."""


def build_matrix(comparisons: list[Comparison]) -> dict[str, Any]:
    """Return the JSON document: every pair's own document, in order."""
    return {"schema": SCHEMA, "comparisons": [one.to_document() for one in comparisons]}


def render_matrix(
    references: list[str], comparisons: list[Comparison], *, width: int | None, color: bool
) -> str:
    """Return the tables as text; checkpoints are numbered, and named once above."""
    names = make_grid(columns=3)
    for number, (ref, family) in enumerate(_list(references, comparisons), start=1):
        names.add_row(str(number), make_text(ref), make_text(family))
    parts: list[RenderableType] = [names]
    for title, cell in VIEWS:
        table = make_table(title, *(str(at + 1) for at in range(1, len(references))))
        for number, row in enumerate(_rows(len(references), comparisons, cell), start=1):
            table.add_row(str(number), *(make_text(value) for value in row))
        parts += ["", table]
    return draw(*parts, width=width, color=color)


def render_matrix_markdown(references: list[str], comparisons: list[Comparison]) -> str:
    """Return the tables as GitHub-flavoured Markdown."""
    listed = _list(references, comparisons)
    lines = make_rows(
        ("", "checkpoint", "family"),
        [(str(number), ref, family) for number, (ref, family) in enumerate(listed, start=1)],
    )
    for title, cell in VIEWS:
        headings = (title, *(str(at + 1) for at in range(1, len(references))))
        rows = [
            (str(number), *row)
            for number, row in enumerate(_rows(len(references), comparisons, cell), start=1)
        ]
        lines += ["", *make_rows(headings, rows)]
    return "\n".join(lines) + "\n"


def _list(references: list[str], comparisons: list[Comparison]) -> list[tuple[str, str]]:
    sides = [comparisons[0].a, *(one.b for one in comparisons[: len(references) - 1])]
    return [(side.ref, name_family(side.family, side.generation)) for side in sides]


def _rows(count: int, comparisons: list[Comparison], cell: Cell) -> list[list[str]]:
    """Lay pairs (0,1), (0,2) .. (n-2,n-1) out as an upper triangle without its diagonal."""
    left = iter(comparisons)
    return [
        [cell(next(left)) if column > row else "" for column in range(1, count)]
        for row in range(count - 1)
    ]
