"""What the weight tests answer, as plain data; importing this needs no numpy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from famtree.weights.draw import Draw

PairVerdict = Literal[
    "same-weights", "derived", "partial", "shared-init", "independent", "undetermined"
]
"""same-weights: every byte sampled is equal. derived: one comes from the other, or both from one.
partial: some parts are inherited and others are not. shared-init: dependent, but no more alike
than two trainings from one initialisation. independent: a test that would have seen descent
did not. undetermined: too little could be read or compared."""

DecidedBy = Literal["identity", "column", "probe", "gram", "consistency", "nothing"]

OperationName = Literal[
    "copy", "cast", "quantized", "adapter", "finetune", "continued-pretrain", "pruned",
    "upscaled", "upcycled", "ablated direction", "unknown",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ColumnTest:
    """Column test: are the hidden columns of two samples aligned beyond chance?"""

    z: float
    log10_p: float
    """One-sided, by the normal tail; never underflows."""
    cosine: float
    """Mean cosine of centred rows."""
    rows: int
    columns: int
    permutation_p: float | None = None
    """(1 + ties) / (1 + draws) over random column permutations, where asked for."""


@dataclass(frozen=True, slots=True)
class ProbeTest:
    """Token probe: do feed-forward neurons answer shared tokens alike?"""

    kind: Literal["ordered", "match"]
    """ordered: neuron i against neuron i. match: neurons assigned by their gate answers, and,
    independently, by their up answers; do both assignments agree?"""
    z: float
    log10_p: float
    layers: int
    neurons: int
    tokens: int
    scores: tuple[tuple[int, float], ...] = ()
    """(layer of the child, z of one look at it), corrected for nothing."""


@dataclass(frozen=True, slots=True)
class GramTest:
    """Row-Gram test: do the rows of a matrix lie to each other alike?"""

    z: float
    log10_p: float
    matrices: int
    values: bool
    """Whether v was among them, whose rows a new order of neurons leaves where they are."""
    pairs: tuple[tuple[int, int], ...] = ()
    """Of unequal depths: for each layer of the shallower side the most alike (child, parent)."""


@dataclass(frozen=True, slots=True)
class LayerLink:
    """Where one layer of the child comes from."""

    child: int
    parent: int | None
    """None where no layer of the parent passes."""
    z: float
    """z of the best parent layer, corrected for nothing; the decision is Bonferroni's."""


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """A part that could not be read, and why; nothing is concluded from it."""

    part: str
    reason: str


@dataclass(slots=True)
class Reading:
    """Bytes of one side: what a plan asked for, and what was really fetched."""

    planned_bytes: int = 0
    bytes: int = 0
    requests: int = 0
    hashed: int = 0
    """Bytes of weight files that were hashed for a draw; counted apart."""
    hash_seconds: float = 0.0
    unread: list[ReadFailure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PairResult:
    """The answer for one pair (child, parent); nothing in it says which came first."""

    verdict: PairVerdict
    reason: str
    decided_by: DecidedBy
    z: float | None = None
    """z of the deciding test."""
    log10_p: float | None = None
    cosine: float | None = None
    bit_equal: float | None = None
    """Share of sampled values that are exactly equal; None where forms differ."""
    column: ColumnTest | None = None
    """Over blocks (attention and feed-forward)."""
    embedding: ColumnTest | None = None
    """The same over embedding rows of shared tokens alone."""
    probe: ProbeTest | None = None
    gram: GramTest | None = None
    layers: tuple[LayerLink, ...] = ()
    changed: tuple[str, ...] | None = None
    """Parts in which a difference was seen, of those that were looked at; None where none were."""
    draw: Draw | None = None

    @property
    def related(self) -> bool:
        """Return whether dependence is proven, whatever its kind."""
        return self.verdict in ("same-weights", "derived", "partial", "shared-init")


@dataclass(frozen=True, slots=True)
class Direction:
    """Which of two related checkpoints came first; `parent` is None where it abstains."""

    parent: Literal["a", "b"] | None
    arrow: str | None
    """What decided: cast, grid, zeros, layers, neurons, norms, rows, experts, decay, growth."""
    t: float | None = None
    """(|b|^2 - |a|^2) / |b - a|^2 over sampled matrices."""
    decay: float | None = None
    """Median log(|b| / |a|) of embedding rows that only weight decay moved."""


@dataclass(frozen=True, slots=True)
class Placement:
    """One family member under its parent."""

    parent: str
    """Last confirmed ancestor: the parent, unless `unresolved` names closer candidates."""
    beta: float | None
    """Share of the parent's own noise found in the member; 1 in expectation for a descendant."""
    path: tuple[str, ...]
    """Root first, parent last."""
    unresolved: tuple[str, ...] = ()
    """Members that may stand between `parent` and this one; the sample cannot tell."""


@dataclass(frozen=True, slots=True)
class MergeFit:
    """Parents of a merge and how they were found."""

    parents: tuple[str, ...]
    weights: tuple[float, ...]
    """Shares of a linear or spherical merge (sum 1); of a sparse one the shares of coordinates
    that only one parent explains."""
    kind: Literal["linear", "sparse"]
    ratio: float
    """Residual of the mix over that of the best single parent (linear), or the share of
    coordinates that stay unexplained (sparse)."""
    base: str | None = None
    """What the deltas of a sparse merge are taken from."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What was done to the parent, as far as the difference shows."""

    name: OperationName
    rank: int | None = None
    """Estimated rank of a merged low-rank update."""
    frozen_embeddings: bool | None = None
    equal_share: float | None = None
    """Share of sampled values that are bit-equal."""
    relative_step: float | None = None
    """|child - parent| / |parent| over sampled matrices."""
    notes: tuple[str, ...] = ()
