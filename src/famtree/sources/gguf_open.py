"""Open the header of a GGUF file wherever it lies, and tell where its tensors' bytes are."""

from __future__ import annotations

from collections.abc import Callable

from famtree.errors import UnreadableError
from famtree.sources.gguf_header import Fetch, GgufReader
from famtree.types.checkpoint import FileEntry
from famtree.types.source import CheckpointSource

DESIGN_LIMIT = 1 << 20
"""Most bytes read over a network for architecture and hyperparameters alone."""
FULL_LIMIT = 20_000_000
"""Most bytes read over a network for vocabulary and tensor names."""
LOCAL_LIMIT = 48 << 20
"""Most bytes of a header read from a disk; the longest released ones have some 20 MB."""
NETWORK_STEPS = (64 << 10, 256 << 10, 2 << 20, 4 << 20)
LOCAL_STEPS = (1 << 20,)


def open_gguf(
    source: CheckpointSource, entry: FileEntry, report: Callable[[str], None] = lambda _: None
) -> GgufReader:
    """Return a reader of the header of `entry`; over a network it stops at `DESIGN_LIMIT`.

    `report` is told of every fetch after the first. Raises HeaderError when the file is no GGUF
    and UnreadableError when it cannot be had.
    """
    local = source.near
    return GgufReader(
        _fetcher(source, entry, report),
        entry.name,
        size=entry.size,
        steps=LOCAL_STEPS if local else NETWORK_STEPS,
        limit=LOCAL_LIMIT if local else DESIGN_LIMIT,
    )


def _fetcher(source: CheckpointSource, entry: FileEntry, report: Callable[[str], None]) -> Fetch:
    def fetch(start: int, stop: int) -> bytes:
        if start:
            report(f"reading the GGUF vocabulary ({stop / 1e6:.0f} MB)")
        data = source.read_ranges({entry.name: (start, stop)})[entry.name]
        if not isinstance(data, bytes):
            raise UnreadableError(
                f"{entry.name} could not be read: {data.reason}",
                hint="check the file and the reference",
            )
        return data

    return fetch
