"""Which layers a token probe compares, and when it may read all of a layer's neurons."""

from __future__ import annotations

from dataclasses import replace

from famtree.weights import thresholds as limit
from famtree.weights.normal_tail import correct_for_trials
from famtree.weights.results import ProbeTest
from famtree.weights.token_probe import (
    FEW_NEURONS,
    MATCHED_LAYERS,
    MAX_BYTES,
    MAX_ORDERED_BYTES,
    NEURONS,
    Pair,
    Probe,
    choose_layers,
    match_bytes,
    match_test,
    neuron_bytes,
    ordered_test,
)

MAX_PAIRS = 64
"""Most pairs of layers that are tried where depths differ."""


def probe_pair(probe: Probe) -> ProbeTest | None:
    """Return the better of the ordered and the assigned test.

    Equal depths compare like-numbered layers. Unequal ones try pairs of few child layers and
    parent layers, one at a time: all of the parent's, or as many of those nearest in depth as the
    byte limit allows. z and p of the best are corrected for all trials, those of the two kinds
    included.
    """
    layers = choose_layers(probe)
    even = probe.child.depth == probe.parent.depth
    pairs = [(layer, layer) for layer in layers] if even else _list_near(probe, layers)
    pairs, neurons = _fit_neurons(probe, pairs)
    trials = [pairs] if even else [[pair] for pair in pairs]
    best = _best([ordered_test(probe, some, neurons) for some in trials])
    if best is not None and best.z > limit.DEPENDENT_Z:
        return best
    whole = affordable(probe, pairs, most=MATCHED_LAYERS if even else MAX_PAIRS)
    trials = [whole] if even else [[pair] for pair in whole]
    return _best([best, _best([match_test(probe, some) for some in trials])])


def _list_near(probe: Probe, layers: list[int]) -> list[Pair]:
    """Return pairs of few layers of the child and layers of the parent, nearest in depth first."""
    child, parent = probe.child, probe.parent
    few = layers[: max(1, MAX_PAIRS // max(parent.depth, 1))]
    pairs = [(own, other) for own in few for other in range(parent.depth)]
    return sorted(pairs, key=lambda one: abs(one[0] / child.depth - one[1] / parent.depth))[
        :MAX_PAIRS
    ]


def _fit_neurons(probe: Probe, pairs: list[Pair]) -> tuple[list[Pair], int]:
    """Return those pairs, and so many neurons of each, as the byte limit allows."""
    size = neuron_bytes(probe)
    others = len({other for _, other in pairs})
    neurons = max(FEW_NEURONS, min(NEURONS, MAX_ORDERED_BYTES // (size * max(others, 1))))
    within = max(1, MAX_ORDERED_BYTES // (size * neurons))
    return (pairs if others <= within else pairs[:within]), neurons


def affordable(probe: Probe, pairs: list[Pair], most: int = MATCHED_LAYERS) -> list[Pair]:
    """Return the first of `pairs` whose whole layers fit into the byte limit of both sides."""
    found: list[Pair] = []
    read: dict[int, int] = {}
    for pair in pairs[:most]:
        costs = [match_bytes(probe.child, pair[0]), match_bytes(probe.parent, pair[1])]
        if costs[0] is None or costs[1] is None:
            continue
        # Of the child only so many neurons are read.
        if sum((read | {pair[1]: costs[1]}).values()) > MAX_BYTES:
            break
        read[pair[1]] = costs[1]
        found.append(pair)
    return found


def covers_neurons(probe: Probe) -> bool:
    """Return whether all neurons of some layer fit into the byte limit, so that any order is seen.

    Of unequal depths all layers of the parent have to.
    """
    layers = choose_layers(probe)
    if probe.child.depth == probe.parent.depth:
        return bool(affordable(probe, [(layer, layer) for layer in layers]))
    pairs = [(layers[0], other) for other in range(probe.parent.depth)][:MAX_PAIRS]
    return len(affordable(probe, pairs, MAX_PAIRS)) == probe.parent.depth


def _best(tests: list[ProbeTest | None]) -> ProbeTest | None:
    made = [test for test in tests if test is not None]
    if not made:
        return None
    best = max(made, key=lambda test: test.z)
    z, p = correct_for_trials(best.log10_p, len(made))
    nearest = dict(best.scores)
    if len(made) > 1 and all(len({layer for layer, _ in one.scores}) == 1 for one in made):
        # Trials of single pairs of layers: what is told of a layer is its best partner.
        for test in sorted(made, key=lambda test: test.z):
            nearest[test.scores[0][0]] = test.z
        best = replace(best, scores=tuple(nearest.items()))
    return replace(best, z=z, log10_p=p)
