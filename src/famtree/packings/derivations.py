"""Stored bytes, computed again from the values of which they may be a conversion.

A check is a coroutine as a form's `load` is: it asks for what is stored and returns for every block
whether it is what the conversion makes of the values. The values come in several ways, for
converters pass through 16 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from famtree.packings.floats import SIZES
from famtree.packings.ggml_types import BLOCKS
from famtree.packings.quantizers import CASTS, FUNCTIONS, Floats, encode_floats, quantize_blocks
from famtree.packings.stored import Form, Span
from famtree.packings.values_plain import GgmlBlocks, Plain

Equal = NDArray[np.bool_]
"""One a block."""
Check = Generator[list[Span], list[bytes], Equal]
_BLOCK = 32
"""Values that count as one block where a format has none."""


class Derivation(NamedTuple):
    """A form whose bytes are a function of values."""

    kind: str
    """What it is told as."""
    block: int
    """Columns at whose multiples a window begins and ends."""
    check: Callable[[int, tuple[int, int], Sequence[Floats]], Check]
    """Of a row, columns, and their values in each way."""


def find_derivation(form: Form) -> Derivation | None:
    """Return how `form` is computed again; None where it is no function that is known."""
    if isinstance(form, GgmlBlocks) and form.kind in FUNCTIONS:
        return Derivation(form.kind, BLOCKS[form.kind][0], partial(_check_blocks, form))
    if isinstance(form, Plain) and form.scale is None and form.kind in CASTS:
        return Derivation(form.kind, _BLOCK, partial(_check_cast, form))
    return None


def _check_blocks(
    form: GgmlBlocks, row: int, columns: tuple[int, int], ways: Sequence[Floats]
) -> Check:
    weights, size = BLOCKS[form.kind]
    line = (form.first + row) * (form.columns // weights)
    first, last = (line + at // weights for at in columns)
    (data,) = yield [form.tensor.span(first * size, last * size)]
    stored = np.frombuffer(data, np.uint8).reshape(-1, size)
    return _find_best(stored, (quantize_blocks(way, form.kind) for way in ways))


def _check_cast(form: Plain, row: int, columns: tuple[int, int], ways: Sequence[Floats]) -> Check:
    size, line = SIZES[form.kind], (form.first + row) * form.columns
    (data,) = yield [form.tensor.span((line + columns[0]) * size, (line + columns[1]) * size)]
    stored = np.frombuffer(data, np.uint8).reshape(-1, _BLOCK * size)
    return _find_best(stored, (encode_floats(way, form.kind) for way in ways))


def _find_best(stored: NDArray[Any], made: Iterable[NDArray[Any]]) -> Equal:
    """Return which blocks are equal in the first way in which all are, else in the best."""
    found: Equal = np.zeros(len(stored), np.bool_)
    for one in made:
        equal: Equal = np.all(one.reshape(stored.shape) == stored, axis=1)
        if equal.all():
            return equal
        found = max(found, equal, key=np.count_nonzero)
    return found
