"""Does one hold what the other has learned, or only what both began as?

Two trainings from one initialisation stay alike where steps are small: cosines pass .98. What they
began as is noise, whose singular values end at an edge (Marchenko & Pastur 1967); what training
adds stands out beyond it. A descendant holds such directions of its ancestor in full, and two
siblings those of the model that both come from; two trainings from one start hold of each other's
only what their data make alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from famtree.packings.stored import UnreadableWeightError
from famtree.weights import fit_thresholds as limit
from famtree.weights.places import draw_columns, draw_rows
from famtree.weights.read import Window, read_windows
from famtree.weights.roles import find_view
from famtree.weights.thresholds import SPARSE_ZEROS

if TYPE_CHECKING:
    from famtree.weights.draw import Draw
    from famtree.weights.open import Weights

ROLES = ("q", "v", "o", "gate", "up", "down")
LAYERS = 2
ROWS, WIDTH = 160, 512
"""Of a block; twelve of them are 2 MB of 16-bit weights, without what is read between rows."""
MOST = 20
"""Directions of a block that are looked at."""
MARGIN = 1.05
"""Over the edge of noise, what counts as learned."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Learned:
    """How many directions two sides have learned, and the share of each that the other holds."""

    directions: tuple[int, int]
    kept: tuple[float, float]
    blocks: int
    """Blocks they are counted in."""

    @property
    def is_little(self) -> bool:
        """Return whether one has learned so little that a common start is as good a reason."""
        few = min(self.directions)  # fewer than the least are chance
        return limit.LEARNED_LEAST <= few < limit.LEARNED_ENOUGH * self.blocks

    @property
    def only_began_alike(self) -> bool:
        """Return whether neither holds what the other has learned; False where that is little."""
        return min(self.directions) >= limit.LEARNED_LEAST and max(self.kept) < limit.LEARNED_KEPT


def explain_by_start(child: Weights, parent: Weights, draw: Draw) -> str | None:
    """Return why two dependent ones need be no parent and child; None where they may be."""
    learned = compare_learned(child, parent, draw) if child.depth == parent.depth else None
    if learned is None:
        return None
    if learned.is_little and not learned.only_began_alike:
        count = min(learned.directions)
        return (
            f"columns are aligned, but one of the two has learned little ({count} directions in "
            f"{learned.blocks} blocks): one initialisation explains that as well as descent"
        )
    if not learned.only_began_alike:
        return None
    kept = " and ".join(f"{share:.2f}" for share in learned.kept)
    return (
        f"columns are aligned, but neither holds what the other has learned ({kept} of it): both "
        "began alike, as by one initialisation, and neither comes from the other"
    )


def compare_learned(child: Weights, parent: Weights, draw: Draw) -> Learned | None:
    """Compare blocks of like-numbered layers; None where none can be, or nothing was learned."""
    windows = []
    for layer in draw.spread(min(child.depth, parent.depth), LAYERS, "learned"):
        for role in ROLES:
            try:
                mine, theirs = find_view(child, role, layer), find_view(parent, role, layer)
            except UnreadableWeightError:
                continue
            slow = any(
                view.form.fast == "rows" and side.source.kind == "hub"
                for view, side in ((mine, child), (theirs, parent))
            )
            if (mine.rows, mine.columns) == (theirs.rows, theirs.columns) and not slow:
                rows = draw_rows(draw, role, layer, mine.rows, ROWS)
                columns = draw_columns(draw, mine.columns, WIDTH, "learned", role, layer)
                windows.append(Window(role, layer, rows, columns))
    both = read_windows(child, windows), read_windows(parent, windows)
    counts, sums, blocks = [0, 0], [0.0, 0.0], 0
    for window in windows:
        x, y = (side.get(window) for side in both)
        if x is None or y is None or not (np.isfinite(x).all() and np.isfinite(y).all()):
            continue
        if max(np.mean(x == 0), np.mean(y == 0)) > SPARSE_ZEROS:
            continue  # what was pruned away is missing of every direction
        blocks += 1
        for side, (a, b) in enumerate(((x, y), (y, x))):
            shares = _hold(a.astype(np.float64), b.astype(np.float64))
            counts[side] += len(shares)
            sums[side] += float(shares.sum())
    if not all(counts):
        return None
    kept = sums[0] / counts[0], sums[1] / counts[1]
    return Learned((counts[0], counts[1]), kept, blocks)


def _hold(a: Matrix, b: Matrix) -> Matrix:
    """Return the share of each learned direction of `a` that is in `b`; decay is made up for."""
    beyond = _edge(*a.shape) * MARGIN
    if len(a) > a.shape[1]:
        a, b = a.T, b.T
    # Products of the shorter side give the same directions as a full SVD, for less time.
    squares, left = np.linalg.eigh(a @ a.T)
    values, left = np.sqrt(np.maximum(squares[::-1], 0)), left[:, ::-1]
    top = np.flatnonzero(values > float(np.median(values)) * beyond)[:MOST]
    right = (left[:, top].T @ a) / values[top, None]
    sizes = [float(np.linalg.norm(side)) for side in (b, a)]
    shrunk = max(min(1.0, sizes[0] / max(sizes[1], 1e-30)), 1e-30)
    inner = ((left[:, top].T @ b) * right).sum(axis=1)
    shares: Matrix = np.asarray(inner, np.float64) / values[top] / shrunk
    return shares


@cache
def _edge(rows: int, columns: int) -> float:
    """Return the greatest singular value of noise of this shape over its median."""
    noise = np.random.default_rng(0).standard_normal((rows, columns))
    values = np.linalg.svd(noise, compute_uv=False)
    return float(values[0] / np.median(values))
