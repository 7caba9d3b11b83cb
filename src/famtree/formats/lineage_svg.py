"""The drawing of a lineage: in its page, where boxes and labels lead to evidence, and by itself."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from famtree.formats.escape import clip_text
from famtree.formats.lineage_layout import (
    LABEL_HEIGHT,
    LABEL_WIDTH,
    NODE_HEIGHT,
    NODE_WIDTH,
    Drawing,
    Line,
    lay_out,
)
from famtree.formats.lineage_words import (
    Graph,
    Publishers,
    build_graph,
    describe_layers,
    describe_node,
    find_other_publisher,
)
from famtree.formats.page import read_part
from famtree.types.links import STATUSES

if TYPE_CHECKING:
    from famtree.formats.table import Options
    from famtree.types.identification import LinkStatus
    from famtree.types.lineage import Lineage, LineageEdge, LineageNode

MOST_NODES = 600
"""Checkpoints drawn, nearest first: more cannot be looked at, and a page must open quickly."""

_NAME_COLUMNS = 30
"""Characters of the name's font that fit a box."""
_FACT_COLUMNS = 36
_SURE_COLUMNS = 26
"""Characters that fit whatever they are and whatever the font."""

# Shapes in a square of 12 pixels around the origin: different outlines, not only colours.
_SHAPES: dict[LinkStatus, str] = {
    "verified": '<circle class="solid" r="6"/><path class="cut" d="M-3 0 -1 2.5 3 -2.5"/>',
    "consistent": '<circle class="solid" r="5.5"/>',
    "declared": '<circle class="open" r="5"/>',
    "inferred": '<path class="open" d="M0 -6 6 0 0 6 -6 0Z"/>',
    "contradicted": '<path class="cross" d="M-4.5 -4.5 4.5 4.5M-4.5 4.5 4.5 -4.5"/>',
    "unresolved": '<path class="open" d="M0 -5.5 6 5 -6 5Z"/>',
}


def draw_sign(status: LinkStatus) -> str:
    """Return a small inline SVG with the shape of a status; the word stands beside it."""
    shape = f'<g class="sign s-{status}">{_SHAPES[status]}</g>'
    return f'<svg class="icon" viewBox="-8 -8 16 16" aria-hidden="true">{shape}</svg>'


def render_svg(lineage: Lineage, options: Options) -> str:
    """Return a picture: one file with its own colours, light and dark, without links or scripts."""
    drawing = draw_svg(
        build_graph(lineage, most=MOST_NODES),
        publishers=options.publishers,
        roots=set(lineage.roots),
        alone=True,
    )
    head, _, rest = drawing.partition(">")
    ground = '<rect class="ground" width="100%" height="100%"/>'
    return f"{head}>\n<style>\n{read_part('graph.css')}</style>\n{ground}{rest}\n"


def draw_svg(graph: Graph, *, publishers: Publishers, roots: set[str], alone: bool = False) -> str:
    """Return the SVG element: box n is `#b{n}` and leads to `#n{n}`, label n `#l{n}` to `#e{n}`.

    With `alone` nothing leads anywhere: there is no page around it.
    """
    numbers = {ref: number for number, ref in enumerate(graph.nodes)}
    edges = graph.edges
    layout = lay_out(len(numbers), [(numbers[e.child], numbers[e.parent]) for e in edges])
    parts = [_open_svg(layout, graph.ref if alone else None)]
    pairs = list(zip(edges, layout.lines, strict=True))
    parts += [_draw_line(edge, line) for edge, line in pairs]
    # Boxes and labels alternate as a reader goes: a checkpoint, then what it comes from.
    links: dict[str, list[str]] = {}
    for number, (edge, line) in enumerate(pairs):
        ends = f'data-child="{numbers[edge.child]}" data-parent="{numbers[edge.parent]}"'
        link = _lead(f"l{number}", f"e{number}", _draw_label(edge, line, ends), alone=alone)
        links.setdefault(edge.child, []).append(link)
    for number, node in enumerate(graph.nodes.values()):
        other = find_other_publisher(node, publishers)
        kind = "asked" if node.ref == graph.ref else "root" if node.ref in roots else "between"
        box = _draw_box(node, layout.boxes[number], kind, other)
        parts.append(_lead(f"b{number}", f"n{number}", box, alone=alone))
        parts += links.get(node.ref, [])
    return "\n".join([*parts, "</svg>"])


def wrap_name(name: str, columns: int = _NAME_COLUMNS) -> list[str]:
    """Return a name in at most two lines, broken after `/`, `-`, `_` or `.`; the middle gives way.

    Both ends of a long name tell more than its middle: the organisation, and what was done last.
    """
    text = clip_text(name)
    columns = _fit_columns(text, columns)
    if len(text) <= columns:
        return [text]
    if len(text) > 2 * columns:
        text = f"{text[: columns - 1]}…{text[len(text) - columns :]}"
        return [text[:columns], text[columns:]]
    breaks = [match.end() for match in re.finditer(r"[/\-_.]", text)]
    fitting = [at for at in breaks if at <= columns and len(text) - at <= columns]
    slash = text.find("/") + 1
    at = slash if slash in fitting else fitting[-1] if fitting else columns
    return [text[:at], text[at:]]


