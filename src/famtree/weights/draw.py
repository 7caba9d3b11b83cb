"""Where a comparison looks: drawn by a key that nobody has before both files are finished.

The key comes from the sha256 of both sides' weight files. Whoever copies rows into a file changes
its hash, and with it the rows that are looked at; the same two files are looked at in the same
places by everybody. What no hash is known of is drawn at random, and the key says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256
from itertools import pairwise
from secrets import token_hex
from typing import TYPE_CHECKING, Literal

from famtree.weights.identity import find_hashes, list_unhashed

if TYPE_CHECKING:
    from famtree.weights.open import Weights

MOST_HASHED = 4 << 30
"""Bytes of one side's files on this machine that are hashed for a key."""
_KEY = 16
Source = Literal["listed", "computed", "random", "nonce"]
Label = str | int


@dataclass(frozen=True, slots=True)
class Draw:
    """A keyed function from labels to numbers: blake2b under `secret`."""

    secret: bytes
    key: str
    """What is stated: repeats the draw, given the same files, as a nonce where one was used."""
    source: Source
    """listed, computed: hashes of both sides, by the Hub's listing or by reading them. random: a
    side has no known hash. nonce: the caller's word was added."""

    def number(self, below: int, *labels: Label) -> int:
        """Return a whole number from 0 to `below` - 1."""
        text = "\x1f".join(map(str, labels)).encode()
        return int.from_bytes(blake2b(text, key=self.secret, digest_size=8).digest()) % max(
            below, 1
        )

    def choose(self, options: Sequence[str], count: int, *labels: Label) -> list[str]:
        """Return `count` of `options`, in their own order."""
        ordered = sorted(options, key=lambda one: self.number(1 << 62, *labels, one))
        kept = set(ordered[:count])
        return [one for one in options if one in kept]

    def spread(self, below: int, count: int, *labels: Label) -> list[int]:
        """Return `count` numbers in order, one of each equal stretch of 0 to `below` - 1."""
        if below <= count:
            return list(range(below))
        edges = [round(place * below / count) for place in range(count + 1)]
        return [
            low + self.number(high - low, *labels, place)
            for place, (low, high) in enumerate(pairwise(edges))
        ]


def make_draw(
    a: Weights,
    b: Weights,
    *,
    nonce: str | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Draw:
    """Return the draw of a pair; it is the same whichever side comes first.

    Files of this machine whose hashes are not known are hashed, up to `MOST_HASHED` a side.
    """
    parts, computed, lacking = [], False, False
    for side in (a, b):
        found = find_hashes(side)
        if found is None and _hash(side, on_progress):
            found = find_hashes(side)
        # Nobody lists hashes of files on this machine: those that are known were computed.
        computed = computed or side.source.kind != "hub"
        lacking = lacking or found is None
        parts.append("" if found is None else ",".join(sorted(found.elements())))
    material = "\n".join(sorted(parts))
    if lacking and nonce is None:
        word: str | None = token_hex(_KEY)
    else:
        word = nonce
    secret = sha256(f"{material}\n{word or ''}".encode()).digest()
    if word is None:
        return Draw(secret, secret[:_KEY].hex(), "computed" if computed else "listed")
    return Draw(secret, word, "random" if nonce is None else "nonce")


def _hash(weights: Weights, on_progress: Callable[[str], None] | None) -> bool:
    files = list_unhashed(weights)
    if not files or sum(entry.size or 0 for entry in files) > MOST_HASHED:
        return False
    started = time.perf_counter()
    names = [entry.name for entry in files]
    weights.reading.hashed += weights.source.hash_files(names, on_progress or (lambda _: None))
    weights.reading.hash_seconds += time.perf_counter() - started
    return weights.reading.hashed > 0
