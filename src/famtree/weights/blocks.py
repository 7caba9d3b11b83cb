"""Contiguous blocks of rows, for what needs more than windows: direction, chains, merges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from famtree.packings.sizes import FLOATS
from famtree.packings.stored import UnreadableWeightError
from famtree.weights.plan import spread_layers
from famtree.weights.read import Window, read_windows
from famtree.weights.roles import INPUT_ROLES, OUTPUT_ROLES, View, find_view

if TYPE_CHECKING:
    from famtree.weights.open import Weights

BLOCK_ROLES = (*INPUT_ROLES, *OUTPUT_ROLES)
MIN_ROWS = 32
"""Fewer rows leave no tail of singular directions."""
MAX_ELEMENTS = 1 << 19
"""Most elements of one block, 1 MB of 16-bit weights, though never fewer than `MIN_ROWS` rows."""
LAYERS = 4
LOOKED_AT = 2_000_000
"""Elements of a side that direction and operation are read off: 4 MB of 16-bit weights."""

Key = tuple[int, str]
Blocks = dict[Key, NDArray[np.float32]]


def block_rows(rows: int, columns: int, share: float) -> tuple[int, ...]:
    """Return the rows of a block: `share` of all in the middle, within the limits."""
    most = max(MIN_ROWS, MAX_ELEMENTS // max(columns, 1))
    count = min(rows, most, max(MIN_ROWS, round(rows * share)))
    start = (rows - count) // 2
    return tuple(range(start, start + count))


def read_blocks(
    weights: Weights,
    *,
    share: float = 0.25,
    layers: Sequence[int] | None = None,
    most: int | None = None,
) -> Blocks:
    """Return one block a role and layer, by (layer, role).

    With `most` smaller blocks are read, and of as many matrices as that many elements hold: of both
    kinds and all layers, as far as they fit.
    """
    windows: dict[Key, Window] = {}
    for layer in spread_layers(weights.depth, LAYERS) if layers is None else layers:
        for role in BLOCK_ROLES:
            try:
                view = find_view(weights, role, layer)
            except UnreadableWeightError:
                continue
            least = MIN_ROWS / view.rows if most is not None and view.rows > MIN_ROWS else share
            rows = block_rows(view.rows, view.columns, min(share, max(least, _fit(most, view))))
            if view.form.fast == "rows" and weights.source.kind == "hub":
                continue  # one request a column
            windows[layer, role] = Window(role, layer, rows, (0, view.columns))
    if most is not None:
        windows = _keep_within(windows, most)
    values = read_windows(weights, windows.values())
    return {key: values[window] for key, window in windows.items() if window in values}


def _fit(most: int | None, view: View) -> float:
    """Return the share of a matrix of which every layer and role may have as much."""
    if most is None:
        return 1.0
    return most / (LAYERS * len(BLOCK_ROLES)) / max(1, view.rows * view.columns)


def _keep_within(windows: dict[Key, Window], most: int) -> dict[Key, Window]:
    """Return the smallest windows, one role after the other, that hold `most` elements in all."""
    kept: dict[Key, Window] = {}
    left = most

    def size(window: Window) -> int:
        return len(window.rows) * (window.columns[1] - window.columns[0])

    for key, window in sorted(windows.items(), key=lambda one: (size(one[1]), one[0])):
        if size(window) <= left:
            left -= size(window)
            kept[key] = window
    return {key: window for key, window in windows.items() if key in kept}


def common_blocks(*sides: Blocks) -> list[Key]:
    """Return the blocks all sides have in one shape, with finite values."""
    first, *others = sides
    return [
        key
        for key, values in first.items()
        if all(key in side and side[key].shape == values.shape for side in others)
        and all(bool(np.isfinite(side[key]).all()) for side in sides)
    ]


def is_packed(weights: Weights) -> bool:
    """Return whether most block matrices are stored in fewer bits than a 16-bit float."""
    kinds = []
    for role in BLOCK_ROLES:
        try:
            kinds.append(find_view(weights, role, 0).form.kind)
        except UnreadableWeightError:
            continue
    return sum(kind not in FLOATS for kind in kinds) * 2 > len(kinds) > 0
