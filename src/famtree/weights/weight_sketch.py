"""A few kilobytes that stand for a checkpoint's weights: the signs of the samples of `--verify`.

A sketch is taken once and compared with any number of others without reading weights again. The
column test stays exact on signs, since its null hypothesis is that columns are exchangeable,
whatever was done to each value. What signs lose is little: of a bivariate normal sample with
correlation r, signs correlate by 2/pi asin(r) (the arcsine law; Van Vleck and Middleton 1966),
which also gives r back, and angles between two checkpoints with it.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import pi, sin
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from famtree.packings.stored import UnreadableWeightError
from famtree.weights import thresholds as limit
from famtree.weights.column_alignment import column_test
from famtree.weights.plan import (
    EMBEDDING_ROWS,
    WIDTH,
    block_windows,
    choose_columns,
    embedding_windows,
    spread_layers,
)
from famtree.weights.read import Window, read_windows
from famtree.weights.results import ColumnTest
from famtree.weights.roles import INPUT_ROLES, find_view, require_roles

if TYPE_CHECKING:
    from famtree.weights.open import Weights

FORM = 1
"""Version of the text form below; sketches of other forms or plans are not compared."""
MAX_TEXT = 1 << 15
"""Longest text that is decoded, characters; the largest sketch has 6,000."""
_MAX_DEPTH = 1 << 12
_MAX_HIDDEN = 1 << 17
_DIGEST = 8
_NARROW_DRAWS = 4
"""Rows a matrix where columns are few, as the column test takes when in doubt."""
_FIRST_TOKEN = 2048

Bits = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Sketch:
    """Signs of one checkpoint's samples: rows x ceil(width / 8) bytes, rows in plan order."""

    plan: int
    hidden: int
    depth: int
    present: NDArray[np.bool_]
    """Which rows could be read."""
    bits: Bits
    digest: bytes
    """Of the sampled values themselves: equal where every one is."""

    @property
    def width(self) -> int:
        """Columns of a row."""
        first, stop = choose_columns(self.hidden)
        return stop - first

    def to_text(self) -> str:
        """Return `FORM.plan.hidden.depth.base64`."""
        packed = self.digest + np.packbits(self.present).tobytes() + self.bits.tobytes()
        head = f"{FORM}.{self.plan}.{self.hidden}.{self.depth}"
        return f"{head}.{b64encode(packed).decode()}"


