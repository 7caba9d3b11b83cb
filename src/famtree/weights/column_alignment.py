"""The column test: exact under independent initialisation, whatever the training data.

Rows of both samples live on the same hidden columns. If two models were initialised apart,
training being equivariant under permutations of the hidden axis, their column order is
exchangeable (Zhu et al., arXiv 2502.12292, theorem 1). The sum of matched inner products is then
one draw of a random-permutation sum, whose mean and variance are known exactly (Hoeffding 1951,
"A combinatorial central limit theorem").
"""

from __future__ import annotations

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
    x, y = _standardise(a, b)
    if len(x) < MIN_ROWS or x.shape[1] < MIN_COLUMNS:
        return None
    total = float(np.vdot(x, y))
    # With centred rows the mean over permutations is 0 and the variance |x^T y|_F^2 / (h - 1).
    variance = float(np.vdot(x @ x.T, y @ y.T)) / (x.shape[1] - 1)
    if variance <= 0:
        return None
    z = total / sqrt(variance)
    drawn = permutation_p(x, y, permutations) if permutations else None
    return ColumnTest(
        z=z,
        log10_p=log10_upper_tail(z),
        cosine=total / len(x),
        rows=len(x),
        columns=x.shape[1],
        permutation_p=drawn,
    )


MIN_ROWS = 2
MIN_COLUMNS = 8


def permutation_p(x: Matrix, y: Matrix, draws: int, seed: int = 0) -> float:
    """Return (1 + ties) / (1 + draws): how often a random column order does as well."""
    chosen = np.random.default_rng(seed)
    seen = float(np.vdot(x, y))
    ties = sum(
        float(np.vdot(x, y[:, chosen.permutation(y.shape[1])])) >= seen for _ in range(draws)
    )
    return (1 + ties) / (1 + draws)


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
