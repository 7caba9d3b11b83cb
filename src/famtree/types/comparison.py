"""The answer of `famtree compare`: document `famtree/comparison/1`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from famtree.types.identification import (
    CostReport,
    Evidence,
    FamilyName,
    GenerationName,
    LinkRelation,
    LinkStatus,
    Notice,
    Outcome,
    Verification,
)
from famtree.types.model import FrozenModel, dump

Question = Literal[
    "serve",
    "engine",
    "lora",
    "merge",
    "draft",
    "kv-cache",
    "chat",
    "context",
    "quantization",
    "memory",
]
"""What an operator asks of a pair; see `docs/compare.md` for each in one sentence."""
Reply = Literal["yes", "no", "conditional", "unknown"]
Sameness = Literal["same", "different", "unknown"]
ArchitectureRelation = Literal["identical", "same-class", "different", "unknown"]
TokenizerRelation = Literal["identical", "extended", "overlapping", "different", "unknown"]
Verdict = Literal[
    "same-weights",
    "a-derives-from-b",
    "b-derives-from-a",
    "siblings",
    "related",
    "shared-init",
    "independent",
    "undetermined",
]
Value = bool | int | float | str | list[bool | int | float | str] | None


class ComparedCheckpoint(FrozenModel):
    """One of the two, in short; `famtree identify` says more."""

    ref: str
    family: FamilyName | None = None
    generation: GenerationName | None = None
    outcome: Outcome
    confidence: float
    size: str | None = None
    parameters: int | None = None


class VocabularyCounts(FrozenModel):
    """Two vocabularies counted; every count is of distinct token strings, added ones included."""

    a: int
    b: int
    shared: int
    """Strings that both have."""
    same_id: int
    """Shared strings that have the same id in both."""
    same_merges: bool | None = None
    """Ordered merges equal; None where one side has or shows none."""
    same_added: bool | None = None
    """Added tokens equal in content and id."""


class CommonAncestor(FrozenModel):
    """The nearest checkpoint that both come from."""

    ref: str
    distance_a: int
    """Links from a up to it."""
    distance_b: int


class LineageVerdict(FrozenModel):
    """How the weights of the two are related, and what says so."""

    verdict: Verdict
    status: LinkStatus
    reason: str = ""
    """One sentence a person understands."""
    distance: int | None = None
    """Links between the two: 1 for a parent, 2 for siblings; None where no path is known."""
    relation: LinkRelation | None = None
    """Of the one link between the two; None where there are more, or none is known."""
    common_ancestor: CommonAncestor | None = None
    """The nearest one, where neither of the two comes from the other."""
    path: list[str] = Field(default_factory=list)
    """References along the known path, from a to b."""
    z: float | None = None
    """Statistic of the weight test; None where no weight byte was read."""
    p_value: float | None = None
    bytes_read: int = 0
    """Weight bytes read for the verdict."""
    verification: Verification | None = None
    """Only with `--verify`: what came of comparing the weights of the two."""
    evidence: list[Evidence] = Field(default_factory=list)


class Relation(FrozenModel):
    """Four separate answers; none of them is implied by another."""

    architecture: ArchitectureRelation
    tokenizer: TokenizerRelation
    vocabulary: VocabularyCounts | None = None
    """Counts behind `tokenizer`; None where a vocabulary was not read."""
    family: Sameness
    generation: Sameness
    lineage: LineageVerdict


class Answer(FrozenModel):
    """One question about the pair, for one engine (None: whatever the engine)."""

    question: Question
    engine: str | None = None
    answer: Reply
    reason: str
    """One line a person understands."""
    rule: str
    """Key of the rule that decided, `<engine>/<question>.<rule>`; famtree prints its source."""
    condition: str | None = None
    """What has to be done or known for a `conditional` answer to become yes."""
    engine_version: str | None = None
    """Version of the engine the rule was checked at."""
    source: str | None = None
    """File or document the rule was read from."""
    figures: dict[str, int | float] = Field(default_factory=dict)
    """Numbers behind the reason, by name with the unit in it: `weight_bytes`, `bytes_per_token`."""


class Difference(FrozenModel):
    """One trait that differs, or that only one of the two shows."""

    trait: str
    a: Value
    b: Value
    matters_for: list[Question] = Field(default_factory=list)


class Comparison(FrozenModel):
    """How two checkpoints are related, and what can be swapped for what."""

    schema_: Literal["famtree/comparison/1"] = Field(default="famtree/comparison/1", alias="schema")
    famtree: str
    a: ComparedCheckpoint
    b: ComparedCheckpoint
    relation: Relation
    interchange: list[Answer] = Field(default_factory=list)
    differences: list[Difference] = Field(default_factory=list)
    """What matters for most questions first."""
    warnings: list[Notice] = Field(default_factory=list)
    cost: CostReport = Field(default_factory=CostReport)

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of the contract as plain data."""
        document: dict[str, Any] = dump(self)
        return document
