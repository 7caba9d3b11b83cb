"""Weights stored one by one: floats, scaled numbers, and GGUF's blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from famtree.packings.floats import SIZES, decode_floats
from famtree.packings.ggml_blocks import dequantize_blocks, reads_type
from famtree.packings.ggml_types import BLOCKS
from famtree.packings.packing import Packing
from famtree.packings.sizes import FLOATS
from famtree.packings.stored import Form, Load, Span, Stored, StoredParts, UnreadableWeightError

_COARSE = frozenset({"TQ1_0", "TQ2_0", "Q1_0", "Q2_0"})
"""One scale, and codes of three values or so: most weights of a usual model become zero, and what
is left looks no more like the parent than another training of one initialisation does."""


def runs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Return `rows` as runs [start, stop) of consecutive numbers, in the order given."""
    found: list[tuple[int, int]] = []
    for row in rows:
        if found and found[-1][1] == row:
            found[-1] = (found[-1][0], row + 1)
        else:
            found.append((row, row + 1))
    return found


@dataclass(frozen=True, slots=True)
class Plain:
    """Numbers of 1 to 8 bytes, row after row; `first` skips those of earlier experts."""

    tensor: Stored
    rows: int
    columns: int
    first: int = 0
    scale: Stored | None = None
    """One a row, one in all, or one a block of `block` rows and columns."""
    block: tuple[int, int] | None = None
    divisor: float = 1.0
    fast: str = "columns"

    @property
    def kind(self) -> str:
        """The dtype; scaled numbers are named apart."""
        return self.tensor.dtype if self.scale is None else f"{self.tensor.dtype}-scaled"

    def load(self, rows: Sequence[int], columns: tuple[int, int]) -> Load:
        """Ask for whole rows at once, or for a piece of each; then for scales."""
        size, start, stop = SIZES[self.tensor.dtype], *columns
        spans, width = [], self.columns * size
        for low, high in [(r, r + 1) for r in rows] if stop - start < self.columns else runs(rows):
            first = (self.first + low) * width + start * size
            spans.append(self.tensor.span(first, first + (high - low - 1) * width
                                          + (stop - start) * size))  # fmt: skip
        count = len(spans)
        if self.scale is not None:
            spans += self.scale_spans(self.scale, rows, columns)
        parts = yield spans
        values = decode_floats(b"".join(parts[:count]), self.tensor.dtype)
        values = values.reshape(len(rows), stop - start)
        if self.scale is None:
            return values
        found = decode_floats(b"".join(parts[count:]), self.scale.dtype) / np.float32(self.divisor)
        if self.block is None:
            return values * found.reshape(-1, 1)
        at = np.arange(*columns) // self.block[1] - columns[0] // self.block[1]
        return values * found.reshape(len(rows), -1)[:, at]

    def scale_spans(
        self, scale: Stored, rows: Sequence[int], columns: tuple[int, int]
    ) -> list[Span]:
        """Return where the scales of a window lie."""
        size = SIZES[scale.dtype]
        if self.block is None:
            if scale.nbytes == size:
                return [scale.whole]
            return scale.lines([self.first + row for row in rows], 1, 0, 1, size)
        wide = -(-self.columns // self.block[1])
        first, last = columns[0] // self.block[1], -(-columns[1] // self.block[1])
        lines = [(self.first + row) // self.block[0] for row in rows]
        return scale.lines(lines, wide, first, last, size)


@dataclass(frozen=True, slots=True)
class GgmlBlocks:
    """A GGUF tensor of blocks that lie along rows."""

    tensor: Stored
    rows: int
    columns: int
    first: int = 0
    fast: str = "columns"

    @property
    def kind(self) -> str:
        """The ggml type."""
        return self.tensor.dtype

    def load(self, rows: Sequence[int], columns: tuple[int, int]) -> Load:
        """Ask for the blocks that hold the window and cut it out."""
        weights, size = BLOCKS[self.tensor.dtype]
        first, last = columns[0] // weights, -(-columns[1] // weights)
        line = self.columns // weights
        whole = last - first == line
        spans = [
            self.tensor.span(
                ((self.first + low) * line + first) * size,
                ((self.first + high - 1) * line + last) * size,
            )
            for low, high in (runs(rows) if whole else [(row, row + 1) for row in rows])
        ]
        parts = yield spans
        blocks = np.frombuffer(b"".join(parts), np.uint8).reshape(-1, size)
        values = dequantize_blocks(blocks, self.tensor.dtype).reshape(len(rows), -1)
        skip = columns[0] - first * weights
        return values[:, skip : skip + columns[1] - columns[0]]


@dataclass(frozen=True, slots=True)
class Transposed:
    """Numbers stored inputs x outputs: a logical column is contiguous, a row is not."""

    tensor: Stored
    rows: int
    columns: int
    fast: str = "rows"

    @property
    def kind(self) -> str:
        """The dtype."""
        return self.tensor.dtype

    def load(self, rows: Sequence[int], columns: tuple[int, int]) -> Load:
        """Ask for the needed outputs of each input."""
        size = SIZES[self.tensor.dtype]
        low, high = min(rows), max(rows) + 1
        parts = yield self.tensor.lines(range(*columns), self.rows, low, high, size)
        values = decode_floats(b"".join(parts), self.tensor.dtype)
        stored = values.reshape(columns[1] - columns[0], high - low)
        return np.ascontiguousarray(stored[:, [row - low for row in rows]].T)


def make_plain(tensor: Stored, inputs: int | None = None, expert: int = 0) -> Form:
    """Return the form of a tensor without scales beside it; of fused experts, one.

    Raises UnreadableWeightError for a type or shape that is not read.
    """
    if len(tensor.shape) not in (2, 3):
        raise UnreadableWeightError(f"{tensor.name} has {len(tensor.shape)} dimensions")
    rows, columns = tensor.shape[-2:]
    fused = len(tensor.shape) == 3
    if fused and columns != (inputs or columns):
        raise UnreadableWeightError(f"{tensor.name}: experts stored inputs first are not read")
    first = expert * rows if fused else 0
    if tensor.dtype in SIZES and tensor.dtype != "I8":
        return Plain(tensor, rows, columns, first)
    if tensor.dtype in _COARSE:
        raise UnreadableWeightError(
            f"{tensor.name} has type {tensor.dtype}, which keeps too little of values that were "
            "not trained for it to tell descent by"
        )
    if reads_type(tensor.dtype):
        return GgmlBlocks(tensor, rows, columns, first)
    raise UnreadableWeightError(
        f"{tensor.name} has type {tensor.dtype}, of no packing that is read"
    )


def make_scaled(packing: Packing, parts: StoredParts) -> Form:
    """Return the form of numbers with one scale a row, one in all, or one a block."""
    return _scale(packing, parts, 1.0)


def make_by_maxima(packing: Packing, parts: StoredParts) -> Form:
    """Return the form of integers up to 127 that stand for each row's greatest magnitude."""
    return _scale(packing, parts, 127.0)


def _scale(packing: Packing, parts: StoredParts, divisor: float) -> Form:
    weight, scale = packing.find_codes(parts.leaves), packing.find_scale(parts.leaves)
    if weight is None:
        raise UnreadableWeightError(f"{parts.path}: its codes are not there")
    if scale is None or len(weight.shape) != 2 or weight.dtype not in SIZES.keys() - FLOATS:
        return make_plain(weight, parts.inputs, parts.expert)
    rows, columns = weight.shape
    if scale.dtype not in SIZES or scale.dtype == "I8":
        raise UnreadableWeightError(f"{scale.name}: scales of type {scale.dtype} are not read")
    count = scale.nbytes // SIZES[scale.dtype]
    if count in (1, rows):
        return Plain(weight, rows, columns, scale=scale, divisor=divisor)
    if len(scale.shape) == 2 and scale.shape[0] and scale.shape[1]:
        # Blocks need not divide the matrix; released ones are square powers of two.
        for side in (128, 64, 32, 16):
            if scale.shape == (-(-rows // side), -(-columns // side)):
                return Plain(weight, rows, columns, scale=scale, block=(side, side))
        width, odd = divmod(columns, scale.shape[1])
        if scale.shape[0] == rows and not odd:
            return Plain(weight, rows, columns, scale=scale, block=(1, width))
    raise UnreadableWeightError(f"{scale.name}: scales of shape {scale.shape} are not understood")
