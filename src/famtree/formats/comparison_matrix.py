"""Several checkpoints compared -> one table each way of looking at every two, and one of all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from math import isqrt
from typing import TYPE_CHECKING

from famtree.formats.comparison_words import name_family, tell_lineage, tell_verification
from famtree.formats.parts import BLANK, Part, Table, Text

if TYPE_CHECKING:
    from famtree.formats.table import Options
    from famtree.types.comparison import Comparison, ComparisonMatrix, LineageVerdict

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


def report_matrix(matrix: ComparisonMatrix, _: Options) -> list[Part]:
    """Return the tables; checkpoints are numbered, and named once above."""
    comparisons = matrix.comparisons
    count = (1 + isqrt(1 + 8 * len(comparisons))) // 2  # n checkpoints make n (n - 1) / 2 pairs
    names = Table("", "checkpoint", "family", bare=True)
    sides = [comparisons[0].a, *(one.b for one in comparisons[: count - 1])]
    for number, side in enumerate(sides, start=1):
        names.add(str(number), side.ref, name_family(side.family, side.generation))
    parts: list[Part] = [names]
    for title, cell in VIEWS:
        table = Table(title, *map(str, range(2, count + 1)))
        for number, row in enumerate(_rows(count, comparisons, cell), start=1):
            table.add(str(number), *row)
        parts += [BLANK, table]
    told = Table("of pairs", "what was seen")
    for pair, one in zip(combinations(range(1, count + 1), 2), comparisons, strict=True):
        for text in _tell_proof(one.relation.lineage):
            told.add("{} {}".format(*pair), text)
    if told.rows:
        parts += [BLANK, told]
    if matrix.members:
        table = Table("weights of all", "place", "status", "why")
        for number, side in enumerate(sides, start=1):
            if (member := matrix.members.get(side.ref)) is not None:
                table.add(str(number), member.place, member.status, member.reason)
        parts += [BLANK, table]
    return parts


def _tell_proof(lineage: LineageVerdict) -> Iterator[Text]:
    """Yield what no cell says: that a claim is ruled out, and what the weights showed."""
    if lineage.status == "contradicted":
        yield Text(tell_lineage(lineage), "red")
    verified = tell_verification(lineage)
    if verified is not None:
        yield Text(verified[1], verified[0])


def _rows(count: int, comparisons: list[Comparison], cell: Cell) -> list[list[str]]:
    """Lay pairs (0,1), (0,2) .. (n-2,n-1) out as an upper triangle without its diagonal."""
    left = iter(comparisons)
    return [
        [cell(next(left)) if column > row else "" for column in range(1, count)]
        for row in range(count - 1)
    ]
