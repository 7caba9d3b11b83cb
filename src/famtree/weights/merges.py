"""Merges: which two members of a family a checkpoint was computed from.

A merge is arithmetic, so its coordinates are explained to the last bits that are stored. Training
explains none: however near two other members lie, what a further run adds is not on their line.
That is asked for here, next to a good fit. Linear and spherical merges are a combination of two
parents in every matrix; sparse ones are in `sparse_merges`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from famtree.weights import thresholds as limit
from famtree.weights.blocks import Blocks, common_blocks, is_packed, read_blocks
from famtree.weights.direction import (
    find_structure_arrow,
    is_on_grid,
    is_wide_as_bfloat16,
    zero_share,
)
from famtree.weights.results import MergeFit
from famtree.weights.rounding import MARGIN, near, spacing
from famtree.weights.sparse_merges import find_sparse

if TYPE_CHECKING:
    from famtree.weights.open import Weights

MAX_CANDIDATES = 64
SHARE = 0.25
BLOCK_ELEMENTS = 1 << 13
"""Coordinates of one block that are compared, evenly apart."""
TRIED = 16
"""Best pairs by residual whose rounding is looked at."""

Vector = NDArray[np.float32]
_Found = tuple[MergeFit, float]
"""A fit, and the share of telling coordinates it leaves unexplained."""


def find_merge(
    child: Weights, candidates: Mapping[str, Weights], *, base: str | None = None
) -> MergeFit | None:
    """Return the parents of `child` if it is a merge of two of `candidates`, else None.

    Candidates that were made from the child (a cast, a quantized or pruned copy, a merge that
    names the child as its own parent) are no parents. `base` is looked at first as what the deltas
    of a sparse merge are taken from; any candidate can be it.
    """
    own = read_blocks(child, share=SHARE)
    sides = {name: read_blocks(weights, share=SHARE)
             for name, weights in list(candidates.items())[:MAX_CANDIDATES]}  # fmt: skip
    keys = list(own)
    if not keys:
        return None
    mine = _flatten(own, keys)
    flat = {
        name: _flatten(sides[name], keys) for name in _list_usable(child, own, candidates, sides)
    }
    flat = _drop_equal(mine, flat)
    ends = np.cumsum([min(own[key].size, BLOCK_ELEMENTS) for key in keys])
    while True:
        found = _fit(mine, flat, ends, base)
        if found is None:
            return None
        fit, unexplained = found
        mutual = [
            name for name in fit.parents
            if not _names_less_well(name, unexplained, mine, flat, ends, base)
        ]  # fmt: skip
        if not mutual:
            return fit
        flat = {name: side for name, side in flat.items() if name not in mutual}


def _list_usable(
    child: Weights, own: Blocks, candidates: Mapping[str, Weights], sides: Mapping[str, Blocks]
) -> list[str]:
    """Return the candidates that have all of the child's shapes and were not made from it.

    Those whose values are stored in the format they come from are named first.
    """
    found: list[str] = []
    for name, side in sides.items():
        weights = candidates[name]
        if weights.depth != child.depth or len(common_blocks(own, side)) < len(own):
            continue
        if is_packed(weights) or is_on_grid(side) or zero_share(side) > limit.SPARSE_ZEROS:
            continue
        arrow = find_structure_arrow(child, weights)
        if arrow is None or arrow.parent != "a":
            found.append(name)
    return sorted(found, key=lambda name: is_wide_as_bfloat16(candidates[name], sides[name]))


def _drop_equal(mine: Vector, flat: Mapping[str, Vector]) -> dict[str, Vector]:
    """Leave out copies and casts of the child, and all but the first of equal candidates."""
    kept: dict[str, Vector] = {}
    for name, side in flat.items():
        seen = [mine, *kept.values()]
        if all(float(np.mean(side == other)) < limit.CAST_SHARE for other in seen):
            kept[name] = side
    return kept


def _flatten(side: Blocks, keys: list[tuple[int, str]]) -> Vector:
    pieces = []
    for key in keys:
        values = side[key].ravel()
        count = min(values.size, BLOCK_ELEMENTS)
        pieces.append(values[np.linspace(0, values.size - 1, count).astype(np.intp)])
    return np.concatenate(pieces)


def _fit(
    mine: Vector, flat: Mapping[str, Vector], ends: NDArray[np.intp], base: str | None
) -> _Found | None:
    if len(flat) < 2:
        return None
    linear = _find_linear(mine, flat, ends)
    if linear is not None:
        return linear
    sparse = find_sparse(mine, flat, base)
    return None if sparse is None else (sparse, sparse.ratio)


def _names_less_well(
    name: str,
    unexplained: float,
    mine: Vector,
    flat: Mapping[str, Vector],
    ends: NDArray[np.intp],
    base: str | None,
) -> bool:
    """Return whether `name` is no merge of the child, or one far less well explained.

    Of two that name each other at most one is right. Where one parent is near another member, the
    merge and that member nearly explain it, and only the merge is explained to the last bits.
    """
    others = {other: side for other, side in flat.items() if other != name} | {"": mine}
    found = _fit(flat[name], others, ends, base)
    if found is None or "" not in found[0].parents:
        return True
    return found[1] > max(limit.MUTUAL_RATIO * unexplained, limit.MUTUAL_LEAST)


def _find_linear(mine: Vector, flat: Mapping[str, Vector], ends: NDArray[np.intp]) -> _Found | None:
    names = list(flat)
    apart = np.stack([flat[name] - mine for name in names]).astype(np.float64)
    gram = apart @ apart.T
    single = float(np.diag(gram).min())
    if single <= 0:
        return None
    residuals = _measure_residuals(mine, flat, ends)
    fits: list[tuple[float, float, float, int, int]] = []
    for i, j in combinations(range(len(names)), 2):
        between = float(gram[i, i] - 2 * gram[i, j] + gram[j, j])
        rest = float(residuals[i, j])
        if between > 0 and rest < limit.MERGE_RATIO * single:
            weight = float(np.clip((gram[j, j] - gram[i, j]) / between, 0, 1))
            fits.append((rest, between, weight, i, j))
    # Merges of one pair in other shares lie between the two as well; the ends are the parents.
    for rest, _, weight, i, j in sorted(sorted(fits)[:TRIED], key=lambda fit: -fit[1]):
        one, other = names[i], names[j]
        explained = _explain_linear(mine, flat[one], flat[other], ends)
        if explained >= limit.MERGE_EXPLAINED:
            fit = MergeFit((one, other), (weight, 1 - weight), "linear", rest / single)
            return fit, 1 - explained
    return None


def _measure_residuals(
    mine: Vector, flat: Mapping[str, Vector], ends: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return what each pair leaves of the child, squared, with two numbers a matrix.

    One share for all matrices leaves as much of a spherical merge as the linear one beside it.
    """
    count = len(flat)
    total = np.zeros((count, count))
    sides = np.split(np.stack(list(flat.values())), ends[:-1], axis=1)
    for child, side in zip(np.split(mine, ends[:-1]), sides, strict=True):
        f, x = child.astype(np.float64), side.astype(np.float64)
        gram, inner = x @ x.T, x @ f
        own = np.diag(gram)
        determinant = np.outer(own, own) - gram**2
        gained = (
            np.outer(inner**2, own) + np.outer(own, inner**2)
            - 2 * gram * np.outer(inner, inner)
        )  # fmt: skip
        explained = np.divide(gained, determinant, out=np.zeros_like(gram), where=determinant > 0)
        total += np.maximum(f @ f - explained, 0)
    return total


def _explain_linear(mine: Vector, one: Vector, other: Vector, ends: NDArray[np.intp]) -> float:
    """Return the share of coordinates that two numbers a matrix explain, where that says much."""
    hits = count = 0
    for f, a, b in zip(*(np.split(side, ends[:-1]) for side in (mine, one, other)), strict=True):
        wide = np.stack([a, b], axis=1).astype(np.float64)
        shares = np.linalg.lstsq(wide, f.astype(np.float64), rcond=None)[0]
        telling = np.abs(a - b) >= MARGIN * spacing(a, b)
        if shares.min() < 0:
            count += int(telling.sum())
            continue
        hits += int(near(f, wide @ shares)[telling].sum())
        count += int(telling.sum())
    return hits / count if count >= limit.MERGE_COORDINATES else 0.0
