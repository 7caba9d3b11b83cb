"""Which layer came from which, when depths differ: cut, stacked or spliced models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from famtree.packings.stored import UnreadableWeightError
from famtree.weights import thresholds as limit
from famtree.weights.column_alignment import column_test
from famtree.weights.normal_tail import correct_for_trials
from famtree.weights.plan import (
    LOCATING_ROLES,
    PLANNED_ROWS,
    WIDTH,
    block_windows,
    choose_columns,
    spread_layers,
)
from famtree.weights.read import read_windows
from famtree.weights.results import ColumnTest, LayerLink
from famtree.weights.roles import find_view

if TYPE_CHECKING:
    from famtree.weights.open import Weights


def locate_layers(
    child: Weights, parent: Weights, columns: tuple[int, int]
) -> tuple[tuple[LayerLink, ...], ColumnTest | None]:
    """Find each sampled child layer among all parent layers, and return the strongest test.

    One window a role and layer is read. The decision is that of single pairs of layers, never of
    a sum over chosen ones: choosing the best of many and adding up would make chance look like
    descent. A layer is linked when its best z passes `DEPENDENT_Z`; the test returned is corrected
    for the number of pairs tried.
    """
    sides = (child, spread_layers(child.depth)), (parent, list(range(parent.depth)))
    roles = locating_roles(child, parent)
    ours, theirs = (read_layers(side, layers, columns, roles) for side, layers in sides)
    links: list[LayerLink] = []
    strongest: ColumnTest | None = None
    for layer, own in ours.items():
        tests = {
            other: found
            for other, values in theirs.items()
            if (found := column_test(own, values)) is not None
        }
        if not tests:
            continue
        best = max(tests, key=lambda other: tests[other].z)
        passed = tests[best].z > limit.DEPENDENT_Z
        links.append(LayerLink(layer, best if passed else None, tests[best].z))
        if strongest is None or tests[best].z > strongest.z:
            strongest = tests[best]
    if strongest is not None:
        z, p = correct_for_trials(strongest.log10_p, len(ours) * len(theirs))
        strongest = replace(strongest, z=z, log10_p=p)
    return tuple(links), strongest


def read_layers(
    weights: Weights,
    layers: list[int],
    columns: tuple[int, int],
    roles: Sequence[str],
) -> dict[int, NDArray[np.float32]]:
    """Return the sampled rows of each layer that has them all."""
    # Narrow models give few elements a row, so more rows are read of them.
    draws = range(1 if columns[1] - columns[0] >= WIDTH else 4)
    windows = block_windows(layers, columns, draws=draws, roles=roles)
    values = read_windows(weights, windows)
    found = {}
    for layer in layers:
        own = [values[window] for window in windows if window.layer == layer and window in values]
        if own and len(own) == len(roles) * len(draws):
            found[layer] = np.vstack(own)
    return found


def locating_roles(*sides: Weights) -> list[str]:
    """Return those of `LOCATING_ROLES` whose matrix has all rows of the plan, on every side."""
    return [
        role
        for role in LOCATING_ROLES
        if all(_count_rows(weights, role) >= PLANNED_ROWS for weights in sides)
    ]


def _count_rows(weights: Weights, role: str) -> int:
    """Return the rows of `role` in the first layer, 0 where it has none."""
    try:
        return find_view(weights, role, 0).rows
    except UnreadableWeightError:
        return 0


def match_layers(child: Weights, parent: Weights, wanted: Sequence[int]) -> dict[int, int]:
    """Return, for each of the parent's `wanted` layers, the layer of `child` that is most like it.

    The numbers themselves where depths agree; else only layers that pass `DEPENDENT_Z`.
    """
    if child.depth == parent.depth:
        return {layer: layer for layer in wanted}
    if child.hidden is None or child.hidden != parent.hidden:
        return {}
    columns = choose_columns(child.hidden)
    roles = locating_roles(child, parent)
    ours = read_layers(child, list(range(child.depth)), columns, roles)
    theirs = read_layers(parent, list(wanted), columns, roles)
    found = {}
    for layer, values in theirs.items():
        tests = {
            own: test.z
            for own, sample in ours.items()
            if (test := column_test(sample, values)) is not None
        }
        best = max(tests, key=lambda own: tests[own], default=None)
        if best is not None and tests[best] > limit.DEPENDENT_Z:
            found[layer] = best
    return found
