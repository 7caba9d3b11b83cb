"""The links of an ancestry settled by weights: each checkpoint opened once, whatever the links."""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree.errors import FamtreeError
from famtree.types.identification import Evidence
from famtree.verification.verify import CERTAIN, REFUTED, OnProgress, verify_weights

if TYPE_CHECKING:
    from famtree.lineage.steps import JudgedLink
    from famtree.types.source import CheckpointSource
    from famtree.weights.open import Weights


class LinkVerifier:
    """Gives links their verdict by weight bytes.

    A parent whose weights the child's depend on is `verified`. One that fails is `contradicted`
    only where another parent of the same child passes; until then the finding is evidence.
    """

    def __init__(self, on_progress: OnProgress | None = None) -> None:
        self._on_progress = on_progress
        self._open: dict[int, Weights] = {}
        self._passed: set[str] = set()
        self._failed: dict[str, list[JudgedLink]] = {}

    def verify(
        self, step: JudgedLink, child: CheckpointSource, parent: CheckpointSource
    ) -> JudgedLink:
        """Return `step` with its verdict; what keeps the weights from being read is evidence."""
        if self._on_progress is not None:
            self._on_progress(f"comparing weights of {step.child} with {step.parent}")
        try:
            proof = verify_weights(self._weights_of(child), self._weights_of(parent))
        except FamtreeError as fault:
            step.evidence.append(_unread(fault))
            return step
        step.evidence += proof.to_evidence()
        if proof.related:
            step.status, step.confidence = "verified", CERTAIN
            if proof.verdict == "same-weights":
                step.relation = "copy"
            self._passed.add(step.child)
        elif proof.verdict == "independent":
            self._failed.setdefault(step.child, []).append(step)
        if step.child in self._passed:
            for one in self._failed.pop(step.child, ()):
                one.status, one.confidence = "contradicted", REFUTED
        return step

    def _weights_of(self, source: CheckpointSource) -> Weights:
        from famtree.weights.open import open_weights

        if id(source) not in self._open:
            self._open[id(source)] = open_weights(source, on_progress=self._on_progress)
        return self._open[id(source)]


def _unread(fault: FamtreeError) -> Evidence:
    return Evidence.model_construct(
        signal="weights",
        source="weights",
        expected="dependent on the parent's",
        seen=f"not read: {fault.message}",
        supports=False,
        weight=0.0,
    )
