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

from famtree.packings.floats import SIZES, Floats, decode_floats, encode_eight_bits
from famtree.packings.ggml_types import BLOCKS
from famtree.packings.quantizers import CASTS, FUNCTIONS, encode_floats, quantize_blocks
from famtree.packings.stored import Form, Span, Stored
from famtree.packings.values_plain import GgmlBlocks, Plain
from famtree.packings.values_rows import BitsAndBytes4

Equal = NDArray[np.bool_]
"""One a block."""
Check = Generator[list[Span], list[bytes], Equal]
_SCALED = ("I8", "F8_E4M3")
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
    if isinstance(form, Plain) and form.scale is not None and form.tensor.dtype in _SCALED:
        by = "row maxima" if form.divisor != 1 else "stated scales"
        name = f"{form.tensor.dtype} of {by}"
        return Derivation(name, _BLOCK, partial(_check_scaled, form, form.scale))
    if isinstance(form, BitsAndBytes4) and (block := form.block) is not None:
        return Derivation("NF4", block, partial(_check_normal_float, form, block))
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


def _check_scaled(
    form: Plain, scale: Stored, row: int, columns: tuple[int, int], ways: Sequence[Floats]
) -> Check:
    """Round to nearest under the scales that are stated, divided by them or times their inverse."""
    line = (form.first + row) * form.columns
    spans = [form.tensor.span(line + columns[0], line + columns[1])]
    parts = yield spans + form.scale_spans(scale, [row], columns)
    stored = np.frombuffer(parts[0], np.uint8).reshape(-1, _BLOCK)
    steps = decode_floats(b"".join(parts[1:]), scale.dtype)
    if form.block is not None:
        steps = steps[np.arange(*columns) // form.block[1] - columns[0] // form.block[1]]
    divisor = np.float32(form.divisor)
    scaled = (
        one
        for way in ways
        for one in (way / (steps / divisor), way * (divisor / steps), way * (1 / steps * divisor))
    )
    if form.tensor.dtype == "I8":
        return _find_best(stored, (np.rint(one).astype(np.int8).view("u1") for one in scaled))
    return _find_best(stored, (encode_eight_bits(one.astype(np.float32)) for one in scaled))


def _check_normal_float(
    form: BitsAndBytes4, block: int, row: int, columns: tuple[int, int], ways: Sequence[Floats]
) -> Check:
    """Compare codes under each block's own greatest magnitude."""
    table, first = form.leaves["weight.quant_map"], row * form.columns
    spans = [((first + columns[0]) // 2, (first + columns[1]) // 2)]
    parts = yield [table.whole, *(form.weight.span(*one) for one in spans)]
    levels = decode_floats(parts[0], table.dtype).astype(np.float64)
    middles = ((levels[1:] + levels[:-1]) / 2).astype(np.float32)
    stored = np.frombuffer(parts[1], np.uint8).reshape(-1, block // 2)
    return _find_best(stored, (_encode_levels(way.reshape(-1, block), middles) for way in ways))


def _encode_levels(blocks: Floats, middles: Floats) -> NDArray[np.uint8]:
    greatest = np.abs(blocks).max(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        shares = np.where(greatest > 0, blocks * (np.float32(1) / greatest), np.float32(0))
    codes = np.searchsorted(middles, shares)
    return (codes[:, ::2] << 4 | codes[:, 1::2]).astype(np.uint8)


def _find_best(stored: NDArray[Any], made: Iterable[NDArray[Any]]) -> Equal:
    """Return which blocks are equal in the first way in which all are, else in the best."""
    found: Equal = np.zeros(len(stored), np.bool_)
    with np.errstate(all="ignore"):  # scales of a stranger may be zero
        for one in made:
            equal: Equal = np.all(one.reshape(stored.shape) == stored, axis=1)
            if equal.all():
                return equal
            found = max(found, equal, key=np.count_nonzero)
    return found
