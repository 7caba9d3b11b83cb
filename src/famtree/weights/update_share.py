"""Has a child what its parent learned since the root? The beta test on the windows of a proof.

With X what the parent changed since a root and D what the child changed since the parent,
beta = 1 + <X, D> / <X, X> is 1 for a descendant, whose D knows nothing of X's noise, and about 0
for a sibling that began at the root (Zhu et al. 2025 compare states alone; see `update_noise` for
the whitened form over whole blocks, which places members of a tree).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Literal

import numpy as np

from famtree.weights import fit_thresholds as limit
from famtree.weights.places import draw_layers, draw_places
from famtree.weights.read import read_windows

if TYPE_CHECKING:
    from famtree.weights.draw import Draw
    from famtree.weights.open import Weights


@dataclass(frozen=True, slots=True)
class UpdateShare:
    """How much of the parent's update is in the child."""

    beta: float
    error: float
    """Standard error of beta, were D noise."""

    @property
    def verdict(self) -> Literal["descendant", "sibling", "unclear"]:
        """Return what it says: unclear where it lies between, or the sample is too small."""
        if 3 * self.error > limit.SHARE_ERROR:
            return "unclear"
        if self.beta < limit.SHARE_SIBLING:
            return "sibling"
        return "descendant" if self.beta > limit.SHARE_DESCENDANT else "unclear"


def measure_share(child: Weights, parent: Weights, root: Weights, draw: Draw) -> UpdateShare | None:
    """Return the share of `parent`'s update since `root` that is in `child`.

    None where the three cannot be held against each other, or parent and root are alike.
    """
    if not child.hidden == parent.hidden == root.hidden:
        return None
    if not child.depth == parent.depth == root.depth:
        return None
    layers = [(layer, layer) for layer in draw_layers(draw, child.depth)]
    places = draw_places(draw, child, parent, layers)
    windows = [place.ours for place in places if place.ours == place.theirs]
    values = [read_windows(side, windows) for side in (child, parent, root)]
    along = size = rest = 0.0
    count = 0
    for window in windows:
        if all(window in side for side in values):
            v, u, p = (side[window].astype(np.float64) for side in values)
            update, later = u - p, v - u
            along += float(np.vdot(update, later))
            size += float(np.vdot(update, update))
            rest += float(np.vdot(later, later))
            count += v.size
    if size <= 0 or not np.isfinite([along, size, rest]).all():
        return None
    return UpdateShare(1 + along / size, sqrt(rest / size / count))


def came_first(child: Weights, parent: Weights, draw: Draw) -> bool | None:
    """Return whether the `parent` of two that name each other looks like the earlier one.

    By growth: t = (|child|^2 - |parent|^2) / |child - parent|^2 is 1 where the child is the parent
    and an update orthogonal to it, -1 in reverse. None where it is neither.
    """
    if child.hidden != parent.hidden or child.depth != parent.depth:
        return None
    layers = [(layer, layer) for layer in draw_layers(draw, child.depth)]
    places = draw_places(draw, child, parent, layers)
    windows = [place.ours for place in places if place.ours == place.theirs]
    values = [read_windows(side, windows) for side in (child, parent)]
    grown = step = size = 0.0
    count = 0
    for window in windows:
        if all(window in side for side in values):
            v, u = (side[window].astype(np.float64) for side in values)
            grown += float(np.vdot(v, v) - np.vdot(u, u))
            step += float(np.vdot(v - u, v - u))
            size += float(np.vdot(u, u))
            count += v.size
    if step <= 0 or size <= 0 or not np.isfinite([grown, step]).all():
        return None
    t, error = grown / step, 2 * sqrt(size / step / count)
    if abs(t) > limit.T_MOST or abs(t) < max(limit.T_LEAST, 3 * error):
        return None
    return t > 0
