"""What was learnt about one checkpoint, before it is put into words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from famtree.checkpoint.gathered import Gathered
from famtree.matchers.classify import Classification
from famtree.types.fingerprint import Disagreement, Fingerprint
from famtree.types.identification import Completeness, Component, Kind, Target, UnknownReason
from famtree.types.quantization import Quantization

if TYPE_CHECKING:
    from famtree.checkpoint.adapter import AdapterFinding
    from famtree.types.family import Family, Generation


class Findings(Struct):
    """Everything learnt about one checkpoint."""

    found: Gathered
    fingerprint: Fingerprint
    wrapper: str | None
    result: Classification
    quantization: Quantization | None
    quantization_conflicts: list[Disagreement] = []
    adapter: AdapterFinding | None = None
    target: Target | None = None
    """What a draft head guesses for; None for what is none."""
    completeness: Completeness | None = None

    @property
    def adapted(self) -> AdapterFinding | None:
        """The adapter, where its base gives a family that the design beside it does not settle."""
        if self.adapter is None or self.adapter.family is None:
            return None
        return None if self.settled else self.adapter

    @property
    def needs_base(self) -> bool:
        """Whether it is an adapter that only its base's own files could settle."""
        if self.adapter is None or self.adapter.adapter.base is None or self.settled:
            return False
        return self.adapted is None and self.adapter.adapter.base_check != "contradicted"

    @property
    def settled(self) -> bool:
        """Whether a stated design settles the answer; many designs share a vocabulary alone."""
        return bool(self.found.config) and self.result.outcome == "identified"

    @property
    def family(self) -> Family | None:
        """The family that is settled, by the evidence or by an adapter's base."""
        return self.adapted.family if self.adapted is not None else self.result.family

    @property
    def generation(self) -> Generation | None:
        """The generation that is settled."""
        return self.adapted.generation if self.adapted is not None else self.result.generation

    @property
    def kind(self) -> Kind:
        """What the checkpoint is."""
        if self.target is not None:
            return "draft-head"
        return "adapter" if self.adapter is not None else self.found.kind

    @property
    def components(self) -> list[Component]:
        """The parts that have a design of their own."""
        nested = self.result.nested
        if nested is None:
            return self.found.components
        part = Component.model_construct(
            role="text", family=nested.family.key, generation=nested.generation.key
        )
        return [*self.found.components, part]

    @property
    def unknown_because(self) -> UnknownReason:
        """What it means where nothing is settled.

        No such design is on record, too little was seen, or it has the shape of a design without
        what its members are told by. Adapters and draft heads have no design that could be on
        record.
        """
        if self.kind in ("pipeline", "component"):
            return "unregistered" if self.found.config else "not-judged"
        if self.result.contradicted is not None and self.kind == "model":
            return "contradictory"
        designed = bool(self.found.config) and self.kind == "model" and not self.found.explanation
        return "unregistered" if designed else "not-judged"