def take_sketch(weights: Weights) -> Sketch | None:
    """Read the samples and return their sketch; None where nothing of it can be read.

    Reads at most 34 windows of 2 KB. Forms whose rows are not contiguous are left out on the Hub.
    """
    hidden, depth = weights.hidden, weights.depth
    if not hidden or not depth or hidden > _MAX_HIDDEN or depth > _MAX_DEPTH:
        return None
    windows = _plan(weights, hidden, depth)
    remote = weights.source.kind == "hub"
    require_roles(weights, (*INPUT_ROLES, "embedding"), spread_layers(depth))
    wanted = [window for window in windows if not remote or _is_contiguous(weights, window)]
    found = read_windows(weights, wanted)
    present = np.array([window in found for window in windows])
    if not present.any():
        return None
    rows = np.zeros((len(windows), -(-_width(hidden) // 8)), np.uint8)
    digest = blake2b(digest_size=_DIGEST)
    for at, window in enumerate(windows):
        if window in found:
            values = found[window][0]
            rows[at] = np.packbits(values > 0)
            digest.update(np.ascontiguousarray(values, "<f4").tobytes())
    return Sketch(limit.PLAN_VERSION, hidden, depth, present, rows, digest.digest())


def read_sketch(text: str) -> Sketch | None:
    """Return the sketch of `Sketch.to_text`; None for anything else, and for another plan."""
    if len(text) > MAX_TEXT or text.count(".") != 4:
        return None
    *numbers, packed = text.split(".")
    try:
        form, plan, hidden, depth = (int(number) for number in numbers)
        data = b64decode(packed, validate=True)
    except ValueError:
        return None
    fits = 0 < hidden <= _MAX_HIDDEN and 0 < depth <= _MAX_DEPTH
    if (form, plan) != (FORM, limit.PLAN_VERSION) or not fits:
        return None
    count, size = _count_rows(hidden, depth), -(-_width(hidden) // 8)
    mask = -(-count // 8)
    if len(data) != _DIGEST + mask + count * size:
        return None
    stored = np.frombuffer(data, np.uint8, offset=_DIGEST)
    present = np.unpackbits(stored[:mask], count=count).astype(bool)
    return Sketch(plan, hidden, depth, present, stored[mask:].reshape(count, size), data[:_DIGEST])


def compare_signs(a: Sketch, b: Sketch) -> ColumnTest | None:
    """Run the column test on signs; its `cosine` is that of the values, by the arcsine law.

    Of unequal depths the first and the last layer and the embeddings are compared, which cutting
    and stacking leave where they are. None where too little is common.
    """
    if a.hidden != b.hidden:
        return None
    if a.depth != b.depth:
        a, b = trim(a), trim(b)
    both = a.present & b.present
    found = column_test(_unpack(a, both), _unpack(b, both)) if both.any() else None
    if found is None:
        return None
    cosine = sin(pi / 2 * max(-1.0, min(1.0, found.cosine)))
    return ColumnTest(found.z, found.log10_p, cosine, found.rows, found.columns)


def trim(sketch: Sketch) -> Sketch:
    """Return only the rows of the first and the last layer and of the embeddings."""
    size = _rows_a_layer(sketch.hidden)
    ends = [*range(size), *range(-EMBEDDING_ROWS - size, 0)]
    return replace(sketch, present=sketch.present[ends], bits=sketch.bits[ends])


def share_of_agreement(one: Sketch, others: list[Sketch]) -> NDArray[np.float64]:
    """Return, for each of `others` with the same rows, the share of equal signs.

    Cheap enough for thousands; 0 where no row is common.
    """
    counts = np.zeros(len(others))
    if not others:
        return counts
    bits = np.stack([other.bits for other in others])
    both = np.stack([other.present for other in others]) & one.present
    differing = _POPULATION[bits ^ one.bits].sum(axis=2, dtype=np.int64)
    total = both.sum(axis=1) * one.width
    equal = total - (differing * both).sum(axis=1)
    np.divide(equal, total, out=counts, where=total > 0)
    return counts


_POPULATION = np.array([value.bit_count() for value in range(256)], np.uint8)


def _plan(weights: Weights, hidden: int, depth: int) -> list[Window]:
    columns = choose_columns(hidden)
    known = weights.architecture
    rows = (known.vocab_rows or 0) if known is not None else 0
    # A power of two, so that a vocabulary with some tokens added has the same rows sampled.
    first = min(_FIRST_TOKEN, 1 << max(rows // 4, 1).bit_length() - 1)
    return [
        *block_windows(spread_layers(depth), columns, draws=range(_draws(hidden))),
        *embedding_windows(range(first, first + EMBEDDING_ROWS), columns),
    ]


def _draws(hidden: int) -> int:
    return 1 if hidden >= WIDTH else _NARROW_DRAWS


def _width(hidden: int) -> int:
    first, stop = choose_columns(hidden)
    return stop - first


def _rows_a_layer(hidden: int) -> int:
    return len(INPUT_ROLES) * _draws(hidden)


def _count_rows(hidden: int, depth: int) -> int:
    return len(spread_layers(depth)) * _rows_a_layer(hidden) + EMBEDDING_ROWS


def _unpack(sketch: Sketch, rows: NDArray[np.bool_]) -> NDArray[np.float64]:
    bits = np.unpackbits(sketch.bits[rows], axis=1, count=sketch.width)
    return bits.astype(np.float64) * 2 - 1


def _is_contiguous(weights: Weights, window: Window) -> bool:
    try:
        return find_view(weights, window.role, window.layer).form.fast == "columns"
    except UnreadableWeightError:
        return False
