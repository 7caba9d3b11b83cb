"""Rows that stand in another order: neurons and heads that were permuted, layouts of q and k.

Where the hidden axis is still the same, rows of o and down show which of their columns (values,
neurons) are the same, whatever their order: columns are matched by half of some rows, and held
against each other by the other half, of which the match knows nothing.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from famtree.packings.stored import UnreadableWeightError
from famtree.weights import thresholds as limit
from famtree.weights.column_alignment import column_test
from famtree.weights.places import Place, draw_columns, draw_rows
from famtree.weights.read import Window, read_windows
from famtree.weights.roles import count_heads, find_view, place_in_head

if TYPE_CHECKING:
    from famtree.weights.draw import Draw
    from famtree.weights.open import Weights

MAX_BYTES = 2 << 20
"""Bytes a side of the rows that columns are matched by, though never fewer than `MIN_ROWS`."""
MIN_ROWS, MAX_ROWS = 16, 64
MATCHED = 128
"""Columns that are matched."""
MIN_COLUMNS = 16
HEAD_ROWS = 8
"""Rows of q or k that are looked for in another order."""


def are_columns_kept(
    child: Weights, parent: Weights, draw: Draw, role: str, layers: tuple[int, int]
) -> bool | None:
    """Return whether columns of o or down in (child, parent) layers are the same in another order.

    The child may have fewer. None where they cannot be read.
    """
    try:
        views = [
            find_view(side, role, at) for side, at in zip((child, parent), layers, strict=True)
        ]
    except UnreadableWeightError:
        return None
    if views[0].rows != views[1].rows or min(view.columns for view in views) < MIN_COLUMNS:
        return None
    wide = max(view.columns for view in views)
    count = max(MIN_ROWS, min(MAX_ROWS, MAX_BYTES // (2 * wide)))
    rows = draw_rows(draw, role, layers[0], views[0].rows, count)
    sides = []
    for side, at, view in zip((child, parent), layers, views, strict=True):
        window = Window(role, at, rows, (0, view.columns))
        values = read_windows(side, [window]).get(window)
        if values is None or not np.isfinite(values).all():
            return None
        sides.append(values)
    few, many = sorted(sides, key=lambda one: one.shape[1])
    return match_columns(few, many) > limit.DEPENDENT_Z


def match_columns(few: NDArray[np.floating], many: NDArray[np.floating]) -> float:
    """Return z of columns of `few` held against the columns of `many` most like them.

    Both are rows x columns of the same rows. Every second row makes the match, the others test it:
    under independence their cosines have mean 0 and variance 1 / rows.
    """
    left, right = _scale(few), _scale(many)
    step = max(1, left.shape[1] // MATCHED)
    left = left[:, ::step][:, :MATCHED]
    matching, testing = slice(0, None, 2), slice(1, None, 2)
    products = _unit(left[matching]).T @ _unit(right[matching])
    best = products.argmax(axis=1)
    one, other = _unit(left[testing]), _unit(right[testing])[:, best]
    return float((one * other).sum()) * sqrt(len(one) / one.shape[1])


def _scale(values: NDArray[np.floating]) -> NDArray[np.float64]:
    wide = values.astype(np.float64)
    wide = wide - wide.mean(axis=1, keepdims=True)
    found: NDArray[np.float64] = wide / np.maximum(wide.std(axis=1, keepdims=True), 1e-30)
    return found


def _unit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = values / np.maximum(np.linalg.norm(values, axis=0), 1e-30)
    return found


def is_laid_out_otherwise(child: Weights, parent: Weights, draw: Draw, place: Place) -> bool:
    """Return whether q or k rows of one side are paired as rotary layouts pair them, halves or
    neighbours, where the other's are not.
    """
    heads = count_heads(child) if place.role == "k" else _count_queries(child)
    try:
        rows, hidden = find_view(child, place.role, place.layer).rows, child.hidden
    except UnreadableWeightError:
        return False
    if not heads or rows % heads or (rows // heads) % 2 or hidden is None:
        return False
    to = place_in_head(rows // heads)
    chosen = [draw.number(rows, "layout", place.role, place.layer, at) for at in range(HEAD_ROWS)]
    chosen = sorted({row for row in chosen if to(row) != row})
    columns = draw_columns(draw, hidden)
    ways = (tuple(chosen), tuple(to(row) for row in chosen))
    for mine, theirs in (ways, ways[::-1]):
        ours = Window(place.role, place.ours.layer, mine, columns)
        other = Window(place.role, place.theirs.layer, theirs, columns)
        a, b = read_windows(child, [ours]).get(ours), read_windows(parent, [other]).get(other)
        test = column_test(a, b) if a is not None and b is not None else None
        if test is not None and test.z > limit.DEPENDENT_Z:
            return True
    return False


def _count_queries(weights: Weights) -> int | None:
    return weights.architecture.heads if weights.architecture is not None else None
