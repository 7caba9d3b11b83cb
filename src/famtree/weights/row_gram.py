"""The row-Gram test: how the rows of one matrix lie to each other.

Cosines between the rows of v, gate and up do not change when the hidden axis is rotated, permuted
or flipped, when norms are folded, or rows scaled; no tokens and no embeddings are needed, and
widths may differ. If two models were initialised apart the order of rows is exchangeable (neurons
of a layer, value dimensions of a head), so cosines of one say nothing of the other's. q and k are
left out: rotary positions tell their rows apart. A cousin of tests on the spectra of W_v W_o
(arXiv 2511.06390, 2512.03620).

Grams are centred as in the unbiased distance correlation of Székely & Rizzo (2013, "The distance
correlation t-test of independence in high dimension"): with n rows R sqrt(n(n-3)/2 - 1) is
standard normal under independence, whatever the rows have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from famtree.packings.stored import UnreadableWeightError
from famtree.weights.normal_tail import correct_for_trials, log10_upper_tail
from famtree.weights.places import draw_rows
from famtree.weights.read import Window, read_gamma, read_windows
from famtree.weights.results import GramTest
from famtree.weights.roles import attention_norm, count_heads, feed_forward_norm, find_view

if TYPE_CHECKING:
    from famtree.weights.draw import Draw
    from famtree.weights.open import Weights

ROWS = 64
"""Rows of a matrix whose cosines are compared."""
HEAD_ROWS, FEW_HEAD_ROWS = 12, 8
"""The same of each head, where heads may stand in another order; fewer where they are many or
rows are wide."""
MAX_BYTES = 3 << 20
"""Most bytes a side of all of it."""
MAX_HEAD_BYTES = 2 << 20
"""Most bytes a side of the test by heads, which needs all of them."""
FEW_ROWS = 16
"""Least rows of a layer where every layer is held against every other."""
ROLES = ("v", "gate", "up")
LAYERS = 4
MIN_ROWS = 12
ALIKE = 1e-9
"""Spread of cosines that is rounding; of random rows a million wide it is a thousandth."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Shape:
    rows: int
    row_bytes: int


@dataclass(frozen=True, slots=True)
class _Heads:
    """So many rows of each of so many heads, of so many rows in all."""

    count: int
    width: int
    rows: int
    bytes: int


def compare_grams(child: Weights, parent: Weights, draw: Draw) -> GramTest | None:
    """Compare drawn layers of like number; of unequal depths every layer with every other."""
    if child.depth == parent.depth:
        return gram_test(child, parent, draw, [(at, at) for at in draw.spread(child.depth, LAYERS,
                                                                             "gram")])  # fmt: skip
    return gram_test_everywhere(child, parent, draw) if child.depth and parent.depth else None


