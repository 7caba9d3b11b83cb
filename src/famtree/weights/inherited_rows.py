"""Embedding rows that training left alone, and whose they still are.

The gradient of an untied input embedding is zero for tokens that do not occur in a batch; such a
row is at most shrunk, by weight decay. So a row keeps its direction until a training run that
has the token, and then loses it for good. Where `child` still points as the root does and `other`
no longer does, `child` cannot come from `other`; where `child` points as `other` does and the root
no longer, both have it from one run. No statistic is needed: random updates of many coordinates
do not restore a direction to within rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from famtree.packings.sizes import FLOATS
from famtree.packings.stored import UnreadableWeightError
from famtree.weights import thresholds as limit
from famtree.weights.read import Window, read_windows
from famtree.weights.roles import find_view

if TYPE_CHECKING:
    from famtree.weights.open import Weights

MAX_ELEMENTS = 1 << 21
"""Most elements of embedding rows that are read of a member, 4 MB of 16-bit weights."""

Rows = NDArray[np.float64]
"""Rows x hidden, each of length one (or zero)."""


@dataclass(frozen=True, slots=True)
class Heritage:
    """What embedding rows say of two members below one root."""

    kept: int
    """Rows the one has from the other's training: alike, and unlike the root."""
    older: int
    """Rows the one still has from the root though the other lost them."""

    @property
    def refuted(self) -> bool:
        """Return whether the one cannot come from the other."""
        return self.older > limit.ROWS_STRAY_SHARE * self.kept

    @property
    def confirmed(self) -> bool:
        """Return whether the one has enough of the other's rows, and no older ones."""
        return self.kept >= limit.ROWS_KEPT and not self.refuted


def read_directions(weights: Weights, rows: int) -> Rows | None:
    """Return the last of the first `rows` embedding rows as directions, within `MAX_ELEMENTS`.

    None where the embedding is tied (then every row is trained in every step), stored in fewer
    bits than its parent's (rounding turns all rows), or cannot be read.
    """
    known = weights.architecture
    if known is None or known.tied is not False or weights.hidden is None:
        return None
    try:
        view = find_view(weights, "embedding")
    except UnreadableWeightError:
        return None
    if view.form.kind not in FLOATS or view.rows < rows:
        return None
    # Rare tokens come late in a vocabulary.
    count = min(rows, max(1, MAX_ELEMENTS // weights.hidden))
    window = Window("embedding", 0, tuple(range(rows - count, rows)), (0, weights.hidden))
    values = read_windows(weights, [window]).get(window)
    if values is None or not np.isfinite(values).all():
        return None
    wide = values.astype(np.float64)
    directions: Rows = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-30)
    return directions


def compare_rows(root: Rows, other: Rows, child: Rows) -> Heritage:
    """Compare the rows of `child` with those of `other`, which it may come from."""
    lost = _apart(root, other) > limit.ROW_TURNED
    return Heritage(
        kept=int((lost & (_apart(other, child) < limit.ROW_STILL)).sum()),
        older=int((lost & (_apart(root, child) < limit.ROW_STILL)).sum()),
    )


def _apart(a: Rows, b: Rows) -> NDArray[np.float64]:
    """Return 1 - cosine of each row, without cancellation."""
    squared: NDArray[np.float64] = np.square(a - b).sum(axis=1) / 2
    return squared
