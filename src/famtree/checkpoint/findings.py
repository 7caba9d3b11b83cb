"""What was learnt about one checkpoint, before it is put into words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from famtree.checkpoint.gathered import Gathered
from famtree.matchers.classify import Classification
from famtree.types.fingerprint import Disagreement, Fingerprint
from famtree.types.identification import Completeness, Kind, UnknownReason
from famtree.types.quantization import Quantization

if TYPE_CHECKING:
    from famtree.checkpoint.adapter import AdapterFinding


class Findings(Struct):
    """Everything learnt about one checkpoint."""

    found: Gathered
    fingerprint: Fingerprint
    wrapper: str | None
    result: Classification
    quantization: Quantization | None
    quantization_conflicts: list[Disagreement] = []
    adapter: AdapterFinding | None = None
    completeness: Completeness | None = None

    @property
    def adapted(self) -> AdapterFinding | None:
        """The adapter, where its base gives a family that nothing else settles."""
        spoken = self.adapter is not None and self.adapter.family is not None
        return self.adapter if spoken and self.result.outcome == "unknown" else None

    @property
    def kind(self) -> Kind:
        """What the checkpoint is."""
        return "adapter" if self.adapter is not None else "model"

    @property
    def unknown_because(self) -> UnknownReason:
        """What it means where nothing is settled: no such design on record, or too little seen."""
        designed = bool(self.found.config) and self.kind == "model" and not self.found.explanation
        return "unregistered" if designed else "not-judged"
