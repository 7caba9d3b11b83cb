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
from famtree.weights import fit_thresholds as fit
from famtree.weights import thresholds as limit
from famtree.weights.column_alignment import column_test, row_cosines
from famtree.weights.places import Place, draw_columns, draw_rows
from famtree.weights.read import Window, read_windows
from famtree.weights.roles import count_experts, count_heads, find_view, place_in_head

Floats = NDArray[np.float32]

if TYPE_CHECKING:
    from famtree.weights.draw import Draw
    from famtree.weights.open import Weights

MAX_BYTES = 2 << 20
"""Bytes a side of the rows that columns are matched by, though never fewer than `MIN_ROWS`."""
MIN_ROWS, MAX_ROWS = 16, 64
MATCHED = 128
"""Columns that are matched."""
MIN_COLUMNS = 16
WRITERS = 12
"""Matched columns whose writing rows are held against each other."""
HEAD_ROWS = 8
"""Rows of q or k that are looked for in another order."""


def are_rows_reordered(
    child: Weights, parent: Weights, draw: Draw, role: str, layers: tuple[int, int]
) -> bool | None:
    """Return whether what o or down reads stands in another order in (child, parent) layers.

    Columns of o (of down) are matched, and then the rows of v and q (of gate and up) that write
    what they read are held against each other in that order. The child may have fewer. None where
    they cannot be read.
    """
    sides = _read_sides(child, parent, draw, role, layers)
    if sides is None:
        return None
    if sides[0].shape[1] > sides[1].shape[1]:
        return False
    z, order, sure = match_columns(*sides)
    # Columns that match nothing have moved nowhere.
    told = list(order.items())[: max(sure, WRITERS)]
    moved = sum(own != other for own, other in told)
    if z <= limit.DEPENDENT_Z or moved < fit.MOVED_SHARE * len(told):
        return False
    rows: list[tuple[str, int, int]] = []
    for column, other in list(order.items())[:WRITERS]:
        rows += _list_writers(child, role, column, other)
    return _are_aligned(child, parent, draw, layers, rows)


def _read_sides(
    child: Weights, parent: Weights, draw: Draw, role: str, layers: tuple[int, int]
) -> tuple[Floats, Floats] | None:
    try:
        mine, theirs = find_view(child, role, layers[0]), find_view(parent, role, layers[1])
    except UnreadableWeightError:
        return None
    if mine.rows != theirs.rows or min(mine.columns, theirs.columns) < MIN_COLUMNS:
        return None
    count = max(MIN_ROWS, min(MAX_ROWS, MAX_BYTES // (2 * max(mine.columns, theirs.columns))))
    rows = draw_rows(draw, role, layers[0], mine.rows, count)
    windows = (
        Window(role, layers[0], rows, (0, mine.columns)),
        Window(role, layers[1], rows, (0, theirs.columns)),
    )
    a = read_windows(child, windows[:1]).get(windows[0])
    b = read_windows(parent, windows[1:]).get(windows[1])
    if a is None or b is None or not np.isfinite(a).all() or not np.isfinite(b).all():
        return None
    return a, b


def _list_writers(child: Weights, role: str, column: int, other: int) -> list[tuple[str, int, int]]:
    """Return (role, row of the child, row of the parent) of what writes what the columns read."""
    if role == "down":
        return [("gate", column, other), ("up", column, other)]
    found = [("q", column, other)]
    queries, keys = _count_queries(child), count_heads(child)
    if queries and keys and not queries % keys:
        try:
            width = find_view(child, "q", 0).rows // queries
        except UnreadableWeightError:
            return found
        share = queries // keys
        mine, theirs = (
            at // width // share * width + at % width for at in (column, other)
        )  # fmt: skip
        found += [("v", mine, theirs), ("k", mine, theirs)]
    return found


def _are_aligned(
    child: Weights,
    parent: Weights,
    draw: Draw,
    layers: tuple[int, int],
    rows: list[tuple[str, int, int]],
) -> bool | None:
    assert child.hidden is not None  # noqa: S101 - columns were compared
    columns = draw_columns(draw, child.hidden)
    by_role: dict[str, list[tuple[Window, Window]]] = {}
    for role, own, other in rows:
        if count_experts(child, role, layers[0]) and count_experts(parent, role, layers[1]):
            by_role.setdefault(role, []).append(
                (Window(role, layers[0], (own,), columns),
                 Window(role, layers[1], (other,), columns))
            )  # fmt: skip
    ours = read_windows(child, [one for pairs in by_role.values() for one, _ in pairs])
    theirs = read_windows(parent, [one for pairs in by_role.values() for _, one in pairs])
    told = []
    for pairs in by_role.values():
        both = [(ours[a], theirs[b]) for a, b in pairs if a in ours and b in theirs]
        if both:
            a, b = np.vstack([one for one, _ in both]), np.vstack([one for _, one in both])
            aligned = row_cosines(a, b) * sqrt(a.shape[1] - 1) > fit.ODD_Z
            told.append(float(aligned.mean()) >= fit.WRITERS_SHARE)
    return all(told) if told else None


def match_columns(
    few: NDArray[np.floating], many: NDArray[np.floating]
) -> tuple[float, dict[int, int], int]:
    """Return z of columns of `few` held against the columns of `many` most like them.

    Both are rows x columns of the same rows. Every second row makes the match, the others test it:
    under independence their cosines have mean 0 and variance 1 / rows. Also the match, the surest
    first, and how many of it stand out by themselves.
    """
    left, right = _scale(few), _scale(many)
    chosen = np.arange(left.shape[1])[:: max(1, left.shape[1] // MATCHED)][:MATCHED]
    left = left[:, chosen]
    matching, testing = slice(0, None, 2), slice(1, None, 2)
    products = _unit(left[matching]).T @ _unit(right[matching])
    best = products.argmax(axis=1)
    cosines = (_unit(left[testing]) * _unit(right[testing])[:, best]).sum(axis=0)
    z = float(cosines.sum()) * sqrt(len(left[testing]) / len(cosines))
    surest = np.argsort(-cosines)
    sure = int((cosines * sqrt(len(left[testing])) > fit.ODD_Z).sum())
    return z, {int(chosen[at]): int(best[at]) for at in surest}, sure


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
