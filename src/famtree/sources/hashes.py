"""Content hashes as the Hub lists them: git blob ids for small files, sha256 for large ones.

Where a hash comes from decides what it proves, and a `FileEntry` keeps the two apart. `sha256` and
`blob_id` are stated by the Hub's own listing of the file that is looked at, or computed from its
bytes (`famtree.sources.file_hashes`): equal ones prove equal content. `recorded` is what a folder,
a path or a cache says of itself, which anybody can write: a declaration, whatever its form.
"""

from __future__ import annotations

import re
from hashlib import sha1, sha256

from msgspec.structs import replace

from famtree.types.checkpoint import FileEntry

_BLOB_ID = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def hash_blob(data: bytes) -> str:
    """Return the git blob id of `data`: sha1 over a `blob <length>` header and the bytes."""
    made = sha1(b"blob %d\0" % len(data), usedforsecurity=False)
    made.update(data)
    return made.hexdigest()


def hash_sha256(data: bytes) -> str:
    """Return the lower-case hex sha256 of `data`."""
    return sha256(data).hexdigest()


def is_blob_id(text: object) -> bool:
    """Return whether `text` has the form of a git object id (commit or blob, 40 hex digits)."""
    return isinstance(text, str) and _BLOB_ID.fullmatch(text) is not None


def is_sha256(text: object) -> bool:
    """Return whether `text` has the form of a sha256 (64 hex digits)."""
    return isinstance(text, str) and _SHA256.fullmatch(text) is not None


def add_record(entry: FileEntry, etag: str | None) -> FileEntry:
    """Return `entry` with what somebody recorded as its hash; other forms say nothing."""
    return replace(entry, recorded=etag) if is_sha256(etag) or is_blob_id(etag) else entry


def add_computed(entry: FileEntry, sha256: str) -> FileEntry:
    """Return `entry` with the hash of its bytes, as famtree computed it."""
    return replace(entry, sha256=sha256)


def content_key(entry: FileEntry) -> str | None:
    """Return the hash that names the whole content of `entry`, or None when none is known.

    The blob id of an LFS or Xet file is that of its pointer, so sha256 comes first. A recorded
    hash names nothing: under it another file's content could be kept.
    """
    return entry.sha256 or entry.blob_id


def fits(entry: FileEntry, data: bytes) -> bool:
    """Return whether `data` is the whole content of `entry`, as far as size and hash are stated."""
    if entry.size is not None and entry.size != len(data):
        return False
    key = content_key(entry) or entry.recorded
    return key is None or key == (hash_sha256(data) if is_sha256(key) else hash_blob(data))
