"""The declared parent as the last word on designs that a checkpoint's own evidence leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from famtree.checkpoint.adapter import UNSEEN
from famtree.checkpoint.bases import find_base
from famtree.types.identification import Candidate, Evidence, LinkRelation, LinkStatus

if TYPE_CHECKING:
    from famtree.checkpoint.findings import Findings
    from famtree.lineage.steps import JudgedLink
    from famtree.lineage.walk import Walk
    from famtree.registry.registry import Registry
    from famtree.types.family import Family, Generation

_NEAR = 0.5
"""Share of the leading candidate's belief that one has to have: the tie is between those."""
_KEPT: frozenset[LinkRelation] = frozenset(
    {"copy", "finetune", "continued-pretrain", "quantized", "converted", "merge", "pruned"}
)
"""Relations under which a child has its parent's design."""
_CLAIMED: frozenset[LinkStatus] = frozenset({"verified", "consistent", "declared"})
_SAYING = frozenset({"card", "tag", "config", "gguf", "mergekit", "adapter"})


class Tie(Struct, frozen=True):
    """The one of the open designs that the declared parents have."""

    family: Family
    generation: Generation
    belief: float
    candidates: list[Candidate]
    evidence: Evidence
    reason: str


def break_tie(findings: Findings, walk: Walk, registry: Registry) -> Tie | None:
    """Return the design that all declared parents have, where it is one of those left open.

    None where the own evidence settles a generation or nothing, where a parent is contradicted,
    or known by no more than the words of its name.
    """
    result = findings.result
    if findings.kind != "model" or result.outcome == "unknown" or result.generation is not None:
        return None
    leading = max((one.score for one in result.candidates), default=0.0)
    tied = [one for one in result.candidates if one.score >= _NEAR * leading]
    steps = [one for one in walk.steps.get(walk.start, ()) if one.role is None]
    if len(tied) < 2 or not steps or not all(_is_claimed(one) for one in steps):
        return None
    designs = {_find_design(one.parent, walk, registry) for one in steps}
    design = designs.pop()
    chosen = [one for one in tied if design and (one.family, one.generation) == design[:2]]
    if designs or not chosen or design is None:
        return None
    family, generation = registry.by_key[design[0]], registry.find_generation(*design[:2])
    if generation is None:
        return None
    best, belief, parent = chosen[0], min(result.confidence, design[2]), steps[0].parent
    told = best.model_copy(update={"score": round(belief, 4), "decided_by": "declared"})
    source = next(one for one in steps[0].link.sources if one in _SAYING)
    return Tie(
        family,
        generation,
        belief,
        [told, *(one for one in result.candidates if one is not best)],
        Evidence.model_construct(
            signal="claim",
            source=source,
            expected=" or ".join(str(one.name or one.generation or one.family) for one in tied),
            seen=f"{parent}, {generation.name}",
            supports=True,
            weight=0.0,
        ),
        f"its own files fit {len(tied)} designs, and the parent it declares, {parent}, is "
        f"{generation.name}",
    )


def _is_claimed(step: JudgedLink) -> bool:
    said = any(one in _SAYING for one in step.link.sources)
    return said and step.status in _CLAIMED and step.relation in _KEPT and step.misstated is None


def _find_design(parent: str, walk: Walk, registry: Registry) -> tuple[str, str, float] | None:
    """Return family and generation of a parent as its files or records show, and the belief."""
    facts = walk.nodes.get(parent)
    if facts is not None:
        if facts.family is None or facts.generation is None:
            return None
        return facts.family, facts.generation, UNSEEN["record"]
    base = find_base(parent, registry)
    if base is None or len(base.generations) != 1 or base.known_by == "words":
        return None
    return base.family, base.generations[0], UNSEEN[base.known_by]
