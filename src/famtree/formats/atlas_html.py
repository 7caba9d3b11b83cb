"""`AtlasReport` -> one page that needs no network, and can be read without its script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from famtree.formats.escape import clip_name, clip_text
from famtree.formats.identity_words import UNKNOWN
from famtree.formats.page import fill_page, find_address, lead_out

if TYPE_CHECKING:
    from famtree.formats.table import Options
    from famtree.types.atlas import AtlasReport, Counted, NamedCheckpoint

_BAR = 22
"""Height of a bar and its gap, pixels."""
_LABEL, _WIDTH, _ROOM = 260, 420, 190
"""Widths of the labels, of the longest bar and of what is written behind it, pixels."""
_LABEL_COLUMNS = 34

_REASONS = {str(word): text for word, text in UNKNOWN.items()}
"""By what an atlas holds, which may be any text."""

Cell = tuple[str, str]
"""Attributes and content of a cell, as markup."""


def render_report(report: AtlasReport, options: Options) -> str:
    """Return the page. Equal reports give equal pages."""
    most = max((one.checkpoints for one in report.families), default=1)
    hub = options.hub
    return fill_page(
        "atlas",
        styles=("graph", "atlas"),
        scripts=("atlas",),
        checkpoints=f"{report.checkpoints:,}",
        built=f"Built on {_clean(report.built)}."
        if report.built
        else "It does not say when it was built.",
        outcomes=draw_bars("Checkpoints by outcome", report.outcomes),
        family_count=f"{len(report.families):,}",
        families=_write_table(
            "families",
            ("family", "checkpoints", "", "generations", "generation open"),
            [
                [
                    _tell(one.key),
                    _number(one.checkpoints),
                    ("", _draw_bar(one.checkpoints / most)),
                    _number(one.generations),
                    _number(one.unsettled),
                ]
                for one in report.families
            ],
        ),
        unknowns=f"{report.unknowns:,}",
        unknown=_write_table(
            "unknown checkpoints",
            ("checkpoint", "why", "what it shows"),
            [
                [_link(one.checkpoint, hub), _explain(one.because), _tell(one.design)]
                for one in report.unknown
            ],
            report.unknowns,
        ),
        statuses=draw_bars("Links by status", report.statuses),
        undeclared=f"{report.undeclared:,}",
        copies=draw_bars("Checkpoints with equal weight files", report.copies),
        contradictions=f"{report.contradictions:,}",
        contradicted=_write_table(
            "contradicted claims",
            ("child", "claimed parent", "relation"),
            [
                [_link(one.child, hub), _link(one.parent, hub), _tell(one.relation)]
                for one in report.contradicted
            ],
            report.contradictions,
        ),
        quantizations=draw_bars("Quantized checkpoints by method", report.quantizations),
        licenses=draw_bars("Checkpoints by licence", report.licenses),
        loosenings=f"{report.loosenings:,}",
        loosened=_write_table(
            "looser licences",
            ("child", "its licence", "parent", "its licence", "status of the link"),
            [
                [
                    _link(one.child, hub),
                    _tell(one.child_license),
                    _link(one.parent, hub),
                    _tell(one.parent_license),
                    _tell(one.status),
                ]
                for one in report.loosened
            ],
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
        f'<svg class="plot" role="img" viewBox="0 0 {_LABEL + _WIDTH + _ROOM} {height}" '
        f'width="{_LABEL + _WIDTH + _ROOM}"><title>{_clean(title)}</title>'
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


def _draw_bar(share: float) -> str:
    return (
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{100 * share:.1f}" height="8"/></svg>'
    )


def _write_table(
    name: str, headings: Sequence[str], rows: Sequence[Sequence[Cell]], total: int | None = None
) -> str:
    if not rows:
        return "<p>None.</p>"
    head = "".join(
        f'<th scope="col">{heading}</th>' if heading else "<td></td>" for heading in headings
    )
    body = "\n".join(
        "<tr>" + "".join(f"<td{kind}>{text}</td>" for kind, text in row) + "</tr>" for row in rows
    )
    left = (total or 0) - len(rows)
    more = f"<p>{left:,} more.</p>" if left > 0 else ""
    return (
        f'<div class="list"><p class="filter" hidden><label>Filter '
        f'<input type="search" aria-label="Filter {name}"></label> <output></output></p>'
        f'<div class="scroll" role="region" tabindex="0" aria-label="Table of {name}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>{more}</div>"
    )


def _tell(text: str) -> Cell:
    return "", _clean(text)


def _number(number: int) -> Cell:
    return f' class="number" data-value="{number}"', f"{number:,}"


def _explain(because: str) -> Cell:
    return "", _clean(_REASONS.get(because, because))


def _link(one: NamedCheckpoint, hub: str) -> Cell:
    address = find_address(one.name, hub) if one.listed else None
    name = escape(clip_name(one.name))
    return "", name if address is None else lead_out(address, name)


def _clip(text: str) -> str:
    return escape(clip_name(text, _LABEL_COLUMNS))


def _clean(text: str) -> str:
    return escape(clip_text(text))
