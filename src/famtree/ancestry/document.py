"""A finished walk as the published document."""

from __future__ import annotations

from collections.abc import Sequence

from famtree import __version__
from famtree.lineage.facts import NodeFacts
from famtree.lineage.steps import JudgedLink
from famtree.lineage.walk import Walk
from famtree.types.identification import CostReport, Relative
from famtree.types.lineage import ChildGroup, Lineage, LineageEdge, LineageNode


def publish(
    walk: Walk, children: list[ChildGroup], relatives: Sequence[Relative], cost: CostReport
) -> Lineage:
    """Return the document of the contract."""
    roots, _ = walk.find_ends()
    return Lineage.model_construct(
        famtree=__version__,
        ref=walk.start,
        nodes=[_describe(ref, facts) for ref, facts in walk.nodes.items()],
        edges=[_draw(step) for step in walk.chain],
        roots=roots,
        children=children,
        relatives=list(relatives),
        complete=walk.complete,
        warnings=walk.notices,
        cost=cost,
    )


def _describe(ref: str, facts: NodeFacts | None) -> LineageNode:
    organisation, slash, _ = ref.partition("/")
    return LineageNode.model_construct(
        ref=ref,
        family=facts.family if facts is not None else None,
        generation=facts.generation if facts is not None else None,
        format=facts.format if facts is not None else None,
        publisher=organisation if slash and organisation else None,
        resolved=facts is not None,
    )


def _draw(step: JudgedLink) -> LineageEdge:
    return LineageEdge.model_construct(
        child=step.child,
        parent=step.parent,
        relation=step.relation,
        status=step.status,
        weight=step.weight,
        layers=[(span.start, span.stop) for span in step.layers],
        layers_to=[span.to for span in step.layers if span.to is not None],
        confidence=step.confidence,
        claimed_by=step.link.sources,
        evidence=step.evidence,
    )
