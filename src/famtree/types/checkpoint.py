"""What a checkpoint is before anything is concluded from it: references, files, tensors."""

from __future__ import annotations

from math import prod
from typing import Any, Literal

from msgspec import Struct

SourceKind = Literal["hub", "local", "gguf", "safetensors"]
CheckpointFormat = Literal[
    "safetensors", "gguf", "adapter", "pickle", "index-only", "config-only", "pipeline", "onnx",
    "engine", "params",
]  # fmt: skip


class CheckpointRef(Struct, frozen=True):
    """One parsed reference: a Hub repository (with revision and file) or a local path."""

    text: str
    """The reference as the user wrote it."""
    repo_id: str | None = None
    """`org/name` (or a legacy bare `name`) for a Hub reference."""
    revision: str | None = None
    path: str | None = None
    """Local file or folder."""
    file: str | None = None
    """One file inside the repository (`hf://org/name/file.gguf`)."""
    quant: str | None = None
    """The conversion that is meant of a repository's GGUF files (`hf.co/org/name:Q4_K_M`)."""

    @property
    def is_local(self) -> bool:
        """True for a path on this machine."""
        return self.path is not None


class FileEntry(Struct, frozen=True):
    """One file of a checkpoint as the listing names it; nothing of it has been read."""

    name: str
    size: int | None = None
    blob_id: str | None = None
    """git blob id (sha1), as the Hub lists it."""
    sha256: str | None = None
    """Content hash: as the Hub lists it (LFS or Xet), or computed here from the bytes."""
    recorded: str | None = None
    """sha256 or git blob id that somebody wrote down beside the file or into its path. It proves
    nothing: whoever made the folder made the record."""

    @property
    def stated(self) -> str | None:
        """The sha256 that is known, or else recorded: what may be asked about, never a proof."""
        recorded = self.recorded if self.recorded and len(self.recorded) == 64 else None
        return self.sha256 or recorded

    @property
    def belied(self) -> bool:
        """Whether the bytes were hashed, and are not those that the record names."""
        return self.sha256 is not None and self.recorded not in (None, self.sha256)


class Listing(Struct, frozen=True):
    """All files of a checkpoint, and what its host says about it."""

    files: tuple[FileEntry, ...]
    revision: str | None = None
    """Commit the listing is pinned to (40 hex digits) for a Hub repository."""
    card: dict[str, Any] = {}
    """Card front matter, as data."""
    tags: tuple[str, ...] = ()
    created_at: str | None = None
    gated: bool = False
    config: dict[str, Any] = {}
    """The host's own summary of config.json (architectures, model_type, ...), if it gave one."""
    repo_id: str | None = None
    """The host's own name for the repository, which a rename or another case makes differ."""
    etag: str | None = None
    """What the host calls this listing (`ETag`), if it said."""
    absent: tuple[str, ...] = ()
    """Files of the repository that cannot be had here: a cache holds a part of it."""
    notices: tuple[tuple[str, str], ...] = ()
    """What has to be said of the listing itself, as (code, message)."""

    def find(self, name: str) -> FileEntry | None:
        """Return the entry called `name`, or None."""
        return next((entry for entry in self.files if entry.name == name), None)


class Missing(Struct, frozen=True):
    """A file that could not or need not be read, and why."""

    name: str
    reason: str


class TensorInfo(Struct, frozen=True, gc=False):
    """One tensor as a safetensors header describes it."""

    name: str
    dtype: str
    """safetensors' own dtype word: F32, BF16, F8_E4M3, I32, ..."""
    shape: tuple[int, ...]
    begin: int
    """Offset of the first byte, relative to the end of the header."""
    end: int
    file: str

    @property
    def numel(self) -> int:
        """Number of elements (1 for a scalar)."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes the tensor takes in its file."""
        return self.end - self.begin


class TensorIndex(Struct, frozen=True):
    """Every tensor a checkpoint is known to hold.

    `tensors` has those whose header was read. `names` has all names, including those that are
    known only from `*.index.json`. `complete` is True when every shard's header was read.
    """

    tensors: dict[str, TensorInfo] = {}
    names: frozenset[str] = frozenset()
    complete: bool = False
    files: tuple[str, ...] = ()
    """Weight files, read or not."""
    indexed: frozenset[str] = frozenset()
    """Files that the index names, there or not; empty where it was not read."""
    total_size: int | None = None
    """`metadata.total_size` of the index, bytes."""
    header_metadata: dict[str, str] = {}
    """`__metadata__` of the headers read (format, ...)."""
    file_of: dict[str, str] = {}
    """Weight file of each tensor by `*.index.json`, whether its header was read or not."""
    data_starts: dict[str, int] = {}
    """First byte after the header, by weight file whose header was read."""
    copies: tuple[TensorInfo, ...] = ()
    """Tensors whose name a tensor of another weight file, which counts, has as well."""


class Cost(Struct, frozen=True):
    """What was really spent: HTTP requests that were answered with a body, and bytes read."""

    requests: int = 0
    bytes: int = 0
    seconds: float = 0.0
