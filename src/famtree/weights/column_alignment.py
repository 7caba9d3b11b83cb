"""The column test: exact under independent initialisation, whatever the training data.

Rows of both samples live on the same hidden columns. If two models were initialised apart,
training being equivariant under permutations of the hidden axis, their column order is
exchangeable (Zhu et al., arXiv 2502.12292, theorem 1). The sum of matched inner products is then
one draw of a random-permutation sum, whose mean and variance are known exactly (Hoeffding 1951,
"A combinatorial central limit theorem").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from famtree.weights.normal_tail import log10_upper_tail
from famtree.weights.results import ColumnTest

Matrix = NDArray[np.float64]


def column_test(
    a: NDArray[np.floating], b: NDArray[np.floating], *, permutations: int = 0
) -> ColumnTest | None:
    """Compare row i of `a` with row i of `b` (both rows x columns) over permutations of columns.

    Rows are centred and scaled to length one; those that are constant or not finite on either
    side are left out. None when fewer than two rows or eight columns remain. `permutations` > 0
    also draws that many random permutations, with a fixed seed.
    """
    return joint_test([(a, b)], permutations=permutations)


MIN_ROWS = 2
MIN_COLUMNS = 8
OUTLIER_ENERGY = 16.0
"""Columns with so many times the median's mean square, on either side, are no part of z."""
MOST_DEVIATIONS = 3.0
"""Values count up to so many root mean squares of their row: an identity part weighs little."""
Pair = tuple[NDArray[np.floating], NDArray[np.floating]]


def joint_test(axes: Iterable[Pair], *, permutations: int = 0) -> ColumnTest | None:
    """Like `column_test` over several axes, whose orders are exchangeable each by itself.

    Each pair holds the rows of one axis. Sums and variances of independent axes add up.
    """
    whole = [_standardise(*_drop_padding(a, b)) for a, b in axes]
    whole = [(x, y) for x, y in whole if len(x) and x.shape[1] >= MIN_COLUMNS]
    sides = [_temper(x, y) for x, y in whole]
    rows = sum(len(x) for x, _ in sides)
    if rows < MIN_ROWS:
        return None
    total = sum(float(np.vdot(x, y)) for x, y in sides)
    # With centred rows the mean over permutations is 0 and the variance |x^T y|_F^2 / (h - 1).
    variance = sum(float(np.vdot(x @ x.T, y @ y.T)) / (x.shape[1] - 1) for x, y in sides)
    if variance <= 0:
        return None
    z = total / sqrt(variance)
    return ColumnTest(
        z=z,
        log10_p=log10_upper_tail(z),
        cosine=sum(float(np.vdot(x, y)) for x, y in whole) / rows,
        rows=rows,
        columns=sum(x.size for x, _ in whole) // rows,
        permutation_p=permutation_p(sides, permutations) if permutations else None,
    )


def row_cosines(a: NDArray[np.floating], b: NDArray[np.floating]) -> Matrix:
    """Return the cosine of each row with its counterpart, both centred; 0 for constant ones."""
    x, y = (side.astype(np.float64) - side.mean(axis=1, keepdims=True) for side in (a, b))
    sizes = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    found: Matrix = np.einsum("ij,ij->i", x, y) / np.where(sizes > 0, sizes, np.inf)
    return found


def standardise_all(samples: NDArray[np.floating]) -> Matrix:
    """Return samples x rows x columns with each row centred and of length one, or of zeros."""
    values = samples.astype(np.float64)
    values = np.where(np.isfinite(values).all(axis=2, keepdims=True), values, 0.0)
    centred = values - values.mean(axis=2, keepdims=True)
    sizes = np.linalg.norm(centred, axis=2, keepdims=True)
    scale = np.abs(values).max(axis=2, initial=0, keepdims=True)
    found: Matrix = np.where(sizes > 1e-9 * scale, centred / np.where(sizes > 0, sizes, 1), 0.0)
    return found


def permutation_p(sides: Sequence[tuple[Matrix, Matrix]], draws: int, seed: int = 0) -> float:
    """Return (1 + ties) / (1 + draws): how often random column orders do as well."""
    chosen = np.random.default_rng(seed)
    seen = sum(float(np.vdot(x, y)) for x, y in sides)
    ties = sum(
        sum(float(np.vdot(x, y[:, chosen.permutation(y.shape[1])])) for x, y in sides) >= seen
        for _ in range(draws)
    )
    return (1 + ties) / (1 + draws)


def _drop_padding(a: NDArray[np.floating], b: NDArray[np.floating]) -> Pair:
    """Return both without the columns that are zero in every row of both."""
    if a.shape != b.shape or a.ndim != 2:
        return a, b
    kept = (a != 0).any(axis=0) | (b != 0).any(axis=0)
    few = kept.all() or kept.sum() < MIN_COLUMNS
    return (a, b) if few else (a[:, kept], b[:, kept])


def _temper(x: Matrix, y: Matrix) -> tuple[Matrix, Matrix]:
    """Return both sides without what may make their columns no exchangeable ones, standardised.

    Outlier columns and parts of an identity lie at places that a design or a recipe chooses. What
    is left out is chosen by each side alone, so the null stays exact.
    """
    energy = [np.square(side).mean(axis=0) for side in (x, y)]
    kept = np.ones(x.shape[1], bool)
    for own in energy:
        some = own[own > 0]
        kept &= own <= OUTLIER_ENERGY * float(np.median(some)) if some.size else False
    if kept.sum() < MIN_COLUMNS:
        kept[:] = True
    found = []
    for side in (x, y):
        own = side[:, kept]
        own = own - own.mean(axis=1, keepdims=True)
        bound = MOST_DEVIATIONS * np.sqrt(np.square(own).mean(axis=1, keepdims=True))
        own = np.clip(own, -bound, bound)
        own = own - own.mean(axis=1, keepdims=True)
        sizes = np.linalg.norm(own, axis=1, keepdims=True)
        found.append(own / np.where(sizes > 0, sizes, 1.0))
    return found[0], found[1]


def _standardise(a: NDArray[np.floating], b: NDArray[np.floating]) -> tuple[Matrix, Matrix]:
    if a.shape != b.shape or a.ndim != 2:
        raise ValueError(f"samples differ in shape: {a.shape} and {b.shape}")
    x, y = a.astype(np.float64), b.astype(np.float64)
    finite = np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1)
    x, y = x[finite], y[finite]
    x = x - x.mean(axis=1, keepdims=True)
    y = y - y.mean(axis=1, keepdims=True)
    left, right = np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1)
    scale = np.abs(a[finite]).max(axis=1, initial=0) + np.abs(b[finite]).max(axis=1, initial=0)
    varied = np.minimum(left, right) > 1e-9 * scale
    return x[varied] / left[varied, None], y[varied] / right[varied, None]
