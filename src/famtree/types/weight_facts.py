"""What a comparison of weights states beside its verdict."""

from typing import Literal

from famtree.types.model import FrozenModel


class ProofDraw(FrozenModel):
    """What the places that were looked at were drawn by."""

    key: str
    source: Literal["listed", "computed", "random", "nonce"]
    """listed, computed: the sha256 of both sides' weight files, by the Hub's listing or by reading
    them. random: a side has none that is known; `--nonce KEY` repeats it. nonce: asked for."""


class DirectionHint(FrozenModel):
    """Which of two looks like the earlier one. Of siblings it names the one that changed less."""

    hint: Literal["parent-first", "child-first", "a-derives-from-b", "b-derives-from-a"]
    by: str
    """re-derived, cast, grid, zeros, layers, neurons, norms, experts, decay or growth."""
    strength: Literal["strong", "weak"]
    """strong: shape or storage, which no training undoes. weak: sizes of weights."""


class ReDerived(FrozenModel):
    """Stored blocks of one that were computed again from the values of the other."""

    source: str
    """The one whose values they are."""
    blocks: int
    """Blocks of which every byte is equal."""
    type: str
    """What the function made: Q4_0, F16, ..."""
