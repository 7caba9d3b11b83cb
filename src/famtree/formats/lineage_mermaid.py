"""`Lineage` -> a Mermaid flowchart, as GitHub and the Hub draw it in Markdown.

Syntax and limits: https://mermaid.js.org/syntax/flowchart.html and
https://mermaid.js.org/config/schema-docs/config.html (maxTextSize 50,000, maxEdges 500).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from famtree.formats.escape import clip_name
from famtree.formats.lineage_words import (
    build_graph,
    describe_layers,
    describe_node,
    describe_relation,
    describe_status,
)

if TYPE_CHECKING:
    from famtree.formats.table import Options
    from famtree.types.identification import LinkStatus
    from famtree.types.lineage import Lineage, LineageEdge, LineageNode

_MOST_NODES = 200
_MOST_EDGES = 450
_MOST_TEXT = 45_000
_LONGEST_NAME = 80
# Everything else in ASCII has, or had in some version, a meaning to Mermaid, Markdown or HTML.
_SPECIAL = re.compile(r"[^A-Za-z0-9 .,/:+@\u0080-\U0010ffff-]")

_ARROWS: dict[LinkStatus, str] = {
    "verified": "==>",
    "consistent": "-->",
    "declared": "-.->",
    "inferred": "-.->",
    "contradicted": "--x",
    "unresolved": "-.-o",
}


def render_mermaid(lineage: Lineage, _: Options) -> str:
    """Return a flowchart, child on top; arrows lead from child to parent.

    Status is in the word and in the line: thick for verified, broken where unchecked, ending in
    a cross where contradicted. What exceeds Mermaid's limits is left out, farthest first, and a
    comment says how much.
    """
    graph = build_graph(lineage, most=_MOST_NODES)
    ids = {ref: f"n{number}" for number, ref in enumerate(graph.nodes)}
    lines = ["flowchart TD"]
    lines += [f'  {ids[ref]}["{_label_node(node)}"]' for ref, node in graph.nodes.items()]
    # Colours of the reader's theme are kept: they alone suit light and dark.
    lines.append("  classDef asked stroke-width:3px")
    lines.append(f"  class {ids[graph.ref]} asked")
    size = sum(len(line) + 1 for line in lines)
    edges = graph.edges
    left_out = 0
    for count, edge in enumerate(edges):
        arrow = _ARROWS[edge.status]
        line = f'  {ids[edge.child]} {arrow}|"{_label_edge(edge)}"| {ids[edge.parent]}'
        size += len(line) + 1
        if count == _MOST_EDGES or size > _MOST_TEXT:
            left_out = len(edges) - count
            break
        lines.append(line)
    if graph.left_out or left_out:
        lines.append(f"  %% left out: {graph.left_out} checkpoints, {left_out} links")
    return "\n".join(lines) + "\n"


def escape_mermaid(text: str, limit: int = _LONGEST_NAME) -> str:
    """Return `text` for a quoted label: all but plain characters as Mermaid's `#NN;` codes.

    A backslash becomes U+29F5, which looks like one: Mermaid breaks lines at a backslash and `n`
    even where the backslash was written as a code.
    """
    shown = clip_name(text, limit).replace("\\", "\u29f5")
    return _SPECIAL.sub(lambda match: f"#{ord(match.group())};", shown)


def _label_node(node: LineageNode) -> str:
    facts = describe_node(node) if node.resolved else "known by name only"
    name = escape_mermaid(node.ref)
    return f"{name}<br/>{escape_mermaid(facts)}" if facts else name


def _label_edge(edge: LineageEdge) -> str:
    parts = [describe_relation(edge), describe_status(edge), describe_layers(edge)]
    return "<br/>".join(escape_mermaid(part) for part in parts if part)
