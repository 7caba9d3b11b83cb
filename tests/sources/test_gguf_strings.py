"""Strings of a GGUF are decoded thousands at once, and come out as if one by one."""

from __future__ import annotations

import random
import struct

import pytest

from famtree.sources import gguf_strings
from famtree.sources.gguf_strings import cut_strings, decode_strings

TEXTS = (
    b"",
    b"a",
    b"\xc4\xa0the",
    b"\0",
    b"a\0b",
    b"\xe2\x96",
    b"\xff\xfe",
    b"\xf0\x9f\x98\x80",
    b"x" * 300,
)
USUAL = (b"a", b"\xc4\xa0the", b"a\0b", b"\xff\xfe", b"x" * 255)


@pytest.mark.parametrize("block", [1, 3, 4096])
@pytest.mark.parametrize("size", [1, 64, 1 << 18])
@pytest.mark.parametrize("mark", ["<", ">"])
def test_at_once_gives_what_one_by_one_gives(
    block: int, size: int, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gguf_strings, "_BLOCK", block)
    monkeypatch.setattr(gguf_strings, "_BLOCK_BYTES", size)
    draw = random.Random(5)
    for count, choice in ((0, TEXTS), (1, TEXTS), (7, TEXTS), (50, TEXTS), (3000, USUAL)):
        texts = [draw.choice(choice) for _ in range(count)]
        data = b"".join(struct.pack(f"{mark}Q", len(text)) + text for text in texts)
        found = decode_strings(data, count, mark, 1000)
        assert found == [text.decode("utf-8", "replace") for text in texts]


def test_strings_are_cut_at_once_where_every_length_is_right() -> None:
    def pack(*texts: bytes) -> bytes:
        return b"".join(struct.pack("<Q", len(text)) + text for text in texts)

    assert cut_strings(b"skip" + pack(b"a", b"bc", b"cut of"), 4, "<") == [b"a", b"bc"]
    assert cut_strings(pack(b"a", b"bc", b"rest"), 0, ">") == []
    for odd in (b"", b"x" * 256, b"\0" * 9, b"\0\0"):
        found = cut_strings(pack(b"a", odd, b"b", b"rest"), 0, "<")
        assert found in ([], [b"a", odd, b"b"])
    assert cut_strings(pack(b"a", b"b", b"rest").replace(b"b", b"bb"), 0, "<") == []


def test_long_ones_are_told() -> None:
    data = struct.pack("<Q", 11) + b"a" * 11
    assert decode_strings(data, 1, "<", 11) == ["a" * 11]
    with pytest.raises(ValueError, match="too long"):
        decode_strings(data, 1, "<", 10)


def test_memory_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    data = (struct.pack("<Q", 10) + b"a" * 10) * 100
    monkeypatch.setattr(gguf_strings, "MAX_HELD", 3000)
    with pytest.raises(ValueError, match="too long"):
        decode_strings(data, 100, "<", 100)
