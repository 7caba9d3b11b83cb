"""Which checkpoints a scan is about, one reference after the other, each once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import TextIO

from famtree.errors import UsageError

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
