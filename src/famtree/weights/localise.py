"""Which layer came from which, when depths differ: cut, stacked or spliced models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from famtree.packings.stored import UnreadableWeightError
from famtree.weights import thresholds as limit
from famtree.weights.column_alignment import column_test, standardise_all
from famtree.weights.normal_tail import correct_for_trials, log10_upper_tail
from famtree.weights.plan import (
    LOCATING_ROLES,
    PLANNED_ROWS,
    WIDTH,
    block_windows,
    choose_columns,
)
from famtree.weights.read import Window, read_windows
from famtree.weights.results import ColumnTest, LayerLink
from famtree.weights.roles import INPUT_ROLES, find_view

if TYPE_CHECKING:
    from famtree.weights.draw import Draw
    from famtree.weights.open import Weights

EQUAL_COPIES = 0.9
"""Of the best z: layers of a stack that were copied from one layer differ by their training alone,
other layers have z near 0."""
LOCATED_ROLES = 3
"""Matrices of a layer that are drawn to recognise it by."""


def locate_layers(
    child: Weights,
    parent: Weights,
    draw: Draw,
    columns: tuple[int, int],
    wanted: Sequence[int] | None = None,
) -> tuple[tuple[LayerLink, ...], ColumnTest | None]:
    """Find each of the child's `wanted` layers (all without) among all layers of the parent.

    One drawn window a role and layer is read. The decision is that of single pairs of layers, never
    of a sum over chosen ones: choosing the best of many and adding up would make chance look like
    descent. A layer is linked when its best z, corrected for all pairs tried, passes `DEPENDENT_Z`;
    the test returned is the strongest, corrected in the same way.
    """
    layers = list(range(child.depth)) if wanted is None else list(wanted)
    roles = draw.choose(locating_roles(child, parent, roles=INPUT_ROLES), LOCATED_ROLES, "locate")
    # Narrow models give few elements a row, so more rows are read of them.
    count = 1 if columns[1] - columns[0] >= WIDTH else 4
    rows = {
        role: [draw.number(PLANNED_ROWS, "locate", role, one) for one in range(count)]
        for role in roles
    }
    ours = _stack_layers(child, layers, rows, columns)
    theirs = _stack_layers(parent, list(range(parent.depth)), rows, columns)
    if not ours or not theirs:
        return (), None
    scores = _score(ours, theirs)
    trials = scores.size
    links: list[LayerLink] = []
    for own, line in zip(ours, scores, strict=True):
        best = int(line.argmax())
        corrected, _ = correct_for_trials(log10_upper_tail(float(line[best])), trials)
        passed = corrected > limit.DEPENDENT_Z
        links.append(LayerLink(own, list(theirs)[best] if passed else None, float(line[best])))
    own, other = (int(at) for at in np.unravel_index(scores.argmax(), scores.shape))
    test = column_test(list(ours.values())[own], list(theirs.values())[other])
    if test is not None:
        z, p = correct_for_trials(test.log10_p, trials)
        test = replace(test, z=z, log10_p=p)
    return tuple(links), test


def _stack_layers(
    weights: Weights, layers: list[int], rows: Mapping[str, list[int]], columns: tuple[int, int]
) -> dict[int, NDArray[np.float32]]:
    """Return the rows of each layer that has them all."""
    windows = {
        layer: [Window(role, layer, (row,), columns) for role in rows for row in rows[role]]
        for layer in layers
    }
    values = read_windows(weights, [one for own in windows.values() for one in own])
    return {
        layer: np.vstack([values[one] for one in own])
        for layer, own in windows.items()
        if own and all(one in values for one in own)
    }


def _score(
    ours: Mapping[int, NDArray[np.float32]], theirs: Mapping[int, NDArray[np.float32]]
) -> NDArray[np.float64]:
    """Return z of the column test of every layer with every other, 0 where a row is constant."""
    left, right = (standardise_all(np.stack(list(side.values()))) for side in (ours, theirs))
    totals = np.einsum("arc,brc->ab", left, right, optimize=True)
    grams = [np.einsum("arc,asc->ars", side, side, optimize=True) for side in (left, right)]
    variances = np.einsum("ars,brs->ab", *grams, optimize=True) / (left.shape[2] - 1)
    found: NDArray[np.float64] = totals / np.sqrt(np.where(variances > 0, variances, np.inf))
    return found


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


def locating_roles(*sides: Weights, roles: Sequence[str] = LOCATING_ROLES) -> list[str]:
    """Return those of `roles` whose matrix has all rows of the plan, on every side."""
    return [
        role
        for role in roles
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
        best = max(tests.values(), default=0.0)
        if best > limit.DEPENDENT_Z:
            # The first of equal copies: of a stack and what is made from it the same one.
            found[layer] = min(own for own, z in tests.items() if z >= EQUAL_COPIES * best)
    return found
