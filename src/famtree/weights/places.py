"""The places at which two checkpoints are compared, drawn anew for every pair.

Every matrix of every layer can be drawn: q, k, v, o, gate, up and down, of experts each one. Rows
of what reads the residual stream share the hidden axis and drawn ranges of its columns, one in each
of its stretches; o and down have an axis of their own in every layer.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from famtree.packings.stored import UnreadableWeightError
from famtree.weights.plan import ALIGNMENT, NARROW_MATRICES, NARROW_ROWS, NARROW_WIDTH, WIDTH
from famtree.weights.read import Window, note_failure
from famtree.weights.roles import (
    INPUT_ROLES,
    OUTPUT_ROLES,
    View,
    count_experts,
    find_view,
    require_places,
    require_roles,
)

if TYPE_CHECKING:
    from famtree.weights.draw import Draw
    from famtree.weights.open import Weights

ROLES = (*INPUT_ROLES, *OUTPUT_ROLES)
LAYERS = 10
"""Most layers of a first look."""
WINDOWS = 30
"""Windows of a first look, 2 KB each; a model of few layers has at most one a matrix."""
MIN_ROLES = 3
HIDDEN_AXIS = "hidden"
STRETCHES = 4
"""Most stretches of the hidden axis, one of which every window lies in."""


@dataclass(frozen=True, slots=True)
class Place:
    """One window of the child and the one of the parent it is held against."""

    ours: Window
    theirs: Window
    axis: Hashable
    """Windows of one axis have their columns in one order."""
    paired: bool = True
    """Whether rows of one number belong together: both matrices have as many."""

    @property
    def role(self) -> str:
        """Return the role of the matrix."""
        return self.ours.role

    @property
    def layer(self) -> int:
        """Return the order number of the child's layer."""
        return self.ours.layer


def draw_columns(
    draw: Draw, width: int, wanted: int = WIDTH, *labels: str | int
) -> tuple[int, int]:
    """Return a range of `wanted` columns that begins where blocks of stored types do."""
    if width <= wanted:
        return 0, width
    starts = (width - wanted) // ALIGNMENT + 1
    start = draw.number(starts, "columns", *labels) * ALIGNMENT
    return start, start + wanted


def draw_stretch(draw: Draw, width: int, wanted: int, *labels: str | int) -> tuple[int, int]:
    """Return up to `wanted` columns of one of the equal stretches of an axis.

    One range for all windows could lie within columns that were copied, and a range of its own for
    each would leave no columns that windows share.
    """
    count = min(STRETCHES, -(-width // max(wanted, ALIGNMENT)), max(1, width // ALIGNMENT))
    place = draw.number(count, "stretch", *labels)
    low, high = (width * at // count // ALIGNMENT * ALIGNMENT for at in (place, place + 1))
    high = width if place == count - 1 else high
    first, last = draw_columns(draw, high - low, wanted, place)
    return low + first, low + last


def draw_layers(draw: Draw, depth: int) -> list[int]:
    """Return the layers of a first look."""
    return draw.spread(depth, LAYERS, "layers")


def draw_rows(draw: Draw, role: str, layer: int, rows: int, count: int) -> tuple[int, ...]:
    """Return `count` consecutive rows, of gate and up those of the same neurons."""
    named = "neurons" if role in ("gate", "up") else role
    start = draw.number(max(1, rows - count + 1), "rows", named, layer)
    return tuple(range(start, min(rows, start + count)))


def draw_places(
    draw: Draw,
    child: Weights,
    parent: Weights,
    layers: Sequence[tuple[int, int]],
    *,
    wave: int = 0,
) -> list[Place]:
    """Return places in each (layer of the child, layer of the parent), both of one width.

    Later waves draw other rows of every matrix of these layers. What a side holds and cannot be
    read is noted with it.
    """
    if not layers or child.hidden is None:
        return []
    for side, own in ((child, 0), (parent, 1)):
        require_roles(side, ROLES, [pair[own] for pair in layers])
    count = max(MIN_ROLES, -(-WINDOWS // len(layers))) if wave == 0 else len(ROLES)
    chosen: list[tuple[str, int, int, int, int]] = []
    for own, other in layers:
        numbers = {
            role: (count_experts(child, role, own), count_experts(parent, role, other))
            for role in ROLES
        }
        there = [role for role in ROLES if all(numbers[role])]
        for role in draw.choose(there, count, "roles", own, wave):
            mine, theirs = numbers[role]
            expert = draw.number(mine, "expert", role, own, wave)
            chosen.append((role, own, other, expert, expert if expert < theirs else 0))
    require_places(child, [(role, own, expert) for role, own, _, expert, _ in chosen])
    require_places(parent, [(role, other, expert) for role, _, other, _, expert in chosen])
    found = [place for one in chosen if (place := _draw_place(draw, child, parent, wave, *one))]
    whole = [place for place in found if len(place.ours.rows) == 1]
    # Where no row is contiguous a few columns of many rows of few matrices are read.
    return whole or _scatter(draw, found)


def _scatter(draw: Draw, places: list[Place]) -> list[Place]:
    ordered = sorted(places, key=lambda one: draw.number(1 << 62, "narrow", one.role, one.layer))
    return ordered[:NARROW_MATRICES]


def _draw_place(
    draw: Draw,
    child: Weights,
    parent: Weights,
    wave: int,
    role: str,
    own: int,
    other: int,
    expert: int,
    second: int,
) -> Place | None:
    mine, theirs = _find(child, role, own, expert), _find(parent, role, other, second)
    if mine is None or theirs is None or mine.columns != theirs.columns:
        return None
    narrow = any(
        view.form.fast == "rows" and side.source.kind == "hub"
        for view, side in ((mine, child), (theirs, parent))
    )
    rows, labels = min(mine.rows, theirs.rows), ("row", role, own, expert, wave)
    axis: Hashable = HIDDEN_AXIS if role in INPUT_ROLES else (role, own, expert)
    width = NARROW_WIDTH if narrow else WIDTH
    if axis == HIDDEN_AXIS:
        columns = draw_stretch(draw, mine.columns, width, *labels)
    else:
        columns = draw_columns(draw, mine.columns, width, role, own)
    if narrow:
        first = draw.number(max(1, rows // NARROW_ROWS), *labels) * NARROW_ROWS
        chosen = tuple(range(first, min(rows, first + NARROW_ROWS)))
    else:
        chosen = (draw.number(rows, *labels),)
    return Place(
        Window(role, own, chosen, columns, expert), Window(role, other, chosen, columns, second),
        axis, paired=mine.rows == theirs.rows,
    )  # fmt: skip


def _find(weights: Weights, role: str, layer: int, expert: int) -> View | None:
    try:
        return find_view(weights, role, layer, expert)
    except UnreadableWeightError as fault:
        note_failure(weights, f"{role} {layer}", str(fault))
        return None
