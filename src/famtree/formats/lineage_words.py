"""What all drawings of a lineage share: words and signs of a link, and the order of walking it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from famtree.types.identification import LinkStatus
from famtree.types.lineage import LineageNode

if TYPE_CHECKING:
    from famtree.types.identification import Verification
    from famtree.types.lineage import Lineage, LineageEdge

SIGNS: dict[LinkStatus, str] = {
    "verified": "✔",
    "consistent": "●",
    "declared": "○",
    "inferred": "◇",
    "contradicted": "✘",
    "unresolved": "?",
}
"""One column each. A sign never stands without its word."""

STATUS_STYLES: dict[LinkStatus, str] = {
    "verified": "bold green",
    "consistent": "green",
    "declared": "cyan",
    "inferred": "yellow",
    "contradicted": "bold red",
    "unresolved": "magenta",
}

MEANINGS: dict[LinkStatus, str] = {
    "verified": "a hash or a weight test proves it",
    "consistent": "declared, and everything that could be checked fits",
    "declared": "claimed, but the parent could not be checked",
    "inferred": "nobody claims it, the evidence points to it",
    "contradicted": "claimed, and the evidence rules it out",
    "unresolved": "claimed, and it could not be settled from which checkpoint, or whether at all",
}

Publishers = Mapping[str, Collection[str]]
"""Family key -> Hub organisations of its maker."""

_MOST_SPANS = 6


class Graph(Struct, frozen=True):
    """A lineage made ready to draw: every name has a node, nearest to the asked-for first."""

    ref: str
    nodes: dict[str, LineageNode]
    parents: dict[str, list[LineageEdge]]
    """Child -> its links, in the document's order; every node has an entry."""
    left_out: int = 0
    """Nodes of the document that are not drawn."""

    @property
    def edges(self) -> list[LineageEdge]:
        """All links, those of nearer children first."""
        return [edge for edges in self.parents.values() for edge in edges]


def build_graph(lineage: Lineage, *, most: int) -> Graph:
    """Return at most `most` nodes of `lineage`, nearest first, and the links between them.

    Repeated links are kept (two relations to one parent are two claims), a link of a node to
    itself is not. Nodes that no link joins to the asked-for one come last.
    """
    known = {node.ref: node for node in lineage.nodes}
    links: dict[str, list[LineageEdge]] = {}
    for edge in lineage.edges:
        if edge.child != edge.parent:
            links.setdefault(edge.child, []).append(edge)
    order: dict[str, None] = {}
    for start in (lineage.ref, *links, *known):
        waiting = deque([start])
        while waiting:
            ref = waiting.popleft()
            if ref not in order:
                order[ref] = None
                waiting.extend(edge.parent for edge in links.get(ref, ()))
    drawn = list(order)[:most]
    kept = set(drawn)
    return Graph(
        ref=lineage.ref,
        nodes={ref: known.get(ref) or LineageNode(ref=ref, resolved=False) for ref in drawn},
        parents={ref: [e for e in links.get(ref, ()) if e.parent in kept] for ref in drawn},
        left_out=len(order) - len(drawn),
    )


def describe_status(edge: LineageEdge) -> str:
    """Return sign, word and confidence: `✔ verified 0.99`."""
    return f"{SIGNS[edge.status]} {edge.status} {edge.confidence:.2f}"


def describe_relation(edge: LineageEdge) -> str:
    """Return the relation and, what the parent became or its share: `merge, weight 0.3`."""
    relation = "derived, unknown how" if edge.relation == "unknown" else str(edge.relation)
    relation = relation if edge.role is None else f"{relation} as {edge.role}"
    return relation if edge.weight is None else f"{relation}, weight {edge.weight:.3g}"


def describe_layers(edge: LineageEdge) -> str | None:
    """Return the layers taken from the parent, ends included: `layers 0-15, 24-31`."""
    spans = [(start, stop) for start, stop in edge.layers if stop > start]
    if not spans:
        return None
    told = [f"{start}-{stop - 1}" if stop - start > 1 else f"{start}" for start, stop in spans]
    more = f" and {len(told) - _MOST_SPANS} more" if len(told) > _MOST_SPANS else ""
    return f"layers {', '.join(told[:_MOST_SPANS])}{more}"


def describe_node(node: LineageNode) -> str:
    """Return generation (or family) and format of a node; may be empty."""
    design = node.generation or node.family
    return ", ".join(part for part in (design, node.format) if part)


def find_other_publisher(node: LineageNode, publishers: Publishers) -> str | None:
    """Return the publisher if it is not one of the family maker's organisations.

    None too where the family or its organisations are not known: a difference that cannot be
    shown is not told.
    """
    own = publishers.get(node.family or "")
    if not own or not node.publisher:
        return None
    return None if node.publisher.lower() in {name.lower() for name in own} else node.publisher


def describe_completeness(lineage: Lineage) -> str:
    """Return one sentence: how far the drawing reaches."""
    if lineage.complete:
        return "complete: every branch ends at a root"
    refuted = {edge.child for edge in lineage.edges if edge.status == "contradicted"}
    standing = {edge.child for edge in lineage.edges if edge.status != "contradicted"}
    ends = refuted - standing
    if not ends:
        return "incomplete: a branch ends at a gap or at the depth limit"
    told = f"incomplete: the parent that {min(ends)} names is ruled out"
    return told if len(ends) == 1 else f"{told}, and {len(ends) - 1} more so"


def describe_verification(verification: Verification) -> list[tuple[str, str]]:
    """Return (style, line) of what came of comparing weights, at least one."""
    lines = [
        (style, f"{sign} {word} {one.parent}: {one.text}")
        for one in verification.links
        for sign, word, style in (_VERIFIED[one.outcome],)
    ]
    nothing = "no parent is named whose weights could be compared; no weight byte read"
    return lines or [("dim", f"○ nothing told: {nothing}")]


def describe_candidates(lineage: Lineage) -> list[str]:
    """Return a line on each checkpoint that was named as a possible relative."""
    return [f"candidate: {one.ref}: {one.reason}" for one in lineage.candidates]


def describe_recipes(lineage: Lineage) -> list[tuple[str, str]]:
    """Return (style, line) of what the weights of each merge say of its recipe."""
    return [
        ("green" if node.recipe.method else "dim", f"recipe: {node.recipe.reason}")
        for node in lineage.nodes
        if node.recipe is not None
    ]


_VERIFIED = {
    "proven": ("✔", "proven: weights come from", "green"),
    "refuted": ("✘", "refuted: weights do not come from", "red"),
    "untold": ("○", "nothing told of", "dim"),
}