def gram_test(
    child: Weights, parent: Weights, draw: Draw, layers: list[tuple[int, int]]
) -> GramTest | None:
    """Compare rows of like number in drawn (child, parent) layers; then heads with all heads.

    z is that of the best of three: v alone, which a new order of neurons leaves as it is, all
    matrices, and v head by head; corrected for the trials. None where no matrix has the same
    number of rows on both sides.
    """
    scores: dict[str, list[float]] = {}
    heads = next(((*pair, plan) for pair in layers if (plan := _plan_heads(child, parent, *pair))),
                 None)  # fmt: skip
    left = MAX_BYTES - (heads[2].bytes if heads is not None else 0)
    for own, other in layers:
        for role in ROLES:
            shape = _shape(child, parent, role, own, other)
            if shape is None:
                continue
            # Of the first matrix as many rows are read as fit.
            count = ROWS if scores else min(ROWS, left // shape.row_bytes)
            if count < MIN_ROWS or count * shape.row_bytes > left:
                continue
            left -= count * shape.row_bytes
            rows = draw_rows(draw, role, own, shape.rows, count)
            found = compare_rows(child, parent, role, (own, other), rows)
            if found is not None:
                scores.setdefault(role, []).append(found)
    trials = [_sum(scores.get("v", [])), _sum([one for own in scores.values() for one in own])]
    by_heads = _match_heads(child, parent, draw, *heads) if heads is not None else None
    made = [z for z in (*trials, by_heads) if z is not None]
    if not made:
        return None
    z, p = correct_for_trials(log10_upper_tail(max(made)), len(made))
    matrices = sum(len(own) for own in scores.values())
    return GramTest(z=z, log10_p=p, matrices=matrices, values=bool(scores.get("v")))


def gram_test_everywhere(child: Weights, parent: Weights, draw: Draw) -> GramTest | None:
    """Hold v of every layer of the child against v of every one of the parent's.

    For unequal depths; z is that of the best pair, corrected for their number. None where rows
    differ, or where so many layers do not fit into the byte limit.
    """
    shapes = [_shape(child, parent, "v", own, 0) for own in range(child.depth)]
    shapes += [_shape(child, parent, "v", 0, other) for other in range(parent.depth)]
    sizes = {shape.rows for shape in shapes if shape is not None}
    if len(sizes) != 1 or None in shapes:
        return None
    row_bytes = max(shape.row_bytes for shape in shapes if shape is not None)
    count = min(ROWS, MAX_BYTES // (max(child.depth, parent.depth) * row_bytes))
    if count < FEW_ROWS:
        return None
    rows = draw_rows(draw, "v", 0, sizes.pop(), count)
    sides = [
        [_gram(side, "v", layer, rows) for layer in range(side.depth)] for side in (child, parent)
    ]
    scores = {
        (own, other): gram_z(x, y)
        for own, x in enumerate(sides[0])
        for other, y in enumerate(sides[1])
        if x is not None and y is not None
    }
    if len(scores) < len(sides[0]) * len(sides[1]):
        return None
    z, p = correct_for_trials(log10_upper_tail(max(scores.values())), len(scores))
    best = sorted(scores, key=lambda pair: -scores[pair])
    nearest: dict[int, tuple[int, int]] = {}
    for pair in best:
        nearest.setdefault(pair[child.depth > parent.depth], pair)
    pairs = tuple(nearest[layer] for layer in sorted(nearest))
    return GramTest(z=z, log10_p=p, matrices=len(shapes), values=True, pairs=pairs)


def centre(gram: Matrix) -> Matrix:
    """Return the U-centred matrix: rows, columns and diagonal sum to nothing."""
    n = len(gram)
    off = gram * (1 - np.eye(n))
    sums = off.sum(axis=1)
    found = (
        off - sums[:, None] / (n - 2) - sums[None, :] / (n - 2) + sums.sum() / ((n - 1) * (n - 2))
    )
    np.fill_diagonal(found, 0.0)
    centred: Matrix = found
    return centred


def gram_z(a: Matrix, b: Matrix) -> float:
    """Return z of the agreement of two Gram matrices of n rows."""
    x, y = centre(a), centre(b)
    sizes = float(np.linalg.norm(x) * np.linalg.norm(y))
    pairs = len(a) * (len(a) - 3) / 2
    return float(np.vdot(x, y)) / sizes * sqrt(pairs - 1) if sizes > 0 else 0.0


def _sum(scores: list[float]) -> float | None:
    return sum(scores) / sqrt(len(scores)) if scores else None


def _shape(child: Weights, parent: Weights, role: str, own: int, other: int) -> _Shape | None:
    try:
        mine, theirs = find_view(child, role, own), find_view(parent, role, other)
    except UnreadableWeightError:
        return None
    for view, side in ((mine, child), (theirs, parent)):
        if view.form.fast == "rows" and side.source.kind == "hub":
            return None  # a request a column
    if mine.rows != theirs.rows or mine.rows < MIN_ROWS:
        return None
    return _Shape(mine.rows, max(mine.row_bytes, theirs.row_bytes))


def score_layers(
    child: Weights, parent: Weights, draw: Draw, role: str, pairs: Sequence[tuple[int, int]]
) -> list[float]:
    """Return z of `role` in each pair of layers, of rows other than the test's own; none where
    rows differ in number or fewer than `MIN_ROWS` of each fit into a third of the byte limit.
    """
    found = []
    for own, other in pairs:
        shape = _shape(child, parent, role, own, other)
        if shape is None:
            continue
        count = min(ROWS, MAX_BYTES // (len(ROLES) * len(pairs) * shape.row_bytes))
        if count >= MIN_ROWS:
            start = draw.number(max(1, shape.rows - count + 1), "pieces", role, own)
            rows = tuple(range(start, min(shape.rows, start + count)))
            score = compare_rows(child, parent, role, (own, other), rows)
            found += [score] if score is not None else []
    return found


def score_heads(
    child: Weights, parent: Weights, draw: Draw, pairs: Sequence[tuple[int, int]]
) -> list[float]:
    """Return z of v head by head, of any order, in each pair of layers where that can be had."""
    plans = [(pair, _plan_heads(child, parent, *pair)) for pair in pairs]
    found = [_match_heads(child, parent, draw, *pair, plan) for pair, plan in plans if plan]
    return [score for score in found if score is not None]


def compare_rows(
    child: Weights, parent: Weights, role: str, layers: tuple[int, int], rows: tuple[int, ...]
) -> float | None:
    """Return z of the same rows of a matrix in a layer of each; None where they cannot be read."""
    grams = [_gram(child, role, layers[0], rows), _gram(parent, role, layers[1], rows)]
    if grams[0] is None or grams[1] is None:
        return None
    return gram_z(grams[0], grams[1])


def _plan_heads(child: Weights, parent: Weights, own: int, other: int) -> _Heads | None:
    """Return what is read of the heads of v; None where they are not told apart, or do not fit."""
    shape = _shape(child, parent, "v", own, other)
    heads = count_heads(child), count_heads(parent)
    if shape is None or not heads[0] or heads[0] != heads[1] or shape.rows % heads[0]:
        return None
    count, width = heads[0], shape.rows // heads[0]
    for rows in (HEAD_ROWS, FEW_HEAD_ROWS):
        if count >= 2 and width >= rows and count * rows * shape.row_bytes <= MAX_HEAD_BYTES:
            return _Heads(count, width, rows, count * rows * shape.row_bytes)
    return None


def _match_heads(
    child: Weights, parent: Weights, draw: Draw, own: int, other: int, heads: _Heads
) -> float | None:
    """Return z of heads held against the heads most like them, corrected for the choice."""
    start = draw.number(heads.width - heads.rows + 1, "heads", own)
    rows = tuple(
        head * heads.width + start + at for head in range(heads.count) for at in range(heads.rows)
    )
    mine, theirs = _gram(child, "v", own, rows), _gram(parent, "v", other, rows)
    if mine is None or theirs is None:
        return None
    best = [
        max(gram_z(one, two) for two in _cut(theirs, heads.rows)) for one in _cut(mine, heads.rows)
    ]
    return _sum([correct_for_trials(log10_upper_tail(z), heads.count)[0] for z in best])


def _cut(gram: Matrix, rows: int) -> list[Matrix]:
    """Return the Gram matrix of each head."""
    return [gram[at : at + rows, at : at + rows] for at in range(0, len(gram), rows)]


def _gram(weights: Weights, role: str, layer: int, rows: tuple[int, ...]) -> Matrix | None:
    scaled = read_scaled(weights, role, layer, rows)
    if scaled is None:
        return None
    found: Matrix = scaled @ scaled.T
    # Rows that are all alike (constant, or nothing but zeros) say nothing of how they lie.
    return found if np.ptp(found[~np.eye(len(found), dtype=bool)]) > ALIKE else None


def read_scaled(weights: Weights, role: str, layer: int, rows: tuple[int, ...]) -> Matrix | None:
    """Return rows of v, gate or up with the norm before them folded in, each of length one."""
    assert weights.hidden is not None  # noqa: S101 - views are as wide
    try:
        width = find_view(weights, role, layer).columns
    except UnreadableWeightError:
        return None
    window = Window(role, layer, rows, (0, width))
    values = read_windows(weights, [window]).get(window)
    if values is None or not np.isfinite(values).all():
        return None
    norm = attention_norm(weights, layer) if role == "v" else feed_forward_norm(weights, layer)
    gamma = read_gamma(weights, layer, norm)
    scaled = values.astype(np.float64) * (1.0 if gamma is None else gamma)
    sizes = np.linalg.norm(scaled, axis=1, keepdims=True)
    found: Matrix = scaled / np.where(sizes > 0, sizes, 1.0)
    return found
