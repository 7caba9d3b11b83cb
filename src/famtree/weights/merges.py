"""Merges: linear and spherical ones by least squares, sparse ones by bits."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from famtree.weights import thresholds as limit
from famtree.weights.blocks import Blocks, common_blocks, is_packed, read_blocks
from famtree.weights.direction import is_on_grid, zero_share
from famtree.weights.results import MergeFit

if TYPE_CHECKING:
    from famtree.weights.open import Weights

MAX_CANDIDATES = 64
SHARE = 0.25


def find_merge(
    child: Weights, candidates: Mapping[str, Weights], *, base: str | None = None
) -> MergeFit | None:
    """Return the parents of `child` if it is a merge of two of `candidates`, else None.

    Linear and spherical merges are w a + (1 - w) b on every tensor, nearly: the residual of the
    best pair is below `MERGE_RATIO` of that of the best single candidate. Sparse merges (TIES,
    DARE) take each coordinate from `base`, one parent or the other: where the three differ, the
    child is bit-equal to each parent in at least `BIT_SHARE` of the coordinates. Without `base`
    only the first kind can be seen.
    """
    own = read_blocks(child, share=SHARE)
    sides = {name: read_blocks(w, share=SHARE) for name, w in
             list(candidates.items())[:MAX_CANDIDATES]}  # fmt: skip
    # A parent has the child's shapes; members that were cut or widened are none. Quantized and
    # sparse checkpoints are leaves, and would take their own source for a merge of themselves.
    usable = {
        name: side
        for name, side in sides.items()
        if len(common_blocks(own, side)) == len(own)
        and not (is_packed(candidates[name]) or is_on_grid(side))
        and zero_share(side) <= limit.SPARSE_ZEROS
    }
    keys = list(own)
    if len(usable) < 2 or not keys:
        return None
    return _linear(own, usable, keys) or _sparse(own, usable, keys, base)


def _linear(
    own: Blocks, sides: Mapping[str, Blocks], keys: list[tuple[int, str]]
) -> MergeFit | None:
    # Everything follows from inner products of the differences to the child.
    names = list(sides)
    flat = np.stack([
        np.concatenate([(sides[name][key] - own[key]).ravel() for key in keys]) for name in names
    ]).astype(np.float64)  # fmt: skip
    gram = flat @ flat.T
    single = float(np.diag(gram).min())
    if single <= 0:
        return None
    best: tuple[float, float, int, int] | None = None
    for i, j in combinations(range(len(names)), 2):
        apart = gram[i, i] - 2 * gram[i, j] + gram[j, j]
        if apart <= 0:
            continue
        weight = float(np.clip((gram[j, j] - gram[i, j]) / apart, 0, 1))
        rest = (
            weight**2 * gram[i, i]
            + 2 * weight * (1 - weight) * gram[i, j]
            + (1 - weight) ** 2 * gram[j, j]
        )
        if best is None or rest < best[0]:
            best = (float(rest), weight, i, j)
    if best is None or best[0] >= limit.MERGE_RATIO * single:
        return None
    _, weight, i, j = best
    return MergeFit((names[i], names[j]), (weight, 1 - weight), "linear", best[0] / single)


def _sparse(
    own: Blocks, sides: Mapping[str, Blocks], keys: list[tuple[int, str]], base: str | None
) -> MergeFit | None:
    if base is None or base not in sides:
        return None
    flat = {name: _bits(side, keys) for name, side in sides.items()}
    mine = _bits(own, keys)
    best: tuple[float, tuple[str, str], tuple[float, float]] | None = None
    for one, other in combinations([name for name in flat if name != base], 2):
        a, b, root = flat[one], flat[other], flat[base]
        differ = (a != b) & (a != root) & (b != root)
        if int(differ.sum()) < 1000:
            continue
        shares = (
            float((mine[differ] == a[differ]).mean()),
            float((mine[differ] == b[differ]).mean()),
        )
        if min(shares) >= limit.BIT_SHARE and (best is None or sum(shares) > best[0]):
            best = (sum(shares), (one, other), shares)
    if best is None:
        return None
    return MergeFit(best[1], best[2], "sparse", 1.0)


def _bits(side: Blocks, keys: list[tuple[int, str]]) -> NDArray[np.float32]:
    return np.concatenate([side[key].ravel() for key in keys])
