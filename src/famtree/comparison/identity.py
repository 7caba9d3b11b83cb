"""Are the weights of two checkpoints the very same bytes?

Equality of whole weight files proves it: of hashes that the Hub lists or that were computed here.
Nothing here takes an equal header, or a recorded hash, for equal weights.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from famtree.checkpoint.checkpoint import Checkpoint
from famtree.lineage.hashes import confirm_hashes, have_same_hashes
from famtree.sources.weight_files import (
    WEIGHT_SUFFIXES,
    hash_weights,
    list_weight_files,
)
from famtree.types.checkpoint import FileEntry

OnProgress = Callable[[str], None]


class Identity(Struct, frozen=True):
    """What was found out about the bytes of the weights."""

    same: bool | None
    """True where proved equal, False where proved different, None where nothing was seen."""
    how: str = ""
    """What proves it."""
    bytes_read: int = 0
    signal: str = "weights"
    """What was looked at: `weights`, or hashes that are only `recorded`."""


def list_weights(one: Checkpoint) -> list[FileEntry]:
    """Return the entries of the files that hold the weights."""
    names = set(one.found.plan.shards)
    return [
        entry
        for entry in one.source.list_files().files
        if entry.name in names or (not names and entry.name.endswith(WEIGHT_SUFFIXES))
    ]


def compare_identity(
    a: Checkpoint, b: Checkpoint, *, verify: bool, on_progress: OnProgress | None = None
) -> Identity:
    """Compare the weight files; `verify` allows reading local ones whole.

    What a folder records of its own hashes is never enough.
    """
    left, right = list_weights(a), list_weights(b)
    if not left or not right or _is_empty(a) or _is_empty(b):
        return Identity(None)
    if same_place(a, b):
        return Identity(True, "both references name one checkpoint")
    if _files(_paths(a)) == _files(_paths(b)) is not None:
        return Identity(True, "both are links to the same weight files")
    read = 0
    if verify:
        read = confirm_hashes(a.source, b.source, on_progress)
        sizes = [Counter(entry.size for entry in _all_weights(one)) for one in (a, b)]
        if a.source.ref.is_local and b.source.ref.is_local and sizes[0] == sizes[1]:
            for one in (a, b):
                names = [entry.name for entry in _all_weights(one) if entry.sha256 is None]
                read += one.source.hash_files(names, on_progress or (lambda _: None))
    if have_same_hashes(a.source, b.source):
        return Identity(True, "the hashes of all weight files are equal", read)
    ours, theirs = (hash_weights(one.source.list_files()) for one in (a, b))
    if ours and theirs and ours != theirs:
        return Identity(None, "the hashes of the weight files differ", read)
    stated = [hash_weights(one.source.list_files(), stated=True) for one in (a, b)]
    if stated[0] and stated[0] == stated[1] and not _belied(a) and not _belied(b):
        told = "equal hashes are recorded, but were not computed"
        return Identity(None, told, read, signal="recorded")
    return Identity(None, bytes_read=read)


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


def _all_weights(one: Checkpoint) -> list[FileEntry]:
    found = (*list_weight_files(one.source.list_files()), *list_weights(one))
    return list({entry.name: entry for entry in found}.values())


def _belied(one: Checkpoint) -> bool:
    return any(entry.belied for entry in one.source.list_files().files)


def _paths(one: Checkpoint) -> list[Path]:
    if one.source.ref.path is None:
        return []
    place = Path(one.source.ref.path)
    folder = place if place.is_dir() else place.parent
    return [folder / entry.name for entry in _all_weights(one)]


def _files(paths: list[Path]) -> Counter[tuple[int, int]] | None:
    """Return device and number of every file; None where one cannot be looked up."""
    found: Counter[tuple[int, int]] = Counter()
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            return None
        found[status.st_dev, status.st_ino] += 1
    return found or None
