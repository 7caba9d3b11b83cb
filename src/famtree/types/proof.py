"""What weight bytes proved about a pair of checkpoints."""

from typing import Literal

from pydantic import Field

from famtree.types.identification import Evidence
from famtree.types.model import FrozenModel
from famtree.types.weight_facts import DirectionHint, ProofDraw, ReDerived


class UnreadPart(FrozenModel):
    """A part of the weights that could not be read or compared, and why."""

    part: str
    reason: str


class SideReading(FrozenModel):
    """What one side cost."""

    ref: str
    bytes_planned: int = 0
    """Weight bytes the sample asked for; cached ones are not fetched again."""
    bytes_read: int = 0
    requests: int = 0
    bytes_hashed: int = 0
    """Bytes of weight files that were hashed for the draw, or compared whole; counted apart."""
    unread: list[UnreadPart] = Field(default_factory=list)


class MergePart(FrozenModel):
    """One parent of a merge, as the weights show it."""

    ref: str
    weight: float
    """Share of a linear or spherical merge (sum 1); of a sparse one the share of coordinates that
    this parent alone explains."""


class FoundMerge(FrozenModel):
    """What the weights of a checkpoint say when they are held against those of possible parents."""

    method: Literal["linear", "sparse"] | None = None
    """linear: two numbers a matrix (linear, SLERP). sparse: kept multiples of two deltas to a base
    (TIES, DARE and kin). null where the weights are no such merge of two of those asked about."""
    parents: list[MergePart] = Field(default_factory=list)
    base: str | None = None
    """What the deltas of a sparse merge are taken from."""
    residual: float | None = None
    """Residual over that of the best single parent (linear), or share of coordinates that stay
    unexplained (sparse)."""
    reason: str
    """One sentence."""
    bytes_read: int = 0
    """Weight bytes fetched for it."""


class Kinship(FrozenModel):
    """What a parent's own parent shows: whether the child has what the parent learned since."""

    kind: Literal["descendant", "sibling", "child", "unclear"]
    """sibling: it has none of that. child: the two name each other, and the parent is the later."""
    root: str
    """The parent's own parent."""
    beta: float | None = None
    """Share of the parent's update since `root` that is in the child: 1 for a descendant, 0 for a
    sibling."""
    reason: str = ""


class Proof(FrozenModel):
    """The verdict of the weight tests on one (child, parent) pair."""

    child: str
    parent: str
    verdict: Literal[
        "same-weights", "derived", "partial", "shared-init", "independent", "undetermined"
    ]
    reason: str
    decided_by: Literal["identity", "column", "probe", "gram", "consistency", "nothing"]
    z: float | None = None
    """z of the deciding test: standard deviations above what unrelated models show."""
    p_value: float | None = None
    """One-sided; 0 where it is smaller than a float holds, see `log10_p`."""
    log10_p: float | None = None
    permutation_p: float | None = None
    cosine: float | None = None
    bit_equal: float | None = None
    """Share of sampled values that are exactly equal."""
    probe_z: float | None = None
    embedding_z: float | None = None
    layers: list[tuple[int, int | None]] = Field(default_factory=list)
    """(layer of the child, layer of the parent it comes from or null)."""
    direction: Literal["parent-first", "child-first"] | None = None
    """Which side the weights say came first; null where they do not tell."""
    direction_by: str | None = None
    changed: list[str] | None = None
    """Parts in which a difference was seen; null where none were looked at."""
    draw: ProofDraw | None = None
    re_derived: ReDerived | None = None
    gram_z: float | None = None
    kinship: Kinship | None = None
    operation: str | None = None
    """What the difference shows was done: finetune, adapter, quantized, ..."""
    operation_notes: list[str] = Field(default_factory=list)
    sides: list[SideReading] = Field(default_factory=list)

    @property
    def related(self) -> bool:
        """Return whether whole weights prove kinship, or that they are the same."""
        return self.verdict in ("same-weights", "derived")

    @property
    def no_parent(self) -> str | None:
        """Return why the parent is none although the two are kin; None where nothing says so."""
        kin = self.kinship
        return kin.reason if kin is not None and kin.kind in ("sibling", "child") else None

    @property
    def is_conversion(self) -> bool:
        """Return whether the child's bytes are the parent's values, converted."""
        return self.re_derived is not None and self.re_derived.source == self.parent

    @property
    def misfit(self) -> bool:
        """Return whether parts of the parent are in the child beside what is none of it."""
        return self.verdict == "partial" or self.decided_by == "consistency"

    @property
    def hint(self) -> DirectionHint | None:
        """Return which side looks like the earlier one, and how much that says."""
        if self.direction is None or self.direction_by is None:
            return None
        strength: Literal["strong", "weak"] = (
            "weak" if self.direction_by in ("decay", "growth") else "strong"
        )
        return DirectionHint.model_construct(
            hint=self.direction, by=self.direction_by, strength=strength
        )

    @property
    def inherited(self) -> float:
        """Return the share of the layers looked at that come from the parent."""
        kept = [parent is not None for _, parent in self.layers]
        return sum(kept) / len(kept) if kept else 0.0

    @property
    def bytes_read(self) -> int:
        """Return the weight bytes fetched for both sides."""
        return sum(side.bytes_read for side in self.sides)

    def to_evidence(self) -> list[Evidence]:
        """Return the numbers as evidence lines of a link."""
        weight = 0.0 if self.z is None or self.misfit else min(self.z, 40.0)
        if self.verdict == "independent":
            weight = -6.0
        seen = f"{self.verdict}: {self.reason}"
        if self.z is not None and self.log10_p is not None:
            seen += f" (z {self.z:.1f}, p 10^{self.log10_p:.0f})"
        lines = [
            Evidence.model_construct(
                signal=f"weights.{self.decided_by}",
                source="weights",
                expected="dependent on the parent's",
                seen=f"{seen}; {self.bytes_read} bytes read",
                supports=self.related,
                weight=round(weight, 3),
            )
        ]
        if self.re_derived is not None:
            lines.append(
                Evidence.model_construct(
                    signal="weights.re-derived",
                    source="weights",
                    expected=f"the values of {self.re_derived.source}, converted",
                    seen=f"{self.re_derived.blocks} blocks of {self.re_derived.type}, bit by bit",
                    supports=True,
                    weight=20.0,
                )
            )
        if self.no_parent is not None:
            lines.append(
                Evidence.model_construct(
                    signal="weights.kinship",
                    source="weights",
                    expected="what the parent learned",
                    seen=self.no_parent,
                    supports=False,
                    weight=0.0,
                )
            )
        if self.operation is not None:
            lines.append(
                Evidence.model_construct(
                    signal="weights.difference",
                    source="weights",
                    expected="",
                    seen="; ".join([self.operation, *self.operation_notes]),
                    supports=True,
                    weight=0.0,
                )
            )
        return lines
