"""Content hashes as the Hub lists them: git blob ids for small files, sha256 for large ones."""

from __future__ import annotations

import re
from hashlib import sha1, sha256

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


def content_key(entry: FileEntry) -> str | None:
    """Return the hash that names the whole content of `entry`, or None when none is listed.

    The blob id of an LFS or Xet file is that of its pointer, so sha256 comes first.
    """
    return entry.sha256 or entry.blob_id


def fits(entry: FileEntry, data: bytes) -> bool:
    """Return whether `data` is the whole content of `entry`, as far as size and hash are listed."""
    if entry.size is not None and entry.size != len(data):
        return False
    if entry.sha256 is not None:
        return hash_sha256(data) == entry.sha256
    return entry.blob_id is None or hash_blob(data) == entry.blob_id