def _lead(name: str, target: str, inner: str, *, alone: bool) -> str:
    return (
        f'<g id="{name}" {inner}</g>' if alone else f'<a id="{name}" href="#{target}" {inner}</a>'
    )


def _open_svg(layout: Drawing, alone: str | None) -> str:
    markers = "".join(
        f'<marker id="m-{status}" class="s-{status}" viewBox="0 0 10 10" refX="9" refY="5" '
        'markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
        '<path class="tip" d="M0 0 10 5 0 10Z"/></marker>'
        for status in STATUSES
    )
    width, height = f"{layout.width:.0f}", f"{layout.height:.0f}"
    named = 'aria-labelledby="drawing"'
    if alone is not None:
        named = f'xmlns="http://www.w3.org/2000/svg" aria-label="{_clean(f"Lineage of {alone}")}"'
    return (
        f'<svg class="graph" role="group" {named} width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}">\n<defs>{markers}</defs>'
    )


def _draw_line(edge: LineageEdge, line: Line) -> str:
    (x, y), *rest = line.points
    path = [f"M{x:.1f} {y:.1f}"]
    for next_x, next_y in rest:
        half = (y + next_y) / 2
        path.append(f"C{x:.1f} {half:.1f} {next_x:.1f} {half:.1f} {next_x:.1f} {next_y:.1f}")
        x, y = next_x, next_y
    kind = f"line s-{edge.status}"
    return f'<path class="{kind}" d="{" ".join(path)}" marker-end="url(#m-{edge.status})"/>'


def _draw_label(edge: LineageEdge, line: Line, ends: str) -> str:
    x, y = line.label
    relation = {"unknown": "unknown relation"}.get(edge.relation, str(edge.relation))
    if edge.weight is not None:
        relation += f" × {edge.weight:.3g}"
    status = f"{edge.status} {edge.confidence:.2f}"
    told = f"{edge.child} comes from {edge.parent}: {relation}, {status}"
    layers = describe_layers(edge)
    left = -LABEL_WIDTH / 2
    return (
        f'class="label" transform="translate({x:.1f} {y:.1f})" {ends} '
        f'data-status="{edge.status}" data-relation="{edge.relation}" '
        f'aria-label="{_clean(told)}">'
        f"<title>{_clean(f'{told}, {layers}' if layers else told)}</title>"
        f'<rect x="{left:g}" y="{-LABEL_HEIGHT / 2:g}" width="{LABEL_WIDTH:g}" '
        f'height="{LABEL_HEIGHT:g}" rx="8"/>'
        f'<text class="relation" x="{left + 30:g}" y="-3">{_clean(relation)}</text>'
        f'<g class="sign s-{edge.status}" transform="translate({left + 16:g} 0)">'
        f"{_SHAPES[edge.status]}</g> "
        f'<text class="status s-{edge.status}" x="{left + 30:g}" y="13">{_clean(status)}</text>'
    )


def _draw_box(node: LineageNode, middle: tuple[float, float], kind: str, other: str | None) -> str:
    x, y = middle
    facts = describe_node(node) if node.resolved else "known by name only"
    extra = f"published by {other}" if other else "root" if kind == "root" else ""
    lines = [("name", line) for line in wrap_name(node.ref)]
    lines += [("fact", _cut(line, _FACT_COLUMNS)) for line in (facts, extra) if line]
    step = 16.5
    top = -step * (len(lines) - 1) / 2 + 4.5
    # A blank between texts that are words of their own: programs that read aloud join them.
    texts = "".join(
        f'{"" if style == "name" else " "}<text class="{style}" y="{top + step * place:g}" '
        f'text-anchor="middle"{_squeeze(style, line)}>{_clean(line)}</text>'
        for place, (style, line) in enumerate(lines)
    )
    told = ", ".join(part for part in (node.ref, facts, extra) if part)
    classes = f"node {kind}" + ("" if node.resolved else " unread")
    return (
        f'class="{classes}" data-name="{_clean(node.ref)}" '
        f'transform="translate({x:.1f} {y:.1f})" aria-label="{_clean(told)}">'
        f"<title>{_clean(told)}</title>"
        f'<rect x="{-NODE_WIDTH / 2:g}" y="{-NODE_HEIGHT / 2:g}" width="{NODE_WIDTH:g}" '
        f'height="{NODE_HEIGHT:g}" rx="10"/>{texts}'
    )


def _fit_columns(text: str, columns: int) -> int:
    """Return how many characters fit: half as many where some take two columns."""
    return columns // 2 if any(east_asian_width(one) in "WF" for one in text) else columns


def _squeeze(style: str, line: str) -> str:
    """Return attributes giving a long line the box's width, since its font is not known here."""
    known = style == "name" and line.isascii()
    if known or len(line) <= _fit_columns(line, _SURE_COLUMNS):
        return ""
    return f' textLength="{NODE_WIDTH - 20:g}" lengthAdjust="spacingAndGlyphs"'


def _cut(text: str, columns: int) -> str:
    columns = _fit_columns(text, columns)
    return text if len(text) <= columns else text[: columns - 1] + "…"


def _clean(text: str) -> str:
    return escape(clip_text(text, 600))
