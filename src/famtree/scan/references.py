"""Which checkpoints a scan is about, one reference after the other, each once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import TextIO

from famtree.errors import NotFoundError, UsageError
from famtree.sources.hub_settings import load_settings
from famtree.sources.nested import walk_checkpoints
from famtree.sources.snapshot import is_cached_repository

MAX_LINE = 4096
_HALVES = re.compile("[\ud800-\udfff]")


def read_lines(lines: Iterable[str], name: str) -> Iterator[str]:
    """Yield the references of a list: one a line; blank lines and those with `#` first are skipped.

    Raises UsageError for a line no reference can be: the file is something else.
    """
    for number, line in enumerate(lines, 1):
        ref = line.strip()
        if len(line) > MAX_LINE or "\0" in line:
            raise UsageError(
                f"{name}, line {number}: not a checkpoint reference",
                hint="the file needs one org/name, or path, a line",
            )
        if ref and not ref.startswith("#"):
            yield ref


def expand_folders(refs: Iterable[str]) -> list[str]:
    """Return `refs`, in place of a folder that is no checkpoint the checkpoints below it."""
    found: list[str] = []
    for ref in refs:
        below = []
        folder = os.path.expanduser(ref)
        if os.path.isdir(folder) and not is_cached_repository(folder):
            try:
                below = list(walk_checkpoints(folder))
            except OSError:
                below = []  # told with its row
        found += below if below and below != [folder] else [ref]
    return found


def list_cached() -> list[str]:
    """Return the snapshots of the user's Hub cache. Raises NotFoundError where there is none."""
    cache = load_settings().HF_HUB_CACHE
    try:
        return list(walk_checkpoints(cache))
    except OSError as fault:
        raise NotFoundError(
            f"there is no Hub cache at {cache}", hint="check HF_HOME and HF_HUB_CACHE"
        ) from fault


def split_lines(stream: TextIO) -> Iterator[str]:
    """Yield the lines of a list, none read further than tells that it is too long."""
    return iter(lambda: stream.readline(MAX_LINE + 1), "")


def drop_repeated(refs: Iterable[str], done: set[int]) -> Iterator[str]:
    """Yield what is not in `done`, each once; `done` grows by what was yielded."""
    for ref in refs:
        key = hash_reference(ref)
        if key not in done:
            done.add(key)
            yield ref


def hash_reference(ref: str) -> int:
    """Return 64 bits that stand for `ref`: millions fit in memory, and two rarely collide.

    Bytes of no encoding count as those NULs that a row is read with in their place.
    """
    text = _HALVES.sub("\0", ref).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
