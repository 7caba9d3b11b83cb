"""Is a relative in disguise of one piece? Attention and feed-forward part, layer by layer.

The token probe and the row-Gram test add up what they see, so one matrix that was taken from a
parent and turned is dependence enough for them. Before that is called descent, v has to lie as the
parent's does in every layer that is looked at, and so have gate and up; where neurons stand in
another order some of them have to be found again.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from famtree.packings.stored import UnreadableWeightError
from famtree.weights import fit_thresholds as fit
from famtree.weights import thresholds as limit
from famtree.weights.normal_tail import correct_for_trials, log10_upper_tail
from famtree.weights.roles import count_heads, find_view
from famtree.weights.row_gram import (
    LAYERS,
    compare_grams,
    read_scaled,
    score_heads,
    score_layers,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from famtree.weights.draw import Draw
    from famtree.weights.open import Weights
    from famtree.weights.results import GramTest, ProbeTest

HEAD_LAYERS, NEURON_LAYERS = 2, 2
"""Layers in which heads and neurons are looked for in any order."""
NEURON_BYTES = 2 << 20
"""Most bytes a side of the neurons of a layer that are looked for."""
FOUND_AGAIN = 12
"""Neurons that two draws of a layer shall have in common, where so many can be read."""
FEWEST_AGAIN = 3
ANCHORS, HEAD_ANCHORS = 64, 32
"""Rows of v of a layer by which neurons are recognised, and of a head where those are to be told
apart as well."""

DISGUISED = {
    "probe": "neurons answer shared tokens alike: the same weights, permuted, rotated, scaled or "
    "cut",
    "gram": "rows lie to each other alike: the same weights, permuted or rotated",
}
Fit = Literal["whole", "some", "none", "unread"]
Pairs = list[tuple[int, int]]
Matrix = NDArray[np.float64]


def find_misfit(
    child: Weights,
    parent: Weights,
    draw: Draw,
    gram: GramTest | None,
    probe: ProbeTest | None,
) -> str | None:
    """Return what of two dependent ones was not seen to fit; None where all that was read does."""
    if child.depth == parent.depth:
        layers = draw.spread(child.depth, LAYERS, "pieces")
        pairs = [(layer, layer) for layer in layers]
    else:
        gram = gram if gram is not None else compare_grams(child, parent, draw)
        found = gram.pairs if gram is not None else ()
        pairs = [found[at] for at in draw.spread(len(found), LAYERS, "pieces")]
    values = weigh(score_layers(child, parent, draw, "v", pairs), len(pairs))
    heads = values == "none" and child.depth == parent.depth
    if heads:
        some = pairs[:HEAD_LAYERS]
        values = weigh(score_heads(child, parent, draw, some), len(some))
        values = "none" if values == "unread" else values
    neurons = _weigh_neurons(child, parent, draw, pairs, probe, heads)
    if values == "some" or neurons == "some":
        return "rows of some layers lie to each other as the parent's, those of others do not"
    if values == "none":
        return "the feed-forward part lies as the parent's, values of the attention do not"
    if neurons == "none":
        return "values of the attention lie as the parent's; the feed-forward part was not seen to"
    if pairs and "unread" in (values, neurons) and "whole" not in (values, neurons):
        return "what is alike could not be held against other parts"
    return None


def weigh(scores: Sequence[float], looked: int) -> Fit:
    """Return in how many of so many layers the z of one part each stand out."""
    if not scores:
        return "unread"
    if sum(scores) / sqrt(len(scores)) <= limit.DEPENDENT_Z:
        return "none"
    if min(scores) < fit.ODD_Z and max(scores) > fit.ODD_EXPECTED:
        return "some"
    return "some" if len(scores) == 1 < looked else "whole"


def _weigh_neurons(
    child: Weights,
    parent: Weights,
    draw: Draw,
    pairs: Pairs,
    probe: ProbeTest | None,
    heads: bool,
) -> Fit:
    """Return whether neurons are the parent's, by answers, by their order, or found again."""
    if probe is not None and probe.z > limit.DEPENDENT_Z and probe.scores:
        told = weigh([score for _, score in probe.scores], min(child.depth, parent.depth))
        return "some" if len({layer for layer, _ in probe.scores}) == 1 < child.depth else told
    scores = [
        score for role in ("gate", "up") for score in score_layers(child, parent, draw, role, pairs)
    ]
    found = weigh(scores, len(pairs))
    if found == "none":
        some = pairs[:NEURON_LAYERS]
        again = [find_neurons(child, parent, draw, pair, heads=heads) for pair in some]
        return weigh([score for score in again if score is not None] or scores, len(some))
    return found


