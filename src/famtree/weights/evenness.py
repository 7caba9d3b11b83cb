"""Is a row alike throughout, or are some of its values the parent's and others not?

Training, rounding and mixing leave every value of a row about as much alike its counterpart. Where
columns, or single values, were copied into a stranger, some are wholly alike and the others not at
all, whichever they are. Two things show it, and both are asked for. With a and b the normal scores
of a row on both sides, u and d their sum and difference: were a and b alike to one degree, u and d
would be independent, and what the product of their squares lacks is the variance of the likeness
from value to value. And values that are large on both sides but not equally so have one sign after
any training, and none in particular where they are foreign.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import cache
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from famtree.weights import fit_thresholds as limit

Floats = NDArray[np.float32]
Rows = NDArray[np.float64]
MIN_SCALED = 4
"""Rows over which columns are brought to one scale, as folded norms ask for."""
MIN_VALUES = 32
LARGE, UNEQUAL = 0.5, 0.7
"""Least magnitude of both normal scores, and of their difference, where signs are looked at."""


@dataclass(frozen=True, slots=True)
class Evenness:
    """How the likeness of two sides varies within rows."""

    likeness: float
    """Mean correlation of normal scores."""
    variance: float
    """Variance of the correlation from value to value."""
    error: float
    """Standard error of `variance`."""
    signs: float
    """Excess of equal signs among values that are large and unequal, over that of values which are
    all alike to one degree: 1 for these, 0 where such values are foreign."""

    @property
    def share(self) -> float:
        """Return the variance over the most it can be: 1 where values are copied or foreign."""
        most = self.likeness * (1 - self.likeness)
        return self.variance / most if most > 0 else 0.0

    @property
    def in_part(self) -> bool:
        """Return whether some values are the parent's and others are not."""
        return (
            self.likeness < limit.PART_LIKENESS
            and self.variance > limit.PART_ERRORS * self.error
            and self.share > limit.PART_SHARE
            and self.signs < limit.PART_SIGNS
        )


def measure_evenness(
    windows: Iterable[tuple[Hashable, Floats, Floats]], *, turned: bool = False
) -> Evenness | None:
    """Measure (axis, rows of one side, of the other); None where too few values are left.

    Values that are zero on either side were pruned away, or pad, and say nothing. `turned` undoes
    turned signs of columns, and leaves out axes of few rows, of which that cannot be told.
    """
    groups: dict[Hashable, list[tuple[Floats, Floats]]] = {}
    for axis, x, y in windows:
        groups.setdefault((axis, x.shape[1]), []).append((x, y))
    scores = [pair for own in groups.values() for pair in _score_rows(own, turned)]
    if not scores:
        return None
    lacks = []
    for a, b in scores:
        u, d = np.square(a + b) / 2, np.square(a - b) / 2
        lacks.append(u.mean() * d.mean() - u * d)
    missing = np.concatenate(lacks)
    a, b = (np.concatenate([pair[side] for pair in scores]) for side in (0, 1))
    likeness = float((a * b).mean())
    return Evenness(
        likeness, float(missing.mean()), float(missing.std()) / sqrt(missing.size),
        _compare_signs(a, b, likeness),
    )  # fmt: skip


def _score_rows(windows: list[tuple[Floats, Floats]], turned: bool) -> list[tuple[Rows, Rows]]:
    x, y = (np.vstack([pair[side] for pair in windows]).astype(np.float64) for side in (0, 1))
    there = np.isfinite(x) & np.isfinite(y) & (x != 0) & (y != 0)
    x, y = np.where(there, x, 0.0), np.where(there, y, 0.0)
    if len(x) >= MIN_SCALED:
        x, y = (_scale_columns(side) for side in (x, y))
        if turned:
            y = y * np.sign((x * y).sum(axis=0))
    elif turned:
        return []
    return [
        (_score(own[kept]), _score(other[kept]))
        for own, other, kept in zip(x, y, there, strict=True)
        if kept.sum() >= MIN_VALUES
    ]


def _scale_columns(values: Rows) -> Rows:
    sizes = np.sqrt(np.square(values).mean(axis=0))
    scaled: Rows = values / np.where(sizes > 0, sizes, 1.0)
    return scaled


def _compare_signs(a: Rows, b: Rows, likeness: float) -> float:
    left, right = np.abs(a), np.abs(b)
    told = (np.minimum(left, right) > LARGE) & (np.abs(left - right) > UNEQUAL)
    if not told.any():
        return 1.0
    rho = min(max(likeness, 0.01), 0.99)
    # Of two normal variables of that correlation, given both magnitudes.
    odds = np.exp(-2 * rho * left[told] * right[told] / (1 - rho**2))
    expected = float((1 / (1 + odds)).mean()) - 0.5
    return (float((a[told] * b[told] > 0).mean()) - 0.5) / expected


def _score(values: Rows) -> Rows:
    """Return normal scores; equal values, as of a coarse grid, have their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = ((last - counts + last - 1) / 2)[place]
    scores = np.interp(ranks, np.arange(len(values)), _normal_scores(len(values)))
    size = sqrt(float(np.square(scores).mean()))
    found: Rows = scores / size if size > 0 else scores
    return found


@cache
def _normal_scores(count: int) -> Rows:
    normal = NormalDist()
    return np.array([normal.inv_cdf((at + 0.5) / count) for at in range(count)])
