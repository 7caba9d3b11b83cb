"""Sparse merges: TIES, DARE and kin, found by what single coordinates are multiples of.

Both take deltas of two parents to a base, leave many out, and add up the rest, times a constant
each: DARE drops at random and scales by 1 / (1 - drop) and the parent's weight (arXiv 2311.03099),
TIES trims small ones and averages those of the elected sign (arXiv 2306.01708). So for many
coordinates (child - base) / (parent - base) is exactly that constant, for others exactly zero, and
where both parents were kept the child is one combination of the two. Together that explains every
coordinate; nothing else in a family does.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from famtree.weights import thresholds as limit
from famtree.weights.results import MergeFit
from famtree.weights.rounding import MARGIN, near, spacing

FEW, MANY = 1 << 13, 1 << 16
"""Coordinates that are looked at, evenly apart: first, and where those explain a merge."""
BIN, MOST = 0.04, 12.0
"""Width of a bin of ratios, and the largest ratio: DARE drops up to .9 or so."""
PARENTS = 8
"""Most parents with a constant that are tried in pairs, for one base."""

Vector = NDArray[np.float32]


def find_sparse(mine: Vector, flat: Mapping[str, Vector], base: str | None) -> MergeFit | None:
    """Return the parents and the base of a sparse merge, or None.

    `base` wins where another explains as much. Weights are the shares of coordinates that only one
    parent explains.
    """
    few = _thin(mine, flat, FEW)
    many = _thin(mine, flat, MANY)
    names = sorted(flat, key=lambda name: name != base)
    best: MergeFit | None = None
    for root in names:
        constants = {}
        for name in names:
            if name != root:
                found = _find_constant(few[0], few[1][root], few[1][name])
                if found is not None:
                    constants[name] = found
        likely = sorted(constants, key=lambda name: -constants[name][1])[:PARENTS]
        for one, other in combinations(likely, 2):
            pair = constants[one][0], constants[other][0]
            # A glance first: most pairs explain next to nothing.
            for stored, sides in (few, many):
                fit = _explain(stored, sides[root], sides[one], sides[other], *pair)
                if fit is None or fit[0] < limit.SPARSE_EXPLAINED:
                    break
            else:
                if fit is not None and min(fit[1]) >= limit.SPARSE_UNIQUE and (
                    best is None or 1 - fit[0] < best.ratio
                ):  # fmt: skip
                    best = MergeFit((one, other), fit[1], "sparse", 1 - fit[0], root)
    return best


def _thin(mine: Vector, flat: Mapping[str, Vector], count: int) -> tuple[Vector, dict[str, Vector]]:
    step = max(1, len(mine) // count)
    return mine[::step], {name: side[::step] for name, side in flat.items()}


def _find_constant(mine: Vector, base: Vector, side: Vector) -> tuple[float, float] | None:
    """Return the multiple of (side - base) that child - base is most often, and how often.

    Beyond what neighbouring ratios have: without a merge they vary smoothly.
    """
    delta = side - base
    telling = np.abs(delta) >= MARGIN * spacing(base, side, mine)
    if int(telling.sum()) < limit.MERGE_COORDINATES:
        return None
    ratios = (mine[telling] - base[telling]) / delta[telling]
    counts, edges = np.histogram(ratios, np.arange(BIN / 2, MOST, BIN))
    # Three bins hold what rounding spreads; the twelve around them say what chance brings.
    three = np.convolve(counts, np.ones(3), "same")
    around = (np.convolve(counts, np.ones(15), "same") - three) / 4
    excess = three - around
    # Next to zero stands what neither parent changed.
    excess[:2] = 0
    place = int(excess.argmax())
    share = float(excess[place]) / len(ratios)
    if share < limit.SPARSE_PEAK:
        return None
    low, high = edges[max(place - 1, 0)], edges[min(place + 2, len(edges) - 1)]
    return float(np.median(ratios[(ratios >= low) & (ratios <= high)])), share


def _explain(
    mine: Vector, base: Vector, one: Vector, other: Vector, first: float, second: float
) -> tuple[float, tuple[float, float]] | None:
    """Return the share of coordinates that are explained, and by each parent alone."""
    a, b, f = (side.astype(np.float64) - base for side in (one, other, mine))
    unit = MARGIN * spacing(base, one, other)
    telling = (np.abs(a) >= unit) & (np.abs(b) >= unit) & (np.abs(a - b) >= unit)
    total = int(telling.sum())
    if total < limit.MERGE_COORDINATES:
        return None
    a, b, f = a[telling], b[telling], f[telling]
    root, stored = base[telling], mine[telling]
    none = near(stored, root)
    by_one, by_other = near(stored, root + first * a), near(stored, root + second * b)
    rest = ~(none | by_one | by_other)
    hits = total - int(rest.sum())
    if rest.any():
        # Where both were kept: one combination for all, with nothing taken off.
        both = np.stack([a[rest], b[rest]], axis=1)
        parts = np.linalg.lstsq(both, f[rest], rcond=None)[0]
        if parts.min() >= 0:
            hits += int(near(stored[rest], root[rest] + both @ parts).sum())
    only = by_one & ~by_other & ~none, by_other & ~by_one & ~none
    return hits / total, (float(only[0].mean()), float(only[1].mean()))
