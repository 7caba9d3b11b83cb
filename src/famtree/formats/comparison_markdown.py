"""`Comparison` -> Markdown for pull requests and issues."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from famtree.formats.markdown import escape_markdown, make_rows

if TYPE_CHECKING:
    from famtree.types.comparison import Comparison

MOST_SHOWN = 12
"""Differences above the fold; the rest is one click away."""
_MARKS = {"yes": "✅ yes", "no": "❌ no", "conditional": "⚠️ conditional", "unknown": "❔ unknown"}


def render_markdown(result: Comparison) -> str:
    """Return the comparison as GitHub-flavoured Markdown; text of checkpoints is escaped."""
    relation = result.relation
    lines = [f"### {escape_markdown(result.a.ref)} → {escape_markdown(result.b.ref)}", ""]
    lines += make_rows(
        ("", "a", "b"),
        [
            ("checkpoint", result.a.ref, result.b.ref),
            (
                "family",
                name_family(result.a.family, result.a.generation),
                name_family(result.b.family, result.b.generation),
            ),
            ("size", result.a.size or "-", result.b.size or "-"),
        ],
    )
    lines += ["", f"- **lineage:** {escape_markdown(tell_lineage(relation.lineage))}"]
    lines.append(f"- **architecture:** {relation.architecture}")
    lines.append(f"- **tokenizer:** {escape_markdown(tell_tokenizer(result))}")
    lines.append(f"- **family:** {relation.family}, generation {relation.generation}")
    lines += _differences(result)
    rows = [
        (
            f"{line.question}: {TITLES[line.question]}",
            name_engines(line),
            _MARKS[line.answer.answer],
            tell(line.answer),
        )
        for line in fold(result.interchange)
    ]
    if rows:
        lines += ["", *make_rows(("question", "engine", "answer", "why"), rows)]
    if result.warnings:
        lines.append("")
        lines += [f"- ⚠️ {escape_markdown(one.message)}" for one in result.warnings]
    return "\n".join(lines) + "\n"


def _differences(result: Comparison) -> list[str]:
    rows = [
        (one.trait, show_value(one.a), show_value(one.b), ", ".join(one.matters_for) or "-")
        for one in result.differences
    ]
    if not rows:
        return []
    headings = ("trait", "a", "b", "matters for")
    lines = ["", *make_rows(headings, rows[:MOST_SHOWN])]
    rest = rows[MOST_SHOWN:]
    if rest:
        summary = f"<details><summary>{len(rest)} more differences</summary>"
        lines += ["", summary, "", *make_rows(headings, rest), "", "</details>"]
    return lines
