"""Token probes: what feed-forward neurons answer to the embeddings of shared tokens.

Answers do not change when the hidden axis is rotated or permuted, norms are folded into the next
matrix, or a neuron is scaled; so relatives in disguise are found without any alignment.

Two tests. `ordered`: neuron i answers like neuron i; under independent initialisation the order
of neurons is exchangeable, so the null is exact as in the column test. `match`: neurons are
assigned by their gate answers and again by their up answers; relatives get twice the same
assignment (after MATCH of Zhu et al., arXiv 2502.12292, on weights instead of activations). Its
null is measured, not exact: networks trained on one text share some answers, which makes their two
assignments agree a little. `SHARED_ANSWERS` is taken off for that, so that p errs on the safe side.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from famtree.packings.floats import SIZES
from famtree.packings.stored import UnreadableWeightError
from famtree.weights import thresholds as limit
from famtree.weights.assignment import assign
from famtree.weights.normal_tail import log10_upper_tail
from famtree.weights.places import draw_rows
from famtree.weights.read import Window, read_gamma, read_windows
from famtree.weights.results import ProbeTest
from famtree.weights.roles import feed_forward_norm, find_view
from famtree.weights.tokens import shared_rows

if TYPE_CHECKING:
    from famtree.weights.draw import Draw
    from famtree.weights.open import Weights

TOKENS = 192
NEURONS, FEW_NEURONS = 64, 16
"""Most neurons of the ordered test a layer, and least where rows are wide or layers many."""
ASSIGNED = 128
"""Most neurons of the child that are assigned, a layer."""
LAYERS = 4
MAX_BYTES = 4 << 20
"""Most bytes a side of whole feed-forward layers, over all that are tried."""
MAX_TOKEN_BYTES = 3 << 19
MAX_ORDERED_BYTES = 2 << 20
"""Most bytes a side of embedding rows, and of neurons in their order."""
MATCHED_LAYERS = 4

Answers = NDArray[np.float64]
"""Neurons x tokens; rows centred and of length one."""
Pair = tuple[int, int]


@dataclass(slots=True)
class Probe:
    """Both sides' embeddings of the shared tokens, ready to be answered."""

    child: Weights
    parent: Weights
    draw: Draw
    tokens: list[Pair]
    child_embedding: NDArray[np.float64]
    parent_embedding: NDArray[np.float64]

    def answer(
        self, layer: int, role: str, rows: tuple[int, ...], *, child: bool
    ) -> Answers | None:
        """Return the answers of some neurons of a layer; None where they cannot be read."""
        weights = self.child if child else self.parent
        embedding = self.child_embedding if child else self.parent_embedding
        if weights.hidden is None:
            return None
        window = Window(role, layer, rows, (0, weights.hidden))
        matrix = read_windows(weights, [window]).get(window)
        if matrix is None:
            return None
        answers = matrix.astype(np.float64) @ (embedding * _scale(weights, layer)).T
        return _normalise(answers)

    def answer_written(self, layer: int, neurons: int, *, child: bool) -> Answers | None:
        """Return how what the first `neurons` write lies to the tokens' embeddings."""
        weights = self.child if child else self.parent
        embedding = self.child_embedding if child else self.parent_embedding
        if weights.hidden is None:
            return None
        window = Window("down", layer, tuple(range(weights.hidden)), (0, neurons))
        matrix = read_windows(weights, [window]).get(window)
        return None if matrix is None else _normalise((embedding @ matrix.astype(np.float64)).T)

    @property
    def only_began_alike(self) -> bool:
        """Whether dependent models disagree on which tokens lie near each other.

        Training soon settles that; descendants keep it through all disguises, and two trainings
        from one initialisation find their own.
        """
        return self.gram_correlation() < limit.SHARED_INIT_GRAM

    def gram_correlation(self) -> float:
        """Return how alike tokens lie to each other on both sides, -1 to 1.

        No evidence of descent: models that share training text agree in this (.98 of two
        initialisations on one text). Its absence speaks against it.
        """
        upper = np.triu_indices(len(self.tokens), 1)
        left, right = (_cosines(e)[upper] for e in (self.child_embedding, self.parent_embedding))
        return float(np.corrcoef(left, right)[0, 1])


