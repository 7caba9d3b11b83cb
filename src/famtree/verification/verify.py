"""Prove or refute one link by the weights of both ends. The only door to numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from famtree.errors import FamtreeError
from famtree.types.identification import ChainStep, LineageSummary, LinkRelation, Notice
from famtree.types.proof import Proof, SideReading, UnreadPart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from famtree.types.source import CheckpointSource
    from famtree.weights.open import Weights
    from famtree.weights.results import Operation, PairResult

CERTAIN = 0.99
REFUTED = 0.02
MAX_VERIFIED = 8
"""Most claimed parents whose weights are read in one answer."""
OnProgress = Callable[[str], None]
OpenParent = Callable[[str], "CheckpointSource"]
_RELATIONS: dict[str, LinkRelation] = {
    "copy": "copy", "cast": "converted", "quantized": "quantized", "pruned": "pruned",
    "upscaled": "upscaled", "upcycled": "upcycled",
}  # fmt: skip


def verify_pair(
    child: CheckpointSource,
    parent: CheckpointSource,
    *,
    on_progress: OnProgress | None = None,
    details: bool = False,
    permutations: int = 0,
) -> Proof:
    """Read samples of both sides' weights and say what they prove.

    `details` also tells direction and operation, for which some megabytes more are read. Raises
    FetchError and UnreadableError kin when a side cannot be opened.
    """
    from famtree.weights.open import open_weights

    ours = open_weights(child, on_progress=on_progress)
    theirs = open_weights(parent, on_progress=on_progress)
    return verify_weights(
        ours, theirs, on_progress=on_progress, details=details, permutations=permutations
    )


def verify_weights(
    child: Weights,
    parent: Weights,
    *,
    on_progress: OnProgress | None = None,
    details: bool = False,
    permutations: int = 0,
) -> Proof:
    """Like `verify_pair`, for sides that are open already."""
    from famtree.weights.pair import compare_weights

    result = compare_weights(child, parent, permutations=permutations, on_progress=on_progress)
    direction: Literal["parent-first", "child-first"] | None = None
    by, operation = None, None
    if details and result.verdict == "derived":
        from famtree.weights.direction import find_direction
        from famtree.weights.operation import describe_operation

        found = find_direction(parent, child)
        if found.parent is not None:
            direction, by = ("parent-first" if found.parent == "a" else "child-first"), found.arrow
        operation = describe_operation(child, parent)
    return _make_proof(child, parent, result, direction, by, operation)


def verify_lineage(
    source: CheckpointSource,
    lineage: LineageSummary,
    open_parent: OpenParent,
    *,
    on_progress: OnProgress | None = None,
) -> tuple[LineageSummary, list[Proof], list[Notice]]:
    """Check the direct parents of `lineage` by weights, and return it with their new status.

    A parent whose weights this checkpoint's depend on is `verified`. One that fails both the
    column and the probe test is `contradicted` where another passes; where none does it keeps
    its status with the finding as evidence, since the claim may name the right family and the
    wrong member. Parents that cannot be had are named in a notice.
    """
    from famtree.weights.open import open_weights

    direct = [at for at, step in enumerate(lineage.chain) if step.parent in lineage.parents
              or step.child == lineage.chain[0].child][:MAX_VERIFIED]  # fmt: skip
    notices: list[Notice] = []
    proofs: dict[int, Proof] = {}
    if not direct:
        return lineage, [], notices
    try:
        ours = open_weights(source, on_progress=on_progress)
    except FamtreeError as fault:
        return lineage, [], [_notice(source.ref.text, fault)]
    for at in direct:
        name = lineage.chain[at].parent
        if on_progress is not None:
            on_progress(f"comparing weights with {name}")
        try:
            theirs = open_weights(open_parent(name), on_progress=on_progress)
            proofs[at] = verify_weights(ours, theirs, on_progress=on_progress)
        except FamtreeError as fault:
            notices.append(_notice(name, fault))
    steps = apply_proofs(lineage.chain, proofs)
    refuted = {steps[at].parent for at in proofs if steps[at].status == "contradicted"}
    changed = lineage.model_copy(
        update={
            "chain": steps,
            "parents": [name for name in lineage.parents if name not in refuted],
        }
    )
    return changed, list(proofs.values()), notices


def apply_proofs(chain: list[ChainStep], proofs: Mapping[int, Proof]) -> list[ChainStep]:
    """Return `chain` with what the proofs (by place in it) say about its steps."""
    passed = any(proof.related for proof in proofs.values())
    steps = list(chain)
    for at, proof in proofs.items():
        step = steps[at]
        update: dict[str, object] = {"evidence": [*step.evidence, *proof.to_evidence()]}
        if proof.related:
            update |= {"status": "verified", "confidence": CERTAIN}
            if proof.verdict == "same-weights":
                update["relation"] = "copy"
            elif step.relation == "unknown" and proof.operation in _RELATIONS:
                update["relation"] = _RELATIONS[proof.operation]
        elif proof.verdict == "independent" and passed:
            update |= {"status": "contradicted", "confidence": REFUTED}
        steps[at] = step.model_copy(update=update)
    return steps


def _make_proof(
    child: Weights,
    parent: Weights,
    result: PairResult,
    direction: Literal["parent-first", "child-first"] | None,
    by: str | None,
    operation: Operation | None,
) -> Proof:
    column = result.column
    return Proof.model_construct(
        child=child.source.ref.text,
        parent=parent.source.ref.text,
        verdict=result.verdict,
        reason=result.reason,
        decided_by=result.decided_by,
        z=_round(result.z, 3),
        p_value=None if result.log10_p is None else 10.0 ** max(result.log10_p, -400.0),
        log10_p=_round(result.log10_p, 2),
        permutation_p=column.permutation_p if column is not None else None,
        cosine=_round(result.cosine, 4),
        bit_equal=_round(result.bit_equal, 4),
        probe_z=_round(result.probe.z if result.probe is not None else None, 3),
        embedding_z=_round(result.embedding.z if result.embedding is not None else None, 3),
        layers=[(link.child, link.parent) for link in result.layers],
        direction=direction,
        direction_by=by,
        operation=operation.name if operation is not None else None,
        operation_notes=_describe(operation),
        sides=[_side(child), _side(parent)],
    )


def _describe(operation: Operation | None) -> list[str]:
    if operation is None:
        return []
    notes = [note for note in operation.notes if note]
    if operation.rank is not None:
        notes.append(f"rank about {operation.rank}")
    if operation.frozen_embeddings:
        notes.append("embeddings untouched")
    if operation.relative_step is not None:
        notes.append(f"relative step {operation.relative_step:.3g}")
    return notes


def _side(weights: Weights) -> SideReading:
    reading = weights.reading
    return SideReading.model_construct(
        ref=weights.source.ref.text,
        bytes_planned=reading.planned_bytes,
        bytes_read=reading.bytes,
        requests=reading.requests,
        unread=[
            UnreadPart.model_construct(part=one.part, reason=one.reason) for one in reading.unread
        ],
    )


def _notice(name: str, fault: FamtreeError) -> Notice:
    return Notice.model_construct(
        code="not-verified", message=f"{name} could not be verified: {fault.message}"
    )


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
