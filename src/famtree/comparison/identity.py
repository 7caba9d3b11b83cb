"""Are the weights of two checkpoints the very same bytes?

Equality of whole weight files proves it. Nothing here takes an equal header for equal weights.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from famtree.checkpoint.checkpoint import Checkpoint
from famtree.checkpoint.facts import WEIGHT_SUFFIXES, hash_weights
from famtree.types.checkpoint import FileEntry

_BLOCK = 1 << 20


class Identity(Struct, frozen=True):
    """What was found out about the bytes of the weights."""

    same: bool | None
    """True where proved equal, False where proved different, None where nothing was seen."""
    how: str = ""
    """What proves it."""
    bytes_read: int = 0


def list_weights(one: Checkpoint) -> list[FileEntry]:
    """Return the entries of the files that hold the weights."""
    names = set(one.found.plan.shards)
    return [
        entry
        for entry in one.found.listing.files
        if entry.name in names or (not names and entry.name.endswith(WEIGHT_SUFFIXES))
    ]


def compare_identity(a: Checkpoint, b: Checkpoint, *, verify: bool) -> Identity:
    """Compare the weight files; `verify` allows reading local ones whole."""
    left, right = list_weights(a), list_weights(b)
    if not left or not right or _is_empty(a) or _is_empty(b):
        return Identity(None)
    if same_place(a, b):
        return Identity(True, "both references name one checkpoint")
    ours, theirs = hash_weights(a.found.listing), hash_weights(b.found.listing)
    if ours and theirs:
        if ours == theirs:
            return Identity(True, "the hashes of all weight files are equal")
        return Identity(None, "the hashes of the weight files differ")
    paths_a, paths_b = list(_paths(a, left)), list(_paths(b, right))
    if not paths_a or not paths_b:
        return Identity(None)
    if _files(paths_a) == _files(paths_b) is not None:
        return Identity(True, "both are links to the same weight files")
    sizes_a, sizes_b = Counter(entry.size for entry in left), Counter(entry.size for entry in right)
    if not verify or sizes_a != sizes_b:
        return Identity(None)
    hashed_a, hashed_b = _hash(paths_a), _hash(paths_b)
    read = sum(entry.size or 0 for entry in (*left, *right))
    if hashed_a == hashed_b is not None:
        return Identity(True, "the weight files have equal contents", read)
    return Identity(None, "the weight files have different contents", read)


def _is_empty(one: Checkpoint) -> bool:
    """Return whether the files are known to hold no tensor."""
    return one.found.index.complete and not one.found.index.tensors


def same_place(a: Checkpoint, b: Checkpoint) -> bool:
    """Return whether both are one folder or file, or one commit of one repository."""
    left, right = a.source.ref, b.source.ref
    if left.file != right.file or left.is_local != right.is_local:
        return False
    if left.path is not None and right.path is not None:
        return os.path.realpath(left.path) == os.path.realpath(right.path)
    revisions = a.found.listing.revision, b.found.listing.revision
    named = (left.repo_id or "").lower() == (right.repo_id or "").lower() != ""
    return named and revisions[0] is not None and revisions[0] == revisions[1]


def _paths(one: Checkpoint, entries: list[FileEntry]) -> Iterator[Path]:
    if one.source.ref.path is None:
        return
    place = Path(one.source.ref.path)
    folder = place if place.is_dir() else place.parent
    for entry in entries:
        yield folder / entry.name


def _files(paths: list[Path]) -> Counter[tuple[int, int]] | None:
    """Return device and number of every file; None where one cannot be looked up."""
    found: Counter[tuple[int, int]] = Counter()
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            return None
        found[status.st_dev, status.st_ino] += 1
    return found


def _hash(paths: list[Path]) -> Counter[str] | None:
    found: Counter[str] = Counter()
    for path in paths:
        state = sha256()
        try:
            with path.open("rb") as stream:
                while block := stream.read(_BLOCK):
                    state.update(block)
        except OSError:
            return None
        found[state.hexdigest()] += 1
    return found
