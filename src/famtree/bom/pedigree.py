"""The ancestry graph as CycloneDX pedigree.

`ancestors` nests: a parent has its own parents in its own pedigree. CycloneDX reads every ancestor
as a fact, so the status decides where a link stands: what the evidence rules out is no ancestor,
and what could not be settled is a `variant`, "where the exact relation may not be known".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from cyclonedx.model.component import Component, Pedigree

from famtree.bom.component import make_component
from famtree.bom.properties import make_properties
from famtree.checkpoint.checkpoint import Checkpoint
from famtree.types.lineage import Lineage, LineageEdge, LineageNode
from famtree.types.links import NOT_ANCESTORS


def make_pedigree(lineage: Lineage, opened: Mapping[str, Checkpoint]) -> Pedigree | None:
    """Return the pedigree of the asked-for checkpoint, or None where nothing is known of any.

    `opened` are the checkpoints that could be opened, by the names of the lineage's nodes.
    """
    drawing = _Drawing(lineage, opened)
    descendants = [
        make_component(name, None, properties=make_properties({"relation": group.relation}))
        for group in lineage.children
        for name in group.examples
    ]
    return drawing.draw(lineage.ref, descendants)


@dataclass(slots=True)
class _Drawing:
    """Draws each checkpoint's own ancestors once: merges of merges meet the same ones often."""

    lineage: Lineage
    opened: Mapping[str, Checkpoint]
    nodes: dict[str, LineageNode] = field(init=False)
    edges: dict[str, list[LineageEdge]] = field(init=False)
    drawn: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.nodes = {node.ref: node for node in self.lineage.nodes}
        self.edges = defaultdict(list)
        for edge in self.lineage.edges:
            self.edges[edge.child].append(edge)

    def draw(self, ref: str, descendants: list[Component] | None = None) -> Pedigree | None:
        if ref in self.drawn:
            return None
        self.drawn.add(ref)
        edges = self.edges[ref]
        kept = [edge for edge in edges if edge.status not in NOT_ANCESTORS]
        unsure = [edge for edge in edges if edge.status == "unresolved"]
        notes = [
            f"{edge.child} claims to come from {edge.parent} ({edge.relation}); "
            "the evidence rules it out"
            for edge in edges
            if edge.status == "contradicted"
        ]
        if not (kept or unsure or notes or descendants):
            return None
        return Pedigree(
            ancestors=[self._describe(edge) for edge in kept],
            variants=[self._describe(edge, named=False) for edge in unsure],
            descendants=descendants,
            notes="\n".join(notes) or None,
        )

    def _describe(self, edge: LineageEdge, *, named: bool = True) -> Component:
        node = self.nodes.get(edge.parent)
        properties = {
            "relation": edge.relation,
            "status": edge.status,
            "confidence": edge.confidence,
            "merge-weight": edge.weight,
            "claimed-by": sorted(edge.claimed_by),
            "family": node.family if node is not None else None,
            "generation": node.generation if node is not None else None,
            "format": node.format if node is not None else None,
        }
        return make_component(
            edge.parent,
            self.opened.get(edge.parent),
            named=named,
            properties=make_properties(properties),
            pedigree=self.draw(edge.parent),
        )
