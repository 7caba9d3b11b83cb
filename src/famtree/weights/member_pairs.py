"""What is known of every pair in a family, read and computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from famtree.packings.stored import UnreadableWeightError
from famtree.weights import thresholds as limit
from famtree.weights.blocks import LAYERS, Blocks, common_blocks, is_packed, read_blocks
from famtree.weights.direction import (
    find_structure_arrow,
    is_cast,
    is_on_grid,
    is_wide_as_bfloat16,
    zero_share,
)
from famtree.weights.inherited_rows import Heritage, Rows, compare_rows, read_directions
from famtree.weights.localise import match_layers
from famtree.weights.plan import spread_layers
from famtree.weights.roles import find_view
from famtree.weights.update_noise import Share, Whitener

if TYPE_CHECKING:
    from famtree.weights.open import Weights


@dataclass(slots=True)
class _Member:
    weights: Weights
    blocks: Blocks
    """By layer of the root, whatever the member's own number for it."""
    rows: Rows | None
    grid: bool
    sparse: bool
    wide: bool
    """Whether values of bfloat16 are stored in a wider format."""


class MemberPairs:
    """Members that all come from one root."""

    def __init__(self, members: Mapping[str, Weights], root: str, share: float) -> None:
        self.root = root
        self.members = {
            name: _examine(weights, members[root], share) for name, weights in members.items()
        }
        self.names = [name for name in members if name != root]
        self._whiteners: dict[tuple[str, str], Whitener] = {}
        self._shares: dict[tuple[str, str, str], Share | None] = {}
        self._copies = {name: self._is_copy(name) for name in self.names}

    def is_copy(self, name: str) -> bool:
        """Return whether a member is stored or pruned in a way nobody trains on.

        99.4 % of quantized checkpoints are leaves (Model Atlas, arXiv 2503.10633). A cast is one
        where the same values are there in the format they come from.
        """
        return self._copies[name]

    def _is_copy(self, name: str) -> bool:
        one = self.members[name]
        if one.grid or one.sparse:
            return True
        # Of equal members the narrower one, else the first, is the original.
        for place, other in enumerate(self.members):
            two = self.members[other]
            if other == name or two.grid or two.sparse or not is_cast(one.blocks, two.blocks):
                continue
            if find_structure_arrow(one.weights, two.weights) is not None:
                continue
            if one.wide != two.wide:
                return one.wide
            return place < list(self.members).index(name)
        return False

    def can_precede(self, before: str, after: str) -> bool:
        """Return whether neither structure nor storage forbids that `after` comes from `before`."""
        if before == after or self.is_copy(before):
            return False
        arrow = find_structure_arrow(self.members[before].weights, self.members[after].weights)
        return arrow is None or arrow.parent == "a"

    def have_blocks(self, *names: str) -> bool:
        """Return whether the members have any matrix in common."""
        return bool(common_blocks(*(self.members[name].blocks for name in names)))

    def distances(self, name: str, one: str, other: str) -> tuple[float, float] | None:
        """Return the mean squared differences of two members to `name`, over what all three have.

        Zeros of a sparse member say nothing about where it comes from, and are left out.
        """
        mine, *sides = (self.members[key].blocks for key in (name, one, other))
        keys = common_blocks(mine, *sides)
        if not keys:
            return None
        sparse = self.members[name].sparse
        found = []
        for side in sides:
            total = 0.0
            for key in keys:
                apart = mine[key].astype(np.float64) - side[key]
                total += float(np.square(apart[mine[key] != 0] if sparse else apart).sum())
            found.append(total)
        return found[0], found[1]

    def measure(self, past: str, before: str, after: str) -> Share | None:
        """Return how much of `before`'s update since `past` is in `after`."""
        key = past, before, after
        if key not in self._shares:
            p, u, v = (self.members[name].blocks for name in key)
            if (before, after) not in self._whiteners:
                self._whiteners[before, after] = Whitener({
                    block: v[block].astype(np.float64) - u[block] for block in common_blocks(u, v)
                })  # fmt: skip
            update = {block: u[block].astype(np.float64) - p[block]
                      for block in common_blocks(p, u)}  # fmt: skip
            changed = {block: x for block, x in update.items() if np.abs(x).max(initial=0) > 0}
            self._shares[key] = self._whiteners[before, after].measure(changed)
        return self._shares[key]

    def descends(self, past: str, before: str, after: str) -> bool:
        """Return whether `after` has what `before` became since `past`, and not the reverse."""
        forward = self._heritage(past, before, after)
        if forward is not None and forward.refuted:
            return False
        share = self.measure(past, before, after)
        if share is None:
            return self._inherits_shape(past, before, after)
        backward = self._heritage(past, after, before)
        certain = backward is not None and backward.refuted
        if not certain and not self._grows(before, after, share):
            return False
        if forward is not None and forward.confirmed:
            return share.mean >= limit.BETA_INHERITED
        return share.descends

    def is_unclear(self, before: str, after: str) -> bool:
        """Return whether nothing but an uneven beta speaks against descent."""
        heritage = self._heritage(self.root, before, after)
        if heritage is not None and heritage.refuted:
            return False
        share = self.measure(self.root, before, after)
        return share is not None and share.unclear and self._grows(before, after, share)

    def _heritage(self, past: str, before: str, after: str) -> Heritage | None:
        p, u, v = (self.members[name].rows for name in (past, before, after))
        return None if p is None or u is None or v is None else compare_rows(p, u, v)

    def _grows(self, before: str, after: str, share: Share | None) -> bool:
        """Return whether `after` is the later of the two, by structure or by its update."""
        arrow = find_structure_arrow(self.members[before].weights, self.members[after].weights)
        if arrow is not None:
            return arrow.parent == "a"
        return share is not None and share.growth >= limit.SHARE_GROWTH

    def _inherits_shape(self, past: str, before: str, after: str) -> bool:
        """Return whether `before` differs from `past` in structure alone, and `after` as it does.

        A checkpoint that was cut and not trained has no update to be found in its descendants.
        """
        p, u, v = (self.members[name].weights for name in (past, before, after))
        return find_structure_arrow(p, u) is not None and find_structure_arrow(u, v) is None


def _examine(weights: Weights, root: Weights, share: float) -> _Member:
    wanted = match_layers(weights, root, spread_layers(root.depth, LAYERS))
    own = read_blocks(weights, share=share, layers=sorted(set(wanted.values())))
    blocks = {
        (layer, role): values
        for layer, mine in wanted.items()
        for (number, role), values in own.items()
        if number == mine
    }
    try:
        rows = read_directions(weights, find_view(root, "embedding").rows)
    except UnreadableWeightError:
        rows = None
    return _Member(
        weights=weights,
        blocks=blocks,
        rows=rows,
        grid=is_packed(weights) or is_on_grid(blocks),
        sparse=zero_share(blocks) > limit.SPARSE_ZEROS,
        wide=bool(blocks) and is_wide_as_bfloat16(weights, blocks),
    )
