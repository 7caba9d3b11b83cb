"""The answer of `famtree compare`: document `famtree/comparison/1`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from famtree.types.identification import (
    CostReport,
    Evidence,
    FamilyName,
    GenerationName,
    Knowledge,
    LinkRelation,
    LinkStatus,
    Notice,
    Outcome,
    Verification,
)
from famtree.types.model import FrozenModel, dump
from famtree.types.proof import FoundMerge
from famtree.types.shown import Shown
from famtree.types.weight_facts import DirectionHint, ProofDraw, ReDerived

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
Replace = Literal["drop-in", "restart", "rebuild", "no"]
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
    same_splitting: bool | None = None
    """Texts are normalised and split in the same way before they are looked up; None where one
    side's files do not show it."""


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
    bytes_hashed: int = 0
    """Bytes of weight files of this machine that were hashed for the draw."""
    changed: list[str] | None = None
    """Parts in which a difference was seen (embeddings, head, norms, experts, layers, other)."""
    direction: DirectionHint | None = None
    operation: str | None = None
    """What the difference of the weights shows was done."""
    draw: ProofDraw | None = None
    re_derived: ReDerived | None = None
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
    unchecked: bool = False
    """The rule leans on a definition of the engine's source that has changed since a person read
    it."""
    figures: dict[str, int | float] = Field(default_factory=dict)
    """Numbers behind the reason, by name with the unit in it: `weight_bytes`, `bytes_per_token`."""


class Difference(FrozenModel):
    """One trait that differs, or that only one of the two shows."""

    trait: str
    a: Value
    b: Value
    matters_for: list[Question] = Field(default_factory=list)


class Replacement(FrozenModel):
    """Whether b can take a's place where a is served."""

    replace: Replace | None
    """drop-in: as it is. restart: the engine has to read b's files. rebuild: what was compiled for
    a has to be built anew. no: it is another stack, or refused. None: too little was seen."""
    text: str
    """One sentence: why, and how the two are related."""


class Comparison(Shown):
    """How two checkpoints are related, and what can be swapped for what."""

    kind_ = "comparison"

    schema_: Literal["famtree/comparison/1"] = Field(default="famtree/comparison/1", alias="schema")
    famtree: str
    a: ComparedCheckpoint
    b: ComparedCheckpoint
    relation: Relation
    verdict: Replacement | None = None
    """None in documents of older versions."""
    interchange: list[Answer] = Field(default_factory=list)
    differences: list[Difference] = Field(default_factory=list)
    """What matters for most questions first."""
    warnings: list[Notice] = Field(default_factory=list)
    registry: Knowledge | None = None
    """None in documents of older versions."""
    cost: CostReport = Field(default_factory=CostReport)

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of the contract as plain data."""
        document: dict[str, Any] = dump(self)
        return document

    def sum_up(self) -> str:
        """Return the answer in a few words."""
        words = self.relation.lineage.verdict
        return f"{self.a.ref!r}, {self.b.ref!r}: {words}, {len(self.interchange)} answers"


class Member(FrozenModel):
    """Where one of several checkpoints stands among the others, by the weights of all of them."""

    place: Literal["root", "child", "related", "alone", "unread"]
    """root: the others that are related come from it. child: it comes from `parent`. related: it
    is kin of others, and the weights do not tell who comes from whom. alone: kin of none of them.
    unread: nothing can be told; `reason` says why."""
    status: LinkStatus
    """Of what `place` says: `verified` where it is declared and the weights bear it out, or says no
    more than kinship; `inferred` where the weights alone say it; `unresolved`."""
    reason: str
    """One sentence a person understands."""
    parent: str | None = None
    """The nearest of the others that it comes from; there may be more between than were asked
    about."""
    path: list[str] = Field(default_factory=list)
    """From the root of those asked about to `parent`."""
    candidate: bool = False
    """True where no declaration says which of the related ones the root is."""
    beta: float | None = None
    """Share of the parent's own update found in it: one, but for noise, in a descendant."""
    unresolved: list[str] = Field(default_factory=list)
    """Those that may stand between `parent` and this one; the sample cannot tell."""
    merge: FoundMerge | None = None
    """Only of one whose weights are a merge of others."""


class ComparisonMatrix(Shown):
    """Every two of several checkpoints, and what the weights of all say together."""

    kind_ = "comparison matrix"

    schema_: Literal["famtree/comparison-matrix/1"] = Field(
        default="famtree/comparison-matrix/1", alias="schema"
    )
    comparisons: list[Comparison]
    """Pairs (0,1), (0,2) .. (n-2,n-1) of the references, in their order."""
    members: dict[str, Member] = Field(default_factory=dict)
    """Only with `--verify`, by reference."""

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document as plain data."""
        document: dict[str, Any] = dump(self)
        return document

    def sum_up(self) -> str:
        """Return the answer in a few words."""
        return f"{len(self.comparisons)} pairs"
