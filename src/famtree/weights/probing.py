"""Which layers a token probe compares, and when it may read all of a layer's neurons."""

from __future__ import annotations

from dataclasses import replace

from famtree.weights import thresholds as limit
from famtree.weights.normal_tail import correct_for_trials
from famtree.weights.results import ProbeTest
from famtree.weights.token_probe import (
    MATCHED_LAYERS,
    MAX_BYTES,
    Pair,
    Probe,
    choose_layers,
    match_bytes,
    match_test,
    ordered_test,
)

MAX_PAIRS = 64
"""Most pairs of layers that are tried where depths differ."""


def probe_pair(probe: Probe) -> ProbeTest | None:
    """Return the better of the ordered and the assigned test.

    Equal depths compare like-numbered layers. Unequal ones try every pair of few child layers
    and all parent layers, one at a time. z and p of the best are corrected for all trials, those
    of the two kinds included.
    """
    child, parent = probe.child, probe.parent
    layers = choose_layers(probe)
    if child.depth == parent.depth:
        trials = [[(layer, layer) for layer in layers]]
    else:
        few = layers[: max(1, MAX_PAIRS // max(parent.depth, 1))]
        trials = [[(own, other)] for own in few for other in range(parent.depth)][:MAX_PAIRS]
    best = _best([ordered_test(probe, pairs) for pairs in trials])
    if best is not None and best.z > limit.DEPENDENT_Z:
        return best
    matched = _best([match_test(probe, affordable(probe, pairs)) for pairs in trials])
    return _best([best, matched])


def affordable(probe: Probe, pairs: list[Pair]) -> list[Pair]:
    """Return the first of `pairs` whose whole layers fit into the byte limit of both sides."""
    found, spent = [], [0, 0]
    for pair in pairs[:MATCHED_LAYERS]:
        costs = [match_bytes(probe.child, pair[0]), match_bytes(probe.parent, pair[1])]
        if costs[0] is None or costs[1] is None:
            continue
        # Of the child only so many neurons are read.
        spent[1] += costs[1]
        if spent[1] > MAX_BYTES:
            break
        found.append(pair)
    return found


def covers_neurons(probe: Probe) -> bool:
    """Return whether all neurons of some layer fit into the byte limit, so that any order is seen.

    Of unequal depths every pair of layers was tried.
    """
    return bool(affordable(probe, [(layer, layer) for layer in choose_layers(probe)
                                   if layer < probe.parent.depth]))  # fmt: skip


def _best(tests: list[ProbeTest | None]) -> ProbeTest | None:
    made = [test for test in tests if test is not None]
    if not made:
        return None
    best = max(made, key=lambda test: test.z)
    z, p = correct_for_trials(best.log10_p, len(made))
    return replace(best, z=z, log10_p=p)
