"""Open the header of a GGUF file wherever it lies, and tell where its tensors' bytes are."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from famtree.errors import UnreadableError
from famtree.sources.gguf_files import GgufSet
from famtree.sources.gguf_header import Fetch, GgufHeader, GgufReader, HeaderLimitError
from famtree.types.checkpoint import FileEntry, TensorInfo
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
    local = source.kind != "hub"
    return GgufReader(
        _fetcher(source, entry, report),
        entry.name,
        size=entry.size,
        steps=LOCAL_STEPS if local else NETWORK_STEPS,
        limit=LOCAL_LIMIT if local else DESIGN_LIMIT,
    )


class PlacedTensor(Struct, frozen=True):
    """One tensor and the bytes [start, stop) of its file that hold it."""

    info: TensorInfo
    """dtype is the ggml type's name, shape row-major, name llama.cpp's own."""
    start: int
    stop: int


def place_tensors(header: GgufHeader) -> dict[str, PlacedTensor]:
    """Return every tensor of a completely read header with its offsets from the file's start."""
    start = header.data_start
    return {
        name: PlacedTensor(info, start + info.begin, start + info.end)
        for name, info in header.tensors.items()
    }


def read_headers(source: CheckpointSource, files: GgufSet) -> list[GgufHeader]:
    """Return the whole headers of a model's parts, in order.

    The first one holds the metadata. Raises HeaderError, and UnreadableError where a header
    cannot be had or is longer than is read over a network (`FULL_LIMIT`).
    """
    headers = []
    for entry in files.files:
        reader = open_gguf(source, entry)
        reader.limit = max(reader.limit, FULL_LIMIT)
        try:
            headers.append(reader.read_rest())
        except HeaderLimitError as fault:
            raise UnreadableError(
                f"the header of {entry.name} is longer than {reader.limit / 1e6:.0f} MB",
                hint="download the file and name its path",
            ) from fault
    return headers


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
