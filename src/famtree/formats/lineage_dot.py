"""`Lineage` -> Graphviz. Language: https://graphviz.org/doc/info/lang.html."""

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

_MOST_NODES = 2000
_LONGEST_NAME = 120

_LINES: dict[LinkStatus, str] = {
    "verified": 'style=bold, color="#0f6b3a"',
    "consistent": 'style=solid, color="#0b5cad"',
    "declared": 'style=dashed, color="#5b5f66"',
    "inferred": 'style=dotted, color="#7a4a00"',
    "contradicted": 'style=dashed, color="#b3151f", arrowhead=tee',
    "unresolved": 'style=dotted, color="#6a4a9c", arrowhead=odot',
}


def render_dot(lineage: Lineage, _: Options) -> str:
    """Return a directed graph, child on top; edges lead from child to parent."""
    graph = build_graph(lineage, most=_MOST_NODES)
    ids = {ref: f"n{number}" for number, ref in enumerate(graph.nodes)}
    lines = [
        "digraph lineage {",
        "  rankdir=TB;",
        '  node [shape=box, style=rounded, fontname="sans-serif"];',
        '  edge [fontname="sans-serif", fontsize=10];',
    ]
    for ref, node in graph.nodes.items():
        extra = (
            ", penwidth=2"
            if ref == graph.ref
            else ""
            if node.resolved
            else ', style="rounded,dashed"'
        )
        lines.append(f'  {ids[ref]} [label="{_label_node(node)}"{extra}];')
    for edge in graph.edges:
        ends = f"{ids[edge.child]} -> {ids[edge.parent]}"
        lines.append(f'  {ends} [label="{_label_edge(edge)}", {_LINES[edge.status]}];')
    if graph.left_out:
        lines.append(f"  // left out: {graph.left_out} checkpoints")
    return "\n".join([*lines, "}"]) + "\n"


def escape_dot(text: str, limit: int = _LONGEST_NAME) -> str:
    r"""Return `text` for a quoted label: quotes, backslashes and `&` (entities) made literal."""
    escaped = re.sub(r'(["\\])', r"\\\1", clip_name(text, limit))
    return escaped.replace("&", "&amp;")


def _label_node(node: LineageNode) -> str:
    facts = describe_node(node) if node.resolved else "known by name only"
    return "\\n".join(escape_dot(part) for part in (node.ref, facts) if part)


def _label_edge(edge: LineageEdge) -> str:
    parts = [describe_relation(edge), describe_status(edge), describe_layers(edge)]
    return "\\n".join(escape_dot(part) for part in parts if part)