def find_neurons(
    child: Weights, parent: Weights, draw: Draw, pair: tuple[int, int], *, heads: bool
) -> float | None:
    """Return z of neurons of one draw that another draw of the parent's layer has as well.

    What gate and up answer to rows of v does not change when the hidden axis is turned. Neurons
    are matched by gate, and the best few are held against each other by up. With `heads` the first
    head of the child is tried as every head of the parent, corrected for the trials.
    """
    try:
        views = [
            find_view(side, role, layer)
            for side, layer in zip((child, parent), pair, strict=True)
            for role in ("gate", "up")
        ]
        values = [find_view(child, "v", pair[0]).rows, find_view(parent, "v", pair[1]).rows]
    except UnreadableWeightError:
        return None
    rows, cost = min(view.rows for view in views), sum(view.row_bytes for view in views) / 2
    count = int(min(sqrt(FOUND_AGAIN * rows), NEURON_BYTES // cost, rows))
    likely = min(FOUND_AGAIN, count * count // rows)
    number = (count_heads(child) or 1) if heads else 1
    if likely < FEWEST_AGAIN or values[0] != values[1] or values[0] % number:
        return None
    width = values[0] // number
    anchors = min(width, HEAD_ANCHORS if heads else ANCHORS)
    ours = _answer(child, draw, pair[0], count, [tuple(range(anchors))])
    places = [tuple(range(head * width, head * width + anchors)) for head in range(number)]
    theirs = _answer(parent, draw, pair[1], count, places)
    if not ours or not theirs:
        return None
    best = max(_score(ours[0], other, max(FEWEST_AGAIN, likely // 2)) for other in theirs)
    return correct_for_trials(log10_upper_tail(best), len(theirs))[0]


def _answer(
    side: Weights, draw: Draw, layer: int, count: int, anchors: list[tuple[int, ...]]
) -> list[tuple[Matrix, Matrix]]:
    """Return what so many neurons answer by gate and by up to each set of rows of v."""
    start = draw.number(find_view(side, "up", layer).rows - count + 1, "again", layer)
    chosen = tuple(range(start, start + count))
    gate, up = (read_scaled(side, role, layer, chosen) for role in ("gate", "up"))
    values = [read_scaled(side, "v", layer, rows) for rows in anchors]
    if gate is None or up is None:
        return []
    return [(gate @ v.T, up @ v.T) for v in values if v is not None]


def _score(ours: tuple[Matrix, Matrix], theirs: tuple[Matrix, Matrix], most: int) -> float:
    by_gate, by_up = (_correlate(a, b) for a, b in zip(ours, theirs, strict=True))
    best = by_gate.argmax(axis=1)
    order = np.argsort(-by_gate[np.arange(len(best)), best])[:most]
    told = by_up[order, best[order]]
    return float((told - by_up.mean()).sum() / (by_up.std() + 1e-30) / sqrt(len(told)))


def _correlate(a: Matrix, b: Matrix) -> Matrix:
    sides = []
    for side in (a, b):
        rows = side - side.mean(axis=0)
        rows = rows - rows.mean(axis=1, keepdims=True)
        sides.append(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-30))
    product: Matrix = sides[0] @ sides[1].T
    return product
