"""`AtlasReport` -> one page that needs no network and no script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from famtree.formats.escape import clip_text
from famtree.types.atlas import AtlasReport, Counted

if TYPE_CHECKING:
    from famtree.formats.table import Options

_DATA = Path(__file__).with_name("data")
_BAR = 22
"""Height of a bar and its gap, pixels."""
_LABEL, _WIDTH, _ROOM = 260, 420, 190
"""Widths of the labels, of the longest bar and of what is written behind it, pixels."""
_LABEL_COLUMNS = 34


def render_report(report: AtlasReport, _: Options) -> str:
    """Return the page. Equal reports give equal pages."""
    page = Template((_DATA / "atlas.html").read_text(encoding="utf-8"))
    return page.substitute(
        style=(_DATA / "atlas.css").read_text(encoding="utf-8"),
        checkpoints=f"{report.checkpoints:,}",
        outcomes=draw_bars("Checkpoints by outcome", report.outcomes),
        families=draw_bars("Checkpoints by family", report.families),
        statuses=draw_bars("Links by status", report.statuses),
        undeclared=f"{report.undeclared:,}",
        copies=draw_bars("Checkpoints with equal weight files", report.copies),
        contradictions=f"{report.contradictions:,}",
        contradicted=_write_table(
            ("child", "claimed parent", "relation"),
            ((one.child, one.parent, one.relation) for one in report.contradicted),
            report.contradictions,
        ),
        quantizations=draw_bars("Quantized checkpoints by method", report.quantizations),
        licenses=draw_bars("Checkpoints by licence", report.licenses),
        loosenings=f"{report.loosenings:,}",
        loosened=_write_table(
            ("child", "its licence", "parent", "its licence", "status of the link"),
            (
                (one.child, one.child_license, one.parent, one.parent_license, one.status)
                for one in report.loosened
            ),
            report.loosenings,
        ),
        version=_clean(report.famtree),
    )


def draw_bars(title: str, bars: Sequence[Counted]) -> str:
    """Return an inline SVG of horizontal bars, the longest as wide as the plot."""
    if not bars:
        return "<p>None.</p>"
    most = max(bar.count for bar in bars) or 1
    height = _BAR * len(bars)
    parts = [
        f'<svg role="img" viewBox="0 0 {_LABEL + _WIDTH + _ROOM} {height}" '
        f'style="max-width:{_LABEL + _WIDTH + _ROOM}px"><title>{_clean(title)}</title>'
    ]
    for number, bar in enumerate(bars):
        top = number * _BAR
        width = max(1, round(_WIDTH * bar.count / most))
        told = f"{bar.count:,}" + (f" · {_clip(bar.note)}" if bar.note else "")
        parts.append(
            f'<text class="label" x="{_LABEL - 8}" y="{top + 15}">{_clip(bar.label)}</text>'
            f'<rect x="{_LABEL}" y="{top + 3}" width="{width}" height="{_BAR - 6}"/>'
            f'<text x="{_LABEL + width + 6}" y="{top + 15}">{told}</text>'
        )
    return "\n".join([*parts, "</svg>"])


def _write_table(headings: Sequence[str], rows: Iterable[Sequence[str]], total: int) -> str:
    shown = ["<tr>" + "".join(f"<td>{_clean(cell)}</td>" for cell in row) + "</tr>" for row in rows]
    if not shown:
        return ""
    head = "".join(f'<th scope="col">{heading}</th>' for heading in headings)
    more = f"<p>{total - len(shown):,} more.</p>" if total > len(shown) else ""
    body = "\n".join(shown)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>{more}"


def _clip(text: str) -> str:
    return escape(clip_text(text, _LABEL_COLUMNS))


def _clean(text: str) -> str:
    return escape(clip_text(text))
