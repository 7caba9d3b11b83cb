"""Is a conversion the very one of this parent? Its stored bytes, computed again.

Some conversions are functions of the values. Drawn blocks of the child are computed from the
parent's values and held against what is stored, byte for byte: no sample of another model, nor of
a fine-tune of this one, passes. Different bytes say only that another quantizer was used, or an
importance matrix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from famtree.packings.quantizers import (
    BLOCK,
    FUNCTIONS,
    encode_floats,
    pass_through,
    quantize_blocks,
)
from famtree.packings.sizes import FLOATS
from famtree.packings.stored import Span, UnreadableWeightError
from famtree.packings.values_plain import GgmlBlocks, Plain
from famtree.weights.places import Place, draw_layers, draw_places
from famtree.weights.read import fetch, read_windows
from famtree.weights.roles import find_view

if TYPE_CHECKING:
    from famtree.weights.draw import Draw
    from famtree.weights.open import Weights

Floats = NDArray[np.float32]
CASTS = frozenset({"F16", "BF16"})
_SIZES = {"Q8_0": 34, "Q4_0": 18, "Q4_1": 20, "Q5_0": 22, "Q5_1": 24, "F16": 64, "BF16": 64}
"""Bytes of 32 stored values."""


class Rederived(NamedTuple):
    """Blocks of 32 values that came out as they are stored, and as what type."""

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
    places = [one for one in draw_places(draw, child, parent, layers) if one.paired]
    jobs = [job for place in places if (job := _plan(child, parent, place)) is not None]
    if not jobs:
        return None
    stored = fetch(child, [span for _, _, span in jobs])
    values = read_windows(parent, [place.theirs for place, _, _ in jobs])
    kinds: dict[str, int] = {}
    for place, kind, span in jobs:
        data, x = stored.get(span), values.get(place.theirs)
        if data is None or x is None or not np.isfinite(x).all():
            continue
        if not _is_derived(x.reshape(-1), kind, np.frombuffer(data, np.uint8)):
            return None
        kinds[kind] = kinds.get(kind, 0) + x.size // BLOCK
    return Rederived(sum(kinds.values()), ", ".join(sorted(kinds))) if kinds else None


def _plan(child: Weights, parent: Weights, place: Place) -> tuple[Place, str, Span] | None:
    """Return a place with the child's type and where its bytes lie; None where none is known."""
    window = place.ours
    if len(window.rows) != 1 or (window.columns[1] - window.columns[0]) % BLOCK:
        return None
    try:
        mine = find_view(child, window.role, window.layer, window.expert)
        theirs = find_view(parent, window.role, place.theirs.layer, place.theirs.expert)
    except UnreadableWeightError:
        return None
    form, source = mine.form, theirs.form
    plain = isinstance(source, Plain) and source.scale is None and source.kind in FLOATS
    if not plain or form.kind == source.kind:
        return None
    if isinstance(form, GgmlBlocks):
        known = form.kind in FUNCTIONS
    else:
        known = isinstance(form, Plain) and form.scale is None and form.kind in CASTS
    if not known or window.columns[0] % BLOCK or mine.columns % BLOCK:
        return None
    assert isinstance(form, GgmlBlocks | Plain)  # noqa: S101 - seen above
    size = _SIZES[form.kind]
    line = (form.first + mine.place(window.rows[0])) * (mine.columns // BLOCK)
    first, last = (line + at // BLOCK for at in window.columns)
    return place, form.kind, form.tensor.span(first * size, last * size)


def _is_derived(values: Floats, kind: str, stored: NDArray[np.uint8]) -> bool:
    """Compare, also by way of 16 bits: converters write those first."""
    ways: list[Floats] = [values, *(pass_through(values, way) for way in ("F16", "BF16"))]
    for way in ways:
        if not np.isfinite(way).all():
            continue
        made = quantize_blocks(way, kind) if kind in FUNCTIONS else encode_floats(way, kind)
        if np.array_equal(made.reshape(-1), stored):
            return True
    return False
