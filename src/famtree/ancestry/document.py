"""A finished walk as the published document."""

from __future__ import annotations

from famtree import __version__
from famtree.ancestry.checkpoints import Opened
from famtree.ancestry.walk import Walk
from famtree.lineage.steps import Step
from famtree.types.identification import CostReport
from famtree.types.lineage import ChildGroup, Lineage, LineageEdge, LineageNode


def publish(walk: Walk, children: list[ChildGroup], *, seconds: float) -> Lineage:
    """Return the document of the contract."""
    steps = [step for found in walk.steps.values() for step in found]
    roots, open_ends = find_ends(walk)
    costs = [node.cost for node in walk.nodes.values()]
    return Lineage.model_construct(
        famtree=__version__,
        ref=walk.start,
        nodes=[_describe(ref, opened) for ref, opened in walk.nodes.items()],
        edges=[_draw(step) for step in steps],
        roots=roots,
        children=children,
        complete=bool(roots) and not open_ends and not walk.cut,
        warnings=walk.notices,
        cost=CostReport.model_construct(
            requests=sum(cost.requests for cost in costs),
            bytes=sum(cost.bytes for cost in costs),
            seconds=round(seconds, 4),
        ),
    )


def find_ends(walk: Walk) -> tuple[list[str], list[str]]:
    """Return (roots, other ends) that standing steps lead to from the asked-for checkpoint.

    A root is recorded as trained from scratch. A parent that stands only aside of a better
    claimed one opens no end of its own.
    """
    roots: list[str] = []
    others: list[str] = []
    seen, waiting = {walk.start}, [walk.start]
    while waiting:
        ref = waiting.pop(0)
        onward = [step for step in walk.steps.get(ref, ()) if step.stands]
        main = [step for step in onward if not step.link.aside] or onward
        for step in main:
            if step.parent not in seen:
                seen.add(step.parent)
                waiting.append(step.parent)
        if not main:
            facts = walk.nodes[ref].facts
            (roots if facts is not None and facts.root else others).append(ref)
    return roots, others


def _describe(ref: str, opened: Opened) -> LineageNode:
    facts = opened.facts
    organisation, slash, _ = ref.partition("/")
    return LineageNode.model_construct(
        ref=ref,
        family=facts.family if facts else None,
        generation=facts.generation if facts else None,
        format=facts.format if facts else None,
        publisher=organisation if slash and organisation else None,
        resolved=facts is not None and bool(facts.traits),
    )


def _draw(step: Step) -> LineageEdge:
    return LineageEdge.model_construct(
        child=step.child,
        parent=step.parent,
        relation=step.relation,
        status=step.status,
        weight=step.weight,
        layers=step.layers,
        confidence=step.confidence,
        claimed_by=step.link.sources,
        evidence=step.evidence,
    )
