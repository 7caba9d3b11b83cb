"""How a weight matrix lies in a file, whatever its form: which bytes a window needs.

A form is a coroutine: it yields the byte spans it needs, is sent their bytes, may ask again
(an order that must be known before scales can be), and returns the window as float32. So one
reader can fetch what many windows need in one wave.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec import Struct

from famtree.packings.sizes import Unpacked

if TYPE_CHECKING:
    from famtree.packings.floats import Floats


class Span(NamedTuple):
    """Bytes [start, stop) of one file."""

    file: str
    start: int
    stop: int


Load = Generator[list[Span], list[bytes], "Floats"]


class UnreadableWeightError(Exception):
    """A tensor's values cannot be had; the message says why."""


class Stored(Struct, frozen=True):
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

    def lines(
        self, lines: Iterable[int], width: int, first: int, last: int, size: int
    ) -> list[Span]:
        """Return elements [first, last) of `lines` that are `width` elements of `size` bytes."""
        starts = [int(line) * width for line in lines]
        return [self.span((start + first) * size, (start + last) * size) for start in starts]

    @property
    def whole(self) -> Span:
        """Return all its bytes."""
        return self.span(0, self.nbytes)


class StoredParts(Struct, frozen=True):
    """The stored parts of one module, and what is known of it from elsewhere."""

    path: str
    leaves: Mapping[str, Stored]
    unpacked: Unpacked
    """What its sizes stand for."""
    inputs: int | None = None
    """Its width, where its place in the model tells it."""
    expert: int = 0
    """Which one, where experts are fused."""
    group_size: int | None = None
    format: str | None = None
    act_order: bool | None = None
    """What the config declares."""

    def require(self, *leaves: str) -> list[Stored]:
        """Return matrices by leaf; raises UnreadableWeightError where one is not there."""
        for leaf in leaves:
            if leaf not in self.leaves or len(self.leaves[leaf].shape) != 2:
                raise UnreadableWeightError(f"{self.path}: {leaf} is missing, or no matrix")
        return [self.leaves[leaf] for leaf in leaves]


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
