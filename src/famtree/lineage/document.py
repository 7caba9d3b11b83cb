"""A finished walk as the published documents show it: the graph, and its summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from famtree import __version__
from famtree.checkpoint.facts import NodeFacts
from famtree.lineage.recipes import Recipes
from famtree.lineage.steps import JudgedLink
from famtree.lineage.trace import Trace
from famtree.types.identification import (
    CostReport,
    LineageSummary,
    Notice,
    Verification,
    VerifiedLink,
    WeightProof,
)
from famtree.types.lineage import ChildGroup, Lineage, LineageEdge, LineageNode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from famtree.registry.registry import Registry
    from famtree.types.proof import FoundMerge, Proof

MAX_UNREAD = 8


def publish_lineage(
    trace: Trace,
    registry: Registry,
    children: list[ChildGroup],
    cost: CostReport,
    recipes: Recipes,
    notices: Iterable[Notice] = (),
) -> Lineage:
    """Return the document of the contract; `recipes` are what weights told of its merges.

    `notices` are those of the children's list.
    """
    walk = trace.walk
    roots, _ = walk.find_ends()
    return Lineage.model_construct(
        famtree=__version__,
        ref=walk.start,
        nodes=[_describe(ref, facts, recipes.found.get(ref)) for ref, facts in walk.nodes.items()],
        edges=[_draw(step) for step in walk.chain],
        roots=roots,
        children=children,
        relatives=list(trace.advice.relatives),
        candidates=list(trace.advice.candidates),
        complete=walk.complete,
        proofs=_shorten_proofs(trace),
        verification=_tell_verification(trace, recipes),
        warnings=[*walk.notices, *notices, *recipes.notices],
        registry=registry.knowledge,
        cost=cost,
    )


def summarise_lineage(trace: Trace) -> LineageSummary:
    """Return direct parents and the chain, nearest parent first.

    `root` is named where all branches end at one checkpoint that is recorded as trained from
    scratch.
    """
    walk = trace.walk
    roots, _ = walk.find_ends()
    complete = walk.complete
    return LineageSummary.model_construct(
        parents=[step.parent for step in walk.steps.get(walk.start, ()) if step.stands],
        chain=[step.publish() for step in walk.chain],
        root=roots[0] if complete and len(roots) == 1 else None,
        complete=complete,
        proofs=_shorten_proofs(trace),
        verification=_tell_verification(trace, Recipes()),
        relatives=list(trace.advice.relatives),
        unopened=trace.unopened,
    )


def _describe(ref: str, facts: NodeFacts | None, recipe: FoundMerge | None = None) -> LineageNode:
    organisation, slash, _ = ref.partition("/")
    return LineageNode.model_construct(
        ref=ref,
        family=facts.family if facts is not None else None,
        generation=facts.generation if facts is not None else None,
        format=facts.format if facts is not None else None,
        source=facts.source if facts is not None else None,
        publisher=organisation if slash and organisation else None,
        resolved=facts is not None,
        recipe=recipe,
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
        role=step.role,
        claimed_by=step.link.sources,
        evidence=step.evidence,
    )


def _tell_verification(trace: Trace, recipes: Recipes) -> Verification | None:
    """Return what came of comparing weights: links of nearer children first."""
    if not trace.verified:
        return None
    told = [describe_proof(child, parent, proof) for (child, parent), proof in trace.proofs.items()]
    told += [
        VerifiedLink.model_construct(child=child, parent=parent, outcome="untold", text=reason)
        for (child, parent), reason in trace.unread.items()
    ]
    read = sum(proof.bytes_read for proof in trace.proofs.values())
    read += sum(recipe.bytes_read for recipe in recipes.found.values())
    return Verification.model_construct(links=told, bytes_read=read)


_OUTCOMES: dict[str, Literal["proven", "refuted", "untold"]] = {
    "same-weights": "proven", "derived": "proven", "partial": "untold",
    "independent": "refuted", "shared-init": "refuted", "undetermined": "untold",
}  # fmt: skip


def describe_proof(child: str, parent: str, proof: Proof) -> VerifiedLink:
    """Return what `proof` says of a link, in one sentence."""
    figures = [f"z {proof.z:.1f}"] if proof.z is not None else []
    figures.append(f"{proof.bytes_read:,} bytes read")
    changed = f"; changed: {', '.join(proof.changed)}" if proof.related and proof.changed else ""
    return VerifiedLink.model_construct(
        child=child,
        parent=parent,
        outcome="untold" if proof.no_parent is not None else _OUTCOMES[proof.verdict],
        text=f"{proof.no_parent or proof.reason + changed} ({', '.join(figures)})",
    )


def _shorten_proofs(trace: Trace) -> list[WeightProof]:
    return [_shorten(link, proof) for link, proof in trace.proofs.items()]


def _shorten(link: tuple[str, str], proof: Proof) -> WeightProof:
    parts = [f"{one.part}: {one.reason}" for side in proof.sides for one in side.unread]
    return WeightProof.model_construct(
        child=link[0],
        parent=link[1],
        verdict=proof.verdict,
        reason=proof.reason,
        z=proof.z,
        p_value=proof.p_value,
        log10_p=proof.log10_p,
        cosine=proof.cosine,
        bytes_planned=sum(side.bytes_planned for side in proof.sides),
        bytes_read=proof.bytes_read,
        bytes_hashed=sum(side.bytes_hashed for side in proof.sides),
        changed=proof.changed if proof.related else None,
        direction=proof.hint,
        operation=proof.operation,
        draw=proof.draw,
        re_derived=proof.re_derived,
        unread=parts[:MAX_UNREAD],
    )