def prepare_probe(child: Weights, parent: Weights, draw: Draw) -> Probe | None:
    """Read the embeddings of shared tokens; None where that cannot be done."""
    if child.hidden is None or parent.hidden is None:
        return None
    fitting = MAX_TOKEN_BYTES // max(
        measure_row(child, "embedding"), measure_row(parent, "embedding")
    )
    tokens = shared_rows(child, parent, max(TOKENS // 4, min(TOKENS, fitting)), draw)
    if len(tokens) < TOKENS // 4:
        return None
    found = []
    for weights, side in ((child, 0), (parent, 1)):
        assert weights.hidden is not None  # noqa: S101 - checked above
        window = Window("embedding", 0, tuple(pair[side] for pair in tokens), (0, weights.hidden))
        rows = read_windows(weights, [window]).get(window)
        # Of rows that are all alike none lies nearer to another.
        if rows is None or not np.isfinite(rows).all() or (rows == rows[0]).all():
            return None
        centred = rows.astype(np.float64)
        found.append(centred - centred.mean(axis=0))
    return Probe(child, parent, draw, tokens, found[0], found[1])


def ordered_test(probe: Probe, pairs: list[Pair], neurons: int = NEURONS) -> ProbeTest | None:
    """Compare neuron i with neuron i in each (child layer, parent layer); z summed over layers."""
    scores: list[tuple[int, float]] = []
    for child_layer, parent_layer in pairs:
        rows = _draw_neurons(probe, child_layer, parent_layer, neurons)
        for role in ("gate", "up") if rows else ():
            a = probe.answer(child_layer, role, rows, child=True)
            b = probe.answer(parent_layer, role, rows, child=False)
            if a is not None and b is not None:
                scores.append((child_layer, _order_z(a, b)))
    return _summary("ordered", scores, len(pairs), neurons, len(probe.tokens))


def match_test(probe: Probe, pairs: list[Pair]) -> ProbeTest | None:
    """Assign neurons by gate and by up answers in each pair of layers, and compare.

    All neurons of the parent's layer are read: a permutation may put any of them anywhere.
    """
    scores: list[tuple[int, float]] = []
    neurons = 0
    for child_layer, parent_layer in pairs:
        found = _match_layer(probe, child_layer, parent_layer)
        if found is not None:
            scores.append((child_layer, found[0]))
            neurons = max(neurons, found[1])
    return _summary("match", scores, len(scores), neurons, len(probe.tokens))


def match_bytes(weights: Weights, layer: int) -> int | None:
    """Return about how many bytes both feed-forward input matrices of a layer take."""
    try:
        views = [find_view(weights, role, layer) for role in _two_sides(weights, layer)]
    except UnreadableWeightError:
        return None
    return sum(view.rows * view.columns * SIZES.get(view.form.kind, 1) for view in views)


def _two_sides(weights: Weights, layer: int) -> tuple[str, str]:
    """Return the two matrices that both know a neuron: gate and up, or up and down without gate."""
    try:
        find_view(weights, "gate", layer)
    except UnreadableWeightError:
        return "up", "down"
    return "gate", "up"


def measure_row(weights: Weights, role: str) -> int:
    """Return about how many bytes a row of a role takes, of one layer for all."""
    try:
        return find_view(weights, role, 0).row_bytes
    except UnreadableWeightError:
        return 2 * (weights.hidden or 1)


def neuron_bytes(probe: Probe) -> int:
    """Return how many bytes one neuron of the ordered test takes, of the costlier side."""
    return 2 * max(measure_row(side, "up") for side in (probe.child, probe.parent))


def choose_layers(probe: Probe) -> list[int]:
    """Return the layers of the child that a probe looks at, as many as the byte limit allows."""
    fitting = MAX_ORDERED_BYTES // (NEURONS * neuron_bytes(probe))
    return probe.draw.spread(probe.child.depth, max(1, min(LAYERS, fitting)), "probe")


def _draw_neurons(
    probe: Probe, child_layer: int, parent_layer: int, neurons: int
) -> tuple[int, ...]:
    try:
        rows = min(find_view(probe.child, "up", child_layer).rows,
                   find_view(probe.parent, "up", parent_layer).rows)  # fmt: skip
    except UnreadableWeightError:
        return ()
    return draw_rows(probe.draw, "up", child_layer, rows, neurons)


def _match_layer(probe: Probe, child_layer: int, parent_layer: int) -> tuple[float, int] | None:
    sides = _two_sides(probe.child, child_layer)
    if sides != _two_sides(probe.parent, parent_layer):
        return None
    try:
        ours = find_view(probe.child, "up", child_layer).rows
        theirs = find_view(probe.parent, "up", parent_layer).rows
    except UnreadableWeightError:
        return None
    count = min(ours, theirs, ASSIGNED)
    assigned = []
    for role in sides:
        if role == "down":
            a = probe.answer_written(child_layer, count, child=True)
            b = probe.answer_written(parent_layer, theirs, child=False)
        else:
            a = probe.answer(child_layer, role, tuple(range(count)), child=True)
            b = probe.answer(parent_layer, role, tuple(range(theirs)), child=False)
        if a is None or b is None:
            return None
        assigned.append(assign(a @ b.T))
    beyond = _rank_correlation(*assigned) - limit.SHARED_ANSWERS
    return beyond * sqrt(count - 1), count


def _normalise(answers: NDArray[np.float64]) -> Answers:
    answers = answers - answers.mean(axis=1, keepdims=True)
    scaled: Answers = answers / (np.linalg.norm(answers, axis=1, keepdims=True) + 1e-30)
    return scaled


def _order_z(a: Answers, b: Answers) -> float:
    """Return z of the matched sum over permutations of neurons (Hoeffding 1951)."""
    products = a @ b.T
    n = len(products)
    centred = (
        products - products.mean(axis=0) - products.mean(axis=1, keepdims=True) + products.mean()
    )
    spread = sqrt(float((centred**2).sum()) / (n - 1))
    return float(np.trace(centred)) / spread if spread > 0 else 0.0


def _rank_correlation(a: NDArray[np.intp], b: NDArray[np.intp]) -> float:
    """Return Spearman's coefficient; an assignment has no ties."""
    left, right = (np.argsort(np.argsort(side)).astype(float) for side in (a, b))
    return float(np.corrcoef(left, right)[0, 1])


def _summary(
    kind: str, scores: list[tuple[int, float]], layers: int, neurons: int, tokens: int
) -> ProbeTest | None:
    if not scores or not np.isfinite(scores).all():
        return None
    z = sum(one for _, one in scores) / sqrt(len(scores))
    return ProbeTest(
        kind="match" if kind == "match" else "ordered",
        z=z,
        log10_p=log10_upper_tail(z),
        layers=layers,
        neurons=neurons,
        tokens=tokens,
        scores=tuple(scores),
    )


def _scale(weights: Weights, layer: int) -> NDArray[np.float64] | float:
    """Return the weights of the norm before the feed-forward part; 1 where there is none."""
    found = read_gamma(weights, layer, feed_forward_norm(weights, layer))
    return 1.0 if found is None else found


def _cosines(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-30)
    product: NDArray[np.float64] = scaled @ scaled.T
    return product
