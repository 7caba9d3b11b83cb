"""How a weight matrix lies in a file, whatever its form: which bytes a window needs.

A form is a coroutine: it yields the byte spans it needs, is sent their bytes, may ask again
(an order that must be known before scales can be), and returns the window as float32. So one
reader can fetch what many windows need in one wave.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from famtree.sources.gguf_types import TENSOR_TYPES
from famtree.weights.floats import SIZES, decode_floats
from famtree.weights.ggml_blocks import dequantize_blocks, reads_type

Floats = NDArray[np.float32]


class Span(NamedTuple):
    """Bytes [start, stop) of one file."""

    file: str
    start: int
    stop: int


Load = Generator[list[Span], list[bytes], Floats]


class UnreadableWeightError(Exception):
    """A tensor's values cannot be had; the message says why."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored tensor: where its bytes begin and what they are."""

    name: str
    file: str
    start: int
    """Offset in the file, bytes."""
    dtype: str
    shape: tuple[int, ...]
    nbytes: int

    def span(self, first: int, last: int) -> Span:
        """Return bytes [first, last) of the tensor."""
        if not 0 <= first <= last <= self.nbytes:
            raise UnreadableWeightError(f"{self.name} has no bytes {first} to {last}")
        return Span(self.file, self.start + first, self.start + last)

    @property
    def whole(self) -> Span:
        """Return all its bytes."""
        return self.span(0, self.nbytes)


class Form(Protocol):
    """A logical matrix, rows x columns, and how to read part of it."""

    @property
    def kind(self) -> str:
        """Name of the number format, to compare forms by."""
        ...

    @property
    def rows(self) -> int:
        """Outputs."""
        ...

    @property
    def columns(self) -> int:
        """Inputs."""
        ...

    @property
    def fast(self) -> str:
        """`columns` where a row is contiguous, `rows` where a column is."""
        ...

    def load(self, rows: Sequence[int], columns: tuple[int, int]) -> Load:
        """Yield spans, return float32 of len(rows) x (columns[1] - columns[0])."""
        ...


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
            spans += self._scale_spans(rows, columns)
        parts = yield spans
        values = decode_floats(b"".join(parts[:count]), self.tensor.dtype)
        values = values.reshape(len(rows), stop - start)
        if self.scale is None:
            return values
        return values * self._scales(parts[count:], rows, columns)

    def _scale_spans(self, rows: Sequence[int], columns: tuple[int, int]) -> list[Span]:
        scale = self.scale
        assert scale is not None  # noqa: S101 - only called where there is one
        size = SIZES[scale.dtype]
        if self.block is None:
            if scale.nbytes == size:
                return [scale.whole]
            return [scale.span((self.first + r) * size, (self.first + r + 1) * size) for r in rows]
        wide = -(-self.columns // self.block[1])
        first, last = columns[0] // self.block[1], -(-columns[1] // self.block[1])
        lines = [(self.first + r) // self.block[0] * wide for r in rows]
        return [scale.span((line + first) * size, (line + last) * size) for line in lines]

    def _scales(self, parts: list[bytes], rows: Sequence[int], columns: tuple[int, int]) -> Floats:
        assert self.scale is not None  # noqa: S101
        if self.scale.dtype == "F8_E8M0":
            raise UnreadableWeightError(f"{self.scale.name}: scales of type F8_E8M0")
        found = decode_floats(b"".join(parts), self.scale.dtype) / np.float32(self.divisor)
        if self.block is None:
            return found.reshape(-1, 1)
        first = columns[0] // self.block[1]
        at = np.arange(*columns) // self.block[1] - first
        return found.reshape(len(rows), -1)[:, at]


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
        weights, size = next(
            (weights, size)
            for name, weights, size in TENSOR_TYPES.values()
            if name == self.tensor.dtype
        )
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
        parts = yield [
            self.tensor.span((column * self.rows + low) * size, (column * self.rows + high) * size)
            for column in range(*columns)
        ]
        values = decode_floats(b"".join(parts), self.tensor.dtype)
        stored = values.reshape(columns[1] - columns[0], high - low)
        return np.ascontiguousarray(stored[:, [row - low for row in rows]].T)


def make_plain(tensor: Stored, *, rows: int, columns: int, first: int = 0) -> Form:
    """Return the form of a tensor without scales beside it.

    Raises UnreadableWeightError for a type that is not read.
    """
    if tensor.dtype in SIZES and tensor.dtype != "I8":
        return Plain(tensor, rows, columns, first)
    if reads_type(tensor.dtype):
        return GgmlBlocks(tensor, rows, columns, first)
    raise UnreadableWeightError(f"{tensor.name} has type {tensor.dtype}, which is not read")
