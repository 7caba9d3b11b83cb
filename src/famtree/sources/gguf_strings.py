"""Arrays of strings in a GGUF header: a vocabulary, its merges."""

from __future__ import annotations

from struct import Struct
from sys import getsizeof

_BLOCK, _BLOCK_BYTES = 4096, 1 << 18
"""Strings, and their bytes, that are decoded at once."""
_WINDOW, _ZEROS = 1 << 15, b"\0" * 7
_NEXT = bytes([*range(1, 256), 0])
"""Every byte plus one."""
MAX_HELD = 128 << 20
"""Bytes that the strings of one array take in memory; those of 262,144 tokens take some 16 MB."""


def cut_strings(data: bytes | bytearray, at: int, mark: str) -> list[bytes]:
    """Return strings that stand at `at`, cut all at once; none where one has to be read by itself.

    The length of one below 255 bytes is a byte and seven zeros, in files of the usual order of
    bytes: what lies between the zeros is right where every length is that of what follows it.
    """
    return [part[:-1] for part in _split(data, at, mark)]


def pass_strings(data: bytes | bytearray, at: int, mark: str, most: int) -> tuple[int, int]:
    """Return how many strings of at most `most` can be cut at `at`, and where they end."""
    parts = _split(data, at, mark)[:most]
    return len(parts), at + 7 * len(parts) + sum(map(len, parts))


def _split(data: bytes | bytearray, at: int, mark: str) -> list[bytes]:
    """Return strings, each with the byte of the next one's length behind it."""
    parts = bytes(data[at : at + _WINDOW]).split(_ZEROS) if mark == "<" else []
    if len(parts) < 3 or len(parts[0]) != 1:
        return []
    found = parts[1:-1]  # the last one may be cut off
    told = b"".join([part[-1:] for part in parts[:-2]])
    try:
        return found if told.translate(_NEXT) == bytes(map(len, found)) else []
    except ValueError:  # one of 255 bytes or more
        return []


def decode_strings(data: bytes, count: int, mark: str, longest: int) -> list[str]:
    """Return `count` texts, each behind its length (u64, `mark` telling the order of its bytes).

    Raises ValueError where one has more than `longest` bytes, or all would take too much memory.
    """
    unpack = Struct(f"{mark}Q").unpack_from
    # A text takes 80 bytes, and four a character at most.
    weighed = 80 * count + 4 * (len(data) - 8 * count) > MAX_HELD
    at, held, found = 0, 0, list[str]()
    while len(found) < count:
        left = count - len(found)
        block, enough = cut_strings(data, at, mark)[:left], at + _BLOCK_BYTES
        at += 8 * len(block) + sum(map(len, block))
        for _ in range(0 if block else min(_BLOCK, left)):
            stop = at + 8 + unpack(data, at)[0]
            block.append(data[at + 8 : stop])
            at = stop
            if at > enough:
                break
        if max(map(len, block)) > longest:
            raise ValueError("has too long strings in an array")
        # One call decodes them all; a text that holds the sign between them is seen by the count.
        texts = b"\0".join(block).decode("utf-8", "replace").split("\0")
        if len(texts) != len(block):
            texts = [text.decode("utf-8", "replace") for text in block]
        held += sum(map(getsizeof, texts)) if weighed else 0
        if held > MAX_HELD:
            raise ValueError("has too long strings in an array")
        found += texts
    return found
