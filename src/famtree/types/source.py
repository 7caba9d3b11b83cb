"""What every place a checkpoint can lie in must offer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from famtree.types.checkpoint import CheckpointRef, Cost, Listing, Missing, SourceKind


class CheckpointSource(Protocol):
    """Reads named files, or ranges of them, and counts what it costs."""

    ref: CheckpointRef
    kind: SourceKind

    def list_files(self) -> Listing:
        """Return the listing, fetched once and remembered."""
        ...

    def read(self, name: str, *, limit: int) -> bytes | Missing:
        """Return a whole file of at most `limit` bytes; larger or absent files are `Missing`."""
        ...

    def read_many(self, names: Iterable[str], *, limit: int) -> dict[str, bytes | Missing]:
        """Read several files at once, in parallel where that pays."""
        ...

    def read_prefixes(self, sizes: dict[str, int]) -> dict[str, bytes | Missing]:
        """Return the first `sizes[name]` bytes (or the whole shorter file) of each name."""
        ...

    def read_range(self, name: str, start: int, stop: int) -> bytes | Missing:
        """Return bytes [start, stop) of one file."""
        ...

    @property
    def cost(self) -> Cost:
        """Requests and bytes spent so far."""
        ...
