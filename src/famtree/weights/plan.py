"""Which windows a comparison reads: a pure function of roles, layers, shapes and plan version.

Both sides are asked for the same roles, rows and columns; layers are matched by order number
where depths agree. Nothing depends on how large the model is, so neither do the bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from famtree.weights.read import Window
from famtree.weights.roles import INPUT_ROLES
from famtree.weights.thresholds import PLAN_VERSION

WIDTH = 1024
"""Columns of a window: 2 KB of 16-bit weights."""
ALIGNMENT = 256
"""Column ranges begin at a multiple of this, the longest block of GGUF's types."""
LAYERS = 6
EMBEDDING_ROWS = 4
NORM_LAYERS = 4
"""Layers whose norms (two each, as a rule) are read."""
NARROW_WIDTH = 64
NARROW_ROWS = 16
NARROW_MATRICES = 4
"""Where rows are not contiguous: fewer columns, more rows, of fewer matrices."""
LOCATING_ROLES = ("v", "gate", "up")
"""Roles by which a layer is recognised when depths differ."""
PLANNED_ROWS = 64
_STRIDE, _FIRST = 29, 11
"""Rows are taken below the 64th, since nearly every matrix has so many (not the values of one head
of 32); 29 is coprime to 64."""


def choose_columns(hidden: int, width: int = WIDTH) -> tuple[int, int]:
    """Return the one column range of all windows: the middle, aligned; all where narrower."""
    if hidden <= width:
        return 0, hidden
    start = (hidden - width) // 2 // ALIGNMENT * ALIGNMENT
    return start, start + width


def spread_layers(depth: int, count: int = LAYERS) -> list[int]:
    """Return up to `count` order numbers from the first to the last layer, evenly apart."""
    if depth <= count:
        return list(range(depth))
    return [round(number * (depth - 1) / (count - 1)) for number in range(count)]


def choose_rows(draw: int, rows: int) -> int:
    """Return the row of draw 0, 1, 2, ... of a matrix."""
    return (_STRIDE * draw + _FIRST + PLAN_VERSION - 1) % min(PLANNED_ROWS, rows)


def block_windows(
    layers: Iterable[int],
    columns: tuple[int, int],
    *,
    draws: Sequence[int] = (0,),
    roles: Sequence[str] = INPUT_ROLES,
) -> list[Window]:
    """Return one window a role, layer and draw."""
    return [
        Window(role, layer, (choose_rows(draw, PLANNED_ROWS),), columns)
        for layer in layers
        for role in roles
        for draw in draws
    ]


def narrow_windows(depth: int, hidden: int) -> list[Window]:
    """Return windows for forms whose rows are not contiguous."""
    columns = choose_columns(hidden, NARROW_WIDTH)
    layers = spread_layers(depth, NARROW_MATRICES // 2)
    return [
        Window(role, layer, tuple(range(NARROW_ROWS)), columns)
        for layer in layers
        for role in ("v", "up")
    ]


def embedding_windows(ids: Iterable[int], columns: tuple[int, int]) -> list[Window]:
    """Return one window a token row."""
    return [Window("embedding", 0, (row,), columns) for row in ids]
