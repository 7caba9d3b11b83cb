"""Is a conversion the very one of this parent? Its stored bytes, computed again.

Some conversions are functions of the values. Drawn blocks of the child are computed from the
parent's values and held against what is stored, byte for byte: no sample of another model, nor of
a fine-tune of this one, passes. Different bytes say only that another quantizer was used, or an
importance matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from famtree.packings.derivations import Check, Derivation, find_derivation
from famtree.packings.quantizers import CASTS, pass_through
from famtree.packings.sizes import FLOATS
from famtree.packings.stored import UnreadableWeightError
from famtree.packings.values_plain import Plain
from famtree.weights.changes import read_outside
from famtree.weights.places import draw_columns, draw_layers, draw_places
from famtree.weights.plan import EMBEDDING_ROWS
from famtree.weights.read import Window, drive, read_windows
from famtree.weights.roles import find_view
from famtree.weights.tokens import shared_rows

if TYPE_CHECKING:
    from famtree.weights.draw import Draw
    from famtree.weights.open import Weights

Floats = NDArray[np.float32]
_WIDE = ("F32", "F64")
"""What holds every value of a narrower format."""


class Rederived(NamedTuple):
    """Blocks that came out as they are stored, and as what type."""

    blocks: int
    type: str
    is_cast: bool
    """Whether no type among them has fewer than 16 bits."""


class _Twin(NamedTuple):
    """Rows of both that belong together, and how the child's is made where that is known."""

    ours: Window
    theirs: Window
    row: int
    """Where the child stores it."""
    derivation: Derivation | None
    """None where both hold values that a conversion leaves as they are."""


def derive_again(child: Weights, parent: Weights, draw: Draw) -> Rederived | None:
    """Return how many drawn blocks of `child` are the parent's converted; None unless all are.

    The parent has to hold plain floats, the child a type that is a function of them and is not the
    parent's own. Several types are named together; of others nothing is said. What a conversion
    leaves as it is has to be equal: a new head, embeddings or norms are no conversion.
    """
    if child.depth != parent.depth or child.hidden != parent.hidden:
        return None
    layers = [(layer, layer) for layer in draw_layers(draw, child.depth)]
    twins = list(_draw_twins(child, parent, draw, layers))
    if all(one.derivation is None for one in twins) or not _keep_norms(child, parent, draw, layers):
        return None
    values = read_windows(parent, [one.theirs for one in twins])
    kept = read_windows(child, [one.ours for one in twins if one.derivation is None])
    checks: dict[Any, Check] = {}
    kinds: dict[Window, str] = {}
    for ours, theirs, row, derivation in twins:
        x = values.get(theirs)
        if x is None or not np.isfinite(x).all():
            continue
        if derivation is not None:
            checks[ours] = derivation.check(row, ours.columns, list(_pass(x[0])))
            kinds[ours] = derivation.kind
        elif ours in kept and not np.array_equal(kept[ours], x):
            return None
    equal = drive(child, checks)
    if not equal or not all(one.all() for one in equal.values()):
        return None
    made = {kinds[window] for window in equal}
    blocks = sum(len(one) for one in equal.values())
    return Rederived(blocks, ", ".join(sorted(made)), made <= CASTS)


def _draw_twins(
    child: Weights, parent: Weights, draw: Draw, layers: list[tuple[int, int]]
) -> Iterator[_Twin]:
    for place in draw_places(draw, child, parent, layers):
        if place.paired and len(place.ours.rows) == 1:
            yield from _find(child, parent, place.ours, place.theirs)
    assert child.hidden is not None  # noqa: S101 - layers were drawn
    columns = draw_columns(draw, child.hidden)
    rows = shared_rows(child, parent, EMBEDDING_ROWS, draw)
    for role in ("embedding", "head"):
        for own, other in rows:
            ours, theirs = (Window(role, 0, (row,), columns) for row in (own, other))
            yield from _find(child, parent, ours, theirs)


def _find(child: Weights, parent: Weights, ours: Window, theirs: Window) -> Iterator[_Twin]:
    """Yield the two rows where the child's is the parent's, or a known function of it."""
    try:
        mine = find_view(child, ours.role, ours.layer, ours.expert)
        other = find_view(parent, theirs.role, theirs.layer, theirs.expert)
    except UnreadableWeightError:
        return
    if ours.rows[0] >= mine.rows or theirs.rows[0] >= other.rows or mine.columns != other.columns:
        return
    source, row = other.form, mine.place(ours.rows[0])
    if not isinstance(source, Plain) or source.scale is not None or source.kind not in FLOATS:
        return
    if mine.form.kind in (source.kind, *_WIDE):
        yield _Twin(ours, theirs, row, None)
        return
    found = find_derivation(mine.form)
    if found is not None and all(at % found.block == 0 for at in (*ours.columns, mine.columns)):
        yield _Twin(ours, theirs, row, found)


def _keep_norms(child: Weights, parent: Weights, draw: Draw, layers: list[tuple[int, int]]) -> bool:
    """Return whether norms are the parent's, as they are or by way of 16 bits."""
    pairs = read_outside(child, parent, draw, layers).norms
    return all(any(np.array_equal(x, way) for way in _pass(y)) for x, y in pairs)


def _pass(values: Floats) -> Iterator[Floats]:
    """Yield the values as they are and by way of 16 bits: converters write those first."""
    yield values
    for kind in sorted(CASTS):
        way = pass_through(values, kind)
        if np.isfinite(way).all() and not np.array_equal(way, values):
            yield way
