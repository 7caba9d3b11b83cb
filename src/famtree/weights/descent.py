"""Placing the members of a family: who descends from whom, by inherited noise.

Siblings trained on the same data share the low-rank, data-driven part of their updates, so
distances and cosines take them for parent and child. What they cannot share is the noise floor
of each other's update. With X the tail of singular directions of u - p, and v any member,
beta = <v - p, X> / <X, X> is 1 in expectation where v descends from u, and less for siblings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from famtree.weights import thresholds as limit
from famtree.weights.blocks import Blocks, common_blocks, is_packed, read_blocks
from famtree.weights.direction import is_on_grid, zero_share
from famtree.weights.results import Placement
from famtree.weights.storage import UnreadableWeightError

if TYPE_CHECKING:
    from famtree.weights.open import Weights

Key = tuple[int, str]
Tail = dict[Key, NDArray[np.float64]]


@dataclass(slots=True)
class _Member:
    blocks: Blocks
    depth: int
    width: int
    rows: int
    grid: bool
    sparse: bool

    @property
    def leaf(self) -> bool:
        """Quantized and sparse checkpoints are not trained on (99.4 % of quantized ones are
        leaves, Model Atlas, arXiv 2503.10633).
        """
        return self.grid or self.sparse


@dataclass(slots=True)
class _Family:
    members: dict[str, _Member]
    tails: dict[tuple[str, str], Tail] = field(default_factory=dict)

    def tail(self, parent: str, of: str) -> Tail:
        """Return the lesser singular directions of `of` - `parent`, block by block."""
        if (parent, of) not in self.tails:
            p, u = self.members[parent].blocks, self.members[of].blocks
            found: Tail = {}
            for key in common_blocks(p, u):
                difference = u[key].astype(np.float64) - p[key]
                if np.abs(difference).max(initial=0.0) < 1e-12:
                    continue
                left, values, right = np.linalg.svd(difference, full_matrices=False)
                # Beyond the effective rank (small for a merged low-rank update) is rounding.
                rank = max(2, int((values > 0.05 * values[0]).sum()))
                cut = max(1, int(rank * (1 - limit.TAIL_KEEP)))
                found[key] = (left[:, cut:rank] * values[cut:rank]) @ right[cut:rank]
            self.tails[parent, of] = found
        return self.tails[parent, of]

    def beta(self, parent: str, of: str, member: str) -> tuple[float, float, float] | None:
        """Return (beta, its median over blocks, standard error); None without common blocks."""
        p, v = self.members[parent].blocks, self.members[member].blocks
        inner = size = 0.0
        each, spread = [], []
        for key, tail in self.tail(parent, of).items():
            if key not in v or key not in p or v[key].shape != tail.shape:
                continue
            y = v[key].astype(np.float64) - p[key]
            xy, xx = float(np.vdot(tail, y)), float(np.vdot(tail, tail))
            if xx < 1e-14:
                continue
            inner += xy
            size += xx
            each.append(xy / xx)
            spread.append(float(np.vdot(y, y)) / xx / tail.size)
        if not each:
            return None
        return inner / size, float(np.median(each)), sqrt(float(np.mean(spread)) / len(spread))

    def distance(self, a: str, b: str) -> float:
        """Return the mean squared difference of their common blocks."""
        left, right = self.members[a].blocks, self.members[b].blocks
        keys = common_blocks(left, right)
        total = sum(float(np.square(left[k] - right[k], dtype=np.float64).sum()) for k in keys)
        count = sum(left[k].size for k in keys)
        return total / count if count else float("inf")

    def can_precede(self, before: str, after: str) -> bool:
        """Return whether no hard arrow forbids that `after` comes from `before`."""
        b, a = self.members[before], self.members[after]
        return not b.leaf and b.depth >= a.depth and b.width >= a.width and b.rows <= a.rows


def place_members(
    members: Mapping[str, Weights], root: str, *, share: float = 0.25
) -> dict[str, Placement]:
    """Return the parent of every member but `root`, which all are known to come from.

    From the root down: among members that `beta` says the node descends from, the nearest is the
    next step, until none is left. Members whose beta is too large to be a sibling's are named in
    `unresolved`: a child that went on much farther on the same data looks so. `share` is the part
    of each matrix's rows that is read (with limits, see `blocks`). Merges have to be left out.
    """
    family = _Family({name: _examine(weights, share) for name, weights in members.items()})
    return {name: _place(family, name, root) for name in members if name != root}


def _examine(weights: Weights, share: float) -> _Member:
    from famtree.weights.roles import find_view

    blocks = read_blocks(weights, share=share)
    try:
        width = find_view(weights, "up", 0).rows
    except UnreadableWeightError:
        width = 0
    known = weights.architecture
    return _Member(
        blocks=blocks,
        depth=weights.depth,
        width=width,
        rows=(known.vocab_rows or 0) if known is not None else 0,
        grid=is_packed(weights) or is_on_grid(blocks),
        sparse=zero_share(blocks) > limit.SPARSE_ZEROS,
    )


def _place(family: _Family, member: str, root: str) -> Placement:
    at, path, beta = root, [root], None
    unresolved: list[str] = []
    while True:
        near: list[tuple[float, str, float]] = []
        unresolved = []
        for other in family.members:
            if other in path or other == member or not family.can_precede(other, member):
                continue
            found = family.beta(at, other, member)
            if found is None or found[2] > limit.BETA_MAX_ERROR:
                continue
            if _descends(family, at, other, member, found):
                near.append((family.distance(at, other), other, found[0]))
            elif min(found[0], found[1]) > 1 + limit.BETA_TOLERANCE:
                unresolved.append(other)
        if not near:
            return Placement(at, beta, tuple(path), tuple(sorted(unresolved)))
        _, at, beta = min(near)
        path.append(at)


def _descends(
    family: _Family, at: str, other: str, member: str, found: tuple[float, float, float]
) -> bool:
    """Return whether beta says `member` has all of `other`'s noise, and not the reverse."""
    node = family.members[member]
    tolerance = limit.BETA_TOLERANCE * (2 if node.grid else 1) + 2 * found[2]
    off = max(abs(found[0] - 1), abs(found[1] - 1))
    if off > tolerance:
        return False
    if node.leaf:
        return True
    back = family.beta(at, member, other)
    return back is None or max(abs(back[0] - 1), abs(back[1] - 1)) > off
