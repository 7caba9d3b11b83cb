"""`Comparison` -> the report people read: relation, what differs, then the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree.formats.canvas import draw, make_grid, make_table
from famtree.formats.comparison_words import (
    TITLES,
    fold,
    name_engines,
    name_family,
    show_value,
    tell,
    tell_lineage,
    tell_tokenizer,
)
from famtree.formats.escape import make_text

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from famtree.types.comparison import Answer, Comparison

MOST_DIFFERENCES = 12
MOST_WARNINGS = 6
WIDEST_ENGINES = 28
"""Columns for the engines of one answer: many that agree must not squeeze what they say."""
_STYLES = {"yes": "bold green", "no": "bold red", "conditional": "bold yellow", "unknown": "dim"}


def render_comparison(
    result: Comparison, *, width: int | None, color: bool, verbose: bool = False
) -> str:
    """Return the report of one pair, `width` columns wide; None is plain text, nothing left out.

    `verbose` shows every difference and warning, and the rule and source behind every answer.
    """
    everything = verbose or width is None
    parts: list[RenderableType] = [_make_heads(result), "", _make_relation(result)]
    if result.differences:
        parts += ["", make_text("What differs", "bold"), _make_differences(result, everything)]
    parts += _make_answers(result.interchange, verbose)
    notices = result.warnings if everything else result.warnings[:MOST_WARNINGS]
    if notices:
        parts.append("")
        parts += [make_text(f"warning: {one.message} [{one.code}]", "yellow") for one in notices]
    if len(result.warnings) > len(notices):
        more = len(result.warnings) - len(notices)
        parts.append(make_text(f"{more} more warnings (--verbose)", "dim"))
    if verbose:
        cost = result.cost
        spent = f"{cost.requests} requests, {cost.bytes:,} bytes, {cost.seconds:.2f} s"
        parts += ["", make_text(f"cost: {spent}", "dim")]
    return draw(*parts, width=width, color=color)


def _make_heads(result: Comparison) -> Table:
    grid = make_grid(columns=4)
    for which, one in (("a", result.a), ("b", result.b)):
        grid.add_row(
            make_text(which, "bold"),
            make_text(one.ref, "bold"),
            make_text(name_family(one.family, one.generation)),
            make_text(one.size or (f"{one.parameters:,}" if one.parameters else "")),
        )
    return grid


def _make_relation(result: Comparison) -> Table:
    relation = result.relation
    grid = make_grid()
    grid.add_row("lineage", make_text(tell_lineage(relation.lineage), "bold"))
    if len(relation.lineage.path) > 2:
        grid.add_row("path", make_text(" - ".join(relation.lineage.path)))
    grid.add_row("architecture", make_text(relation.architecture))
    grid.add_row("tokenizer", make_text(tell_tokenizer(result)))
    grid.add_row("family", make_text(f"{relation.family}, generation {relation.generation}"))
    return grid


def _make_differences(result: Comparison, everything: bool) -> Table:
    table = make_table("trait", "a", "b", "matters for")
    shown = result.differences if everything else result.differences[:MOST_DIFFERENCES]
    for one in shown:
        table.add_row(
            make_text(one.trait),
            make_text(show_value(one.a)),
            make_text(show_value(one.b)),
            make_text(", ".join(one.matters_for) or "-", "dim"),
        )
    rest = len(result.differences) - len(shown)
    if rest:
        table.add_row(make_text(f"{rest} more", "dim"), "", "", make_text("--verbose", "dim"))
    return table


def _make_answers(answers: list[Answer], verbose: bool) -> list[RenderableType]:
    parts: list[RenderableType] = []
    lines = fold(answers)
    for question in dict.fromkeys(line.question for line in lines):
        parts += ["", make_text(f"{question}: {TITLES[question]}", "bold")]
        grid = make_grid(columns=3, widest=WIDEST_ENGINES)
        for line in lines:
            if line.question != question:
                continue
            grid.add_row(
                make_text(name_engines(line)),
                make_text(line.answer.answer, _STYLES[line.answer.answer]),
                make_text(tell(line.answer)),
            )
            if verbose:
                told = f"{line.answer.rule}: {line.answer.source or 'computed'}"
                grid.add_row("", "", make_text(told, "dim"))
        parts.append(grid)
    return parts
