"""How much of one update's noise is found in another: the sign of descent between siblings.

Siblings trained on like data share much of their updates, so distances and cosines take them for
parent and child. With X = u - p and v = u + D, the share of u's update found in v - p is
beta = 1 + <X, D> / <X, X>. If v comes from u, D is a later update and knows nothing of X's noise:
beta is 1 in every matrix, a little more where both follow the same data. If v does not, D still
holds -1 times u's own noise, and beta is 1 - (u's own share) + (what the data make alike), which
differs from matrix to matrix even where its mean is 1 by chance.

Inner products are taken after whitening by the rows' and columns' covariance of D (generalised
least squares with Kronecker covariance), which leaves little of the common, data-driven
directions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from famtree.weights import thresholds as limit

Matrix = NDArray[np.float64]
RIDGE = 0.05
"""Added to covariances of mean one."""
SLENDER = 2
"""Blocks more than so many times wider than tall (or taller than wide) are whitened in pieces,
since a covariance needs as many samples as it has dimensions."""


@dataclass(frozen=True, slots=True)
class Share:
    """Beta over several matrices."""

    mean: float
    spread: float
    """Standard deviation over matrices."""
    matrices: int
    growth: float
    """(|v - p|^2 - |u - p|^2) / |v - u|^2, whitened: 1 where v is a later state than u by an update
    of its own, -1 in reverse, between the two for siblings."""

    @property
    def descends(self) -> bool:
        """Return whether it is one in every matrix, or a little more in all of them."""
        allowed = max(limit.BETA_SPREAD, limit.BETA_SPREAD_SHARE * (self.mean - 1))
        return limit.BETA_LEAST <= self.mean <= limit.BETA_MOST and self.spread <= allowed

    @property
    def unclear(self) -> bool:
        """Return whether it is about one or more, but not evenly: siblings with very unequal steps
        look so, and chains whose later step is much the larger one.
        """
        return self.mean >= limit.BETA_LEAST and not self.descends


class Whitener:
    """The difference of two members, and the inner product it defines."""

    def __init__(self, difference: Mapping[tuple[int, str], NDArray[np.floating]]) -> None:
        self.pieces = {
            key: [_Piece(part) for part in _cut(np.asarray(values, np.float64))]
            for key, values in difference.items()
        }

    def measure(self, update: Mapping[tuple[int, str], NDArray[np.floating]]) -> Share | None:
        """Return beta of `update` (u - p); None where fewer than two matrices changed in it."""
        betas, weights = [], []
        inner = own = 0.0
        for key, pieces in self.pieces.items():
            if key not in update:
                continue
            parts = _cut(np.asarray(update[key], np.float64))
            products = [piece.products(x) for piece, x in zip(pieces, parts, strict=True)]
            along, size = (sum(product[place] for product in products) for place in (0, 1))
            if size <= 0:
                continue
            betas.append(1 + along / size)
            # Where D is zero the update is inherited as it is, which is certain.
            weights.append(size if any(piece.power for piece in pieces) else 0.0)
            inner += along
            own += sum(piece.own for piece in pieces)
        if len(betas) < 2:
            return None
        mean = float(np.average(betas, weights=weights)) if any(weights) else 1.0
        growth = 1 + 2 * inner / own if own > 0 else 0.0
        return Share(mean, float(np.std(betas)), len(betas), growth)


class _Piece:
    """One matrix D and the inverses of its covariances."""

    def __init__(self, values: Matrix) -> None:
        self.power = float(np.vdot(values, values)) / values.size
        if self.power <= 0:
            self.own = 0.0
            return
        rows, columns = values.shape
        scaled = values / sqrt(self.power)
        self.left = _inverse(scaled @ scaled.T / columns)
        self.right = _inverse(scaled.T @ scaled / rows)
        self.whitened = self.left @ values @ self.right / self.power
        self.own = float(np.vdot(self.whitened, values))

    def products(self, update: Matrix) -> tuple[float, float]:
        """Return <X, D> and <X, X> after whitening, in units of D's mean square."""
        if self.power <= 0:
            return 0.0, float(np.vdot(update, update))
        size = float(np.vdot(self.left @ update @ self.right, update)) / self.power
        return float(np.vdot(self.whitened, update)), size


def _inverse(covariance: Matrix) -> Matrix:
    return np.asarray(np.linalg.inv(covariance + RIDGE * np.eye(len(covariance))), np.float64)


def _cut(values: Matrix) -> Iterable[Matrix]:
    rows, columns = values.shape
    axis = 1 if columns >= rows else 0
    pieces = max(1, round(max(rows, columns) / (SLENDER * min(rows, columns))))
    return np.array_split(values, pieces, axis=axis)
