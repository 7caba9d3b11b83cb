"""Is a conversion the very one of this parent? Its stored bytes, computed again.

Some conversions are functions of the values. Drawn blocks of the child are computed from the
parent's values and held against what is stored, byte for byte: no sample of another model, nor of
a fine-tune of this one, passes. Different bytes say only that another quantizer was used, or an
importance matrix.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from famtree.packings.derivations import Check, Derivation, find_derivation
from famtree.packings.quantizers import CASTS, pass_through
from famtree.packings.sizes import FLOATS
from famtree.packings.stored import UnreadableWeightError
from famtree.packings.values_plain import Plain
from famtree.weights.places import Place, draw_layers, draw_places
from famtree.weights.read import drive, read_windows
from famtree.weights.roles import find_view

if TYPE_CHECKING:
    from famtree.weights.draw import Draw
    from famtree.weights.open import Weights

Floats = NDArray[np.float32]


class Rederived(NamedTuple):
    """Blocks that came out as they are stored, and as what type."""

    blocks: int
    type: str


def derive_again(child: Weights, parent: Weights, draw: Draw) -> Rederived | None:
    """Return how many drawn blocks of `child` are the parent's converted; None unless all are.

    The parent has to hold plain floats, the child a type that is a function of them and is not the
    parent's own. Several types are named together; of others nothing is said.
    """
    if child.depth != parent.depth or child.hidden != parent.hidden:
        return None
    layers = [(layer, layer) for layer in draw_layers(draw, child.depth)]
    drawn = draw_places(draw, child, parent, layers)
    places = [(one, found) for one in drawn if (found := _find(child, parent, one)) is not None]
    values = read_windows(parent, [place.theirs for place, _ in places])
    checks: dict[Any, Check] = {}
    for place, (row, derivation) in places:
        x = values.get(place.theirs)
        if x is not None and np.isfinite(x).all():
            ways = list(_pass(x[0]))
            checks[place.ours] = derivation.check(row, place.ours.columns, ways)
    equal = drive(child, checks)
    if not all(one.all() for one in equal.values()):
        return None
    kinds: Counter[str] = Counter()
    for place, (_, derivation) in places:
        if place.ours in equal:
            kinds[derivation.kind] += len(equal[place.ours])
    return Rederived(kinds.total(), ", ".join(sorted(kinds))) if kinds else None


def _find(child: Weights, parent: Weights, place: Place) -> tuple[int, Derivation] | None:
    """Return where the child stores a place's row, and how it may be computed from the parent."""
    window, theirs = place.ours, place.theirs
    if not place.paired or len(window.rows) != 1:
        return None
    try:
        mine = find_view(child, window.role, window.layer, window.expert)
        source = find_view(parent, window.role, theirs.layer, theirs.expert).form
    except UnreadableWeightError:
        return None
    plain = isinstance(source, Plain) and source.scale is None and source.kind in FLOATS
    found = find_derivation(mine.form)
    if not plain or found is None or found.kind == source.kind:
        return None
    whole = all(at % found.block == 0 for at in (*window.columns, mine.columns))
    return (mine.place(window.rows[0]), found) if whole else None


def _pass(values: Floats) -> Iterator[Floats]:
    """Yield the values as they are and by way of 16 bits: converters write those first."""
    yield values
    for kind in sorted(CASTS):
        way = pass_through(values, kind)
        if np.isfinite(way).all() and not np.array_equal(way, values):
            yield way
