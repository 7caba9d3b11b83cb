"""Proofs by the weights of both ends: of one pair, and of the links of a walk. The only door to
numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from famtree.errors import FamtreeError
from famtree.lineage.hashes import find_doubt, prove_by_hashes
from famtree.lineage.judge import apply_proof
from famtree.lineage.kinship import look_above, tell_kinship
from famtree.types.identification import Evidence, Notice
from famtree.types.proof import Proof, SideReading, UnreadPart
from famtree.types.proof_options import USUAL, ProofOptions
from famtree.types.weight_facts import ProofDraw, ReDerived

if TYPE_CHECKING:
    from famtree.checkpoint.checkpoint import Checkpoint
    from famtree.lineage.opener import Opener
    from famtree.lineage.steps import JudgedLink
    from famtree.weights.open import Weights
    from famtree.weights.results import Operation, PairResult

MAX_VERIFIED = 8
"""Most parents of one checkpoint whose weights are read in one answer."""
OnProgress = Callable[[str], None]


class Prover:
    """Settles the links of one walk by weights; keeps each proof by the names of its ends."""

    def __init__(self, start: Checkpoint, opener: Opener, on_progress: OnProgress | None) -> None:
        self._start = start
        self._opener = opener
        self._on_progress = on_progress
        self.proofs: dict[tuple[str, str], Proof] = {}
        self.unread: dict[tuple[str, str], str] = {}
        """Why nothing could be told, where weights could not be read."""
        self.notices: list[Notice] = []

    def settle(self, step: JudgedLink) -> None:
        """Give `step` what the weights of its ends say; why they could not be read is evidence."""
        link = step.child, step.parent
        child, parent = self._find(step.child), self._opener.opened.get(step.parent)
        if child is None or parent is child:
            return
        if parent is None:
            if child is self._start:
                self._tell_unread(step, "its files could not be had")
            return
        if sum(child == step.child for child, _ in self.proofs) >= MAX_VERIFIED:
            self._tell_unread(step, f"weights of {MAX_VERIFIED} parents were read already")
            return
        if self._on_progress is not None:
            self._on_progress(f"comparing weights of {step.child} with {step.parent}")
        # What was done is asked where nothing that stands tells.
        details = step.relation == "unknown" or not step.stands
        try:
            proof = prove_pair(
                child,
                parent,
                on_progress=self._on_progress,
                details=details,
                options=self._opener.options,
            )
        except FamtreeError as fault:
            self._tell_unread(step, fault.message)
            return
        if step.relation != "merge":
            proof = look_above(child, parent, self._opener, proof)
            told = tell_kinship(step.child, step.parent, proof)
            self.notices += [] if told is None else [told]
        self.proofs[link] = proof
        apply_proof(step, proof)

    def _find(self, ref: str) -> Checkpoint | None:
        return self._start if ref == self._start.ref else self._opener.opened.get(ref)

    def _tell_unread(self, step: JudgedLink, reason: str) -> None:
        self.unread[step.child, step.parent] = reason
        step.evidence = [
            *step.evidence,
            Evidence.model_construct(
                signal="weights",
                source="weights",
                expected="dependent on the parent's",
                seen=f"not read: {reason}",
                supports=False,
                weight=0.0,
            ),
        ]


def prove_pair(
    child: Checkpoint,
    parent: Checkpoint,
    *,
    on_progress: OnProgress | None = None,
    details: bool = False,
    options: ProofOptions = USUAL,
) -> Proof:
    """Return what hashes prove, those that are only recorded computed first; else what samples do.

    `details`, `options` and errors as in `prove_weights`.
    """
    proof = prove_by_hashes(child.source, parent.source, on_progress=on_progress)
    if proof is not None:
        return proof
    return prove_weights(
        child.weights, parent.weights, on_progress=on_progress, details=details, options=options
    )


def prove_weights(
    child: Weights,
    parent: Weights,
    *,
    on_progress: OnProgress | None = None,
    details: bool = False,
    permutations: int = 0,
    options: ProofOptions = USUAL,
) -> Proof:
    """Read samples of both sides' weights and say what they prove.

    `details` also tells direction and operation, for which some megabytes more are read, and so
    does a thorough look. Raises FetchError and UnreadableError kin when a side cannot be read.
    """
    from famtree.weights.identity import find_unsampled, same_files
    from famtree.weights.pair import compare_weights

    result = compare_weights(
        child, parent, permutations=permutations, nonce=options.nonce, on_progress=on_progress
    )
    if result.verdict == "same-weights":
        left = find_unsampled(child, parent) or find_unsampled(parent, child)
        if left is not None and not same_files(child, parent):
            reason = f"{result.reason}, but {left[:200]} holds more, and was not read whole"
            result = replace(result, verdict="derived", reason=reason)
    doubt = find_doubt(child.source, parent.source, result.verdict)
    if doubt is not None:
        result = replace(result, verdict="undetermined", reason=doubt, decided_by="nothing")
    direction: Literal["parent-first", "child-first"] | None = None
    by, operation = None, None
    if (details or options.thorough) and result.verdict == "derived":
        from famtree.weights.direction import find_direction
        from famtree.weights.operation import describe_operation

        found = find_direction(parent, child)
        if found.parent is not None:
            direction, by = ("parent-first" if found.parent == "a" else "child-first"), found.arrow
        operation = describe_operation(child, parent)
    proof = _make_proof(child, parent, result, direction, by, operation)
    return _derive_again(child, parent, result, proof, both=details)


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
        changed=None if result.changed is None else list(result.changed),
        draw=_describe_draw(result),
        gram_z=_round(result.gram.z if result.gram is not None else None, 3),
        sides=[_side(child), _side(parent)],
    )


def _derive_again(
    child: Weights, parent: Weights, result: PairResult, proof: Proof, *, both: bool
) -> Proof:
    """Add what of a related child is, byte for byte, the parent's values converted.

    `both` also asks whether the parent is the child's.
    """
    if result.verdict != "derived" or result.draw is None:
        return proof
    from famtree.weights.re_derivation import derive_again

    source, found = parent, derive_again(child, parent, result.draw)
    if found is None and both:
        source, found = child, derive_again(parent, child, result.draw)
    if found is None:
        return proof
    name = source.source.ref.text
    told = f"{found.blocks} drawn blocks are values of {name} as {found.type}, bit by bit"
    return proof.model_copy(
        update={
            "re_derived": ReDerived.model_construct(
                source=name, blocks=found.blocks, type=found.type
            ),
            "direction": "parent-first" if source is parent else "child-first",
            "direction_by": "re-derived",
            "operation": "cast" if found.is_cast else "quantized",
            "reason": f"{proof.reason}; {told}",
            "sides": [_side(child), _side(parent)],
        }
    )


def _describe_draw(result: PairResult) -> ProofDraw | None:
    draw = result.draw
    if draw is None or (result.verdict == "same-weights" and result.bit_equal is None):
        return None  # whole files are equal, and nothing was drawn
    return ProofDraw.model_construct(key=draw.key, source=draw.source)


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
        bytes_hashed=reading.hashed,
        unread=[
            UnreadPart.model_construct(part=one.part, reason=one.reason) for one in reading.unread
        ],
    )


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
