"""What every place a checkpoint can lie in must offer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from famtree.types.checkpoint import CheckpointRef, Cost, Listing, Missing, SourceKind

FileSpan = tuple[str, int, int]
"""Bytes [start, stop) of a file, by name."""
Report = Callable[[str], None]
"""Takes a short word on what is being done."""


class CheckpointSource(Protocol):
    """Reads named files, or ranges of them, and counts what it costs.

    Everything asked for in one call is fetched at once, so that a caller who plans in waves pays
    one latency a wave.
    """

    ref: CheckpointRef
    kind: SourceKind

    @property
    def near(self) -> bool:
        """Whether reading costs next to nothing: a folder, or what a cache holds of a repository.

        Known once the files were listed.
        """
        ...

    @property
    def origin(self) -> str | None:
        """Hub repository that the files on this machine are a copy of, where that is known."""
        ...

    def find_path(self, name: str) -> Path | None:
        """Return where a listed file lies on this machine; None for one that may not be opened."""
        ...

    def list_files(self) -> Listing:
        """Return the listing, fetched once and remembered."""
        ...

    def read_wave(
        self, names: Iterable[str], prefixes: Mapping[str, int], *, limit: int
    ) -> dict[str, bytes | Missing]:
        """Return whole files `names`, and the first `prefixes[name]` bytes of others.

        A whole file larger than `limit` bytes, or absent, is `Missing`; a file shorter than its
        prefix comes whole.
        """
        ...

    def read_ranges(self, ranges: Mapping[str, tuple[int, int]]) -> dict[str, bytes | Missing]:
        """Return bytes [start, stop) of each file."""
        ...

    def read_spans(self, spans: Iterable[FileSpan]) -> dict[FileSpan, bytes | Missing]:
        """Return the bytes of each span; of one file there may be several."""
        ...

    def hash_files(self, names: Iterable[str], report: Report) -> int:
        """Compute the sha256 of whole files on this machine, and state it in the listing.

        Files that lie elsewhere stay as they are. Returns the bytes that the hashes rest on; those
        of an earlier run are not read again, and then cost nothing.
        """
        ...

    @property
    def cost(self) -> Cost:
        """Requests and bytes spent so far."""
        ...
