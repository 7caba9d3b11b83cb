from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famtree.errors import HeaderError
from famtree.sources.gguf_header import GgufArray, GgufReader, HeaderLimitError
from gguf_files import Raw, decoder_tensors, design_of, vocabulary_of, write_gguf

DESIGN = design_of("oak", block_count=2, embedding_length=256)
GOOD = write_gguf({**DESIGN, **vocabulary_of(5000)}, decoder_tensors())


class Fetched:
    """Serves a file's bytes and records which were asked for."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.spans: list[tuple[int, int]] = []

    def __call__(self, start: int, stop: int) -> bytes:
        self.spans.append((start, stop))
        return self.data[start:stop]

    @property
    def furthest(self) -> int:
        return max(stop for _, stop in self.spans)


def read(data: bytes, *, steps: tuple[int, ...] = (1 << 20,), limit: int = 1 << 30) -> GgufReader:
    return GgufReader(Fetched(data), "x.gguf", size=len(data), steps=steps, limit=limit)


@pytest.mark.parametrize("mark", ["<", ">"], ids=["little", "big"])
@pytest.mark.parametrize("version", [2, 3])
def test_a_good_header_is_read(version: int, mark: str) -> None:
    metadata = {**DESIGN, "oak.eps": 0.5, "oak.flag": True, "oak.big": Raw("u64", 1 << 40),
                "oak.list": [1, -2], "oak.words": ["a", "ü"], "oak.less": -3}  # fmt: skip
    reader = read(write_gguf(metadata, {"a": ("Q4_K", (2, 3, 256))}, version=version, mark=mark))
    header = reader.read_rest()

    assert (header.version, header.big_endian, header.complete) == (version, mark == ">", True)
    assert header.metadata == {**metadata, "oak.big": 1 << 40}
    tensor = header.tensors["a"]
    assert (tensor.dtype, tensor.shape, tensor.nbytes) == ("Q4_K", (2, 3, 256), 6 * 144)


def test_design_stops_before_the_vocabulary() -> None:
    fetched = Fetched(GOOD)
    reader = GgufReader(fetched, "x.gguf", size=len(GOOD), steps=(1024,))
    header = reader.read_design()

    assert fetched.furthest <= 2048
    assert not header.complete
    assert header.metadata["oak.block_count"] == 2
    tokens = header.metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, GgufArray)
    assert (tokens.count, tokens.stop) == (5000, None)
    assert reader.decode("tokenizer.ggml.tokens") is None


def test_the_rest_continues_where_the_design_stopped() -> None:
    fetched = Fetched(GOOD)
    reader = GgufReader(fetched, "x.gguf", size=len(GOOD), steps=(512, 4096))
    reader.read_design()
    header = reader.read_rest()

    assert header.complete
    assert len(header.tensors) == 2 * 9 + 3
    assert all(a[1] == b[0] for a, b in zip(fetched.spans, fetched.spans[1:], strict=False))
    tokens = reader.decode("tokenizer.ggml.tokens")
    assert tokens is not None
    assert (tokens[0], tokens[-1], len(tokens)) == ("<unk>", "tok4996", 5000)
    assert (reader.decode("tokenizer.ggml.token_type") or [])[:4] == [2, 3, 3, 1]
    # Weights come after the header; no more than one step of them was fetched.
    assert fetched.furthest <= header.length + 4096


def test_arrays_nobody_asks_for_are_jumped_over() -> None:
    scores = Raw("f32", [1.0] * 200_000)
    data = write_gguf({"x.scores": scores, "tokenizer.ggml.token_type": [1] * 200_000})
    fetched = Fetched(data)
    reader = GgufReader(fetched, "x", size=len(data), steps=(4096,))
    assert reader.read_rest().complete
    assert sum(stop - start for start, stop in fetched.spans) < len(data) - 700_000
    assert reader.decode("x.scores") is None
    assert reader.decode("tokenizer.ggml.token_type") == [1] * 200_000


def test_a_limit_is_kept() -> None:
    fetched = Fetched(GOOD)
    reader = GgufReader(fetched, "x.gguf", size=len(GOOD), steps=(1024,), limit=8192)
    with pytest.raises(HeaderLimitError):
        reader.read_rest()
    assert fetched.furthest <= 8192
    reader.limit = len(GOOD)


def test_a_large_vocabulary_is_quick() -> None:
    words = [f"token-{number}" for number in range(262_144)]
    data = write_gguf({**DESIGN, "tokenizer.ggml.tokens": words, "tokenizer.ggml.merges": words})
    started = time.process_time()
    assert read(data).read_rest().complete
    assert time.process_time() - started < 0.4


def patched(at: int, form: str, value: int) -> bytes:
    data = bytearray(GOOD)
    struct.pack_into(form, data, at, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: b"", "too short"),
        (lambda: GOOD[:20], "too short"),
        (lambda: b"XXXX" + GOOD[4:], "does not start with GGUF"),
        (lambda: b"tjgg" + GOOD[4:], "older than GGUF"),
        (lambda: b"version https://git-lfs.github.com/spec/v1\n", "git-LFS"),
        (lambda: patched(4, "<I", 1), "version 1"),
        (lambda: patched(4, "<I", 9), "version 9"),
        (lambda: patched(8, "<Q", 1 << 60), "claims"),
        (lambda: patched(16, "<Q", 1 << 17), "claims"),
        (lambda: patched(24, "<Q", 1 << 63), "a key of"),
        (lambda: GOOD[:-100], "ends before the data"),
        (lambda: GOOD[:9000], "ends inside"),
        (lambda: write_gguf({"general.alignment": 0}, {"a": ("F32", (1,))}), "alignment"),
        (lambda: write_gguf({}, {"a": ("Q4_K", (8, 8))}), "not whole blocks"),
        (lambda: write_gguf({}, {"a": ("F32", (1,) * 9)}), "9 dimensions"),
        (lambda: write_gguf({}, {"a": ("F32", (1 << 40, 1 << 40))}, data=False), "weights"),
    ],
)
def test_damage_is_told(make: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(HeaderError, match=reason) as told:
        read(_guarded(make)).read_rest()
    assert told.value.hint


def _guarded(make: Callable[[], bytes]) -> bytes:
    try:
        return make()
    except (MemoryError, ZeroDivisionError):  # alignment 0 in the writer itself
        key = b"general.alignment"
        pair = struct.pack("<Q", len(key)) + key + struct.pack("<II", 4, 0)
        name = struct.pack("<Q", 1) + b"a" + struct.pack("<IQIQ", 1, 1, 0, 0)
        return b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + pair + name + bytes(64)


def test_keys_and_tensors_come_once() -> None:
    pair = struct.pack("<Q", 1) + b"k" + struct.pack("<II", 4, 7)
    data = b"GGUF" + struct.pack("<IQQ", 3, 0, 2) + pair + pair
    with pytest.raises(HeaderError, match="twice"):
        read(data).read_rest()
    name = struct.pack("<Q", 1) + b"a" + struct.pack("<IQIQ", 1, 1, 0, 0)
    data = b"GGUF" + struct.pack("<IQQ", 3, 2, 0) + name + name + bytes(64)
    with pytest.raises(HeaderError, match="twice"):
        read(data).read_rest()


def test_a_string_that_lies_about_its_length() -> None:
    key = struct.pack("<Q", 1) + b"k"
    body = key + struct.pack("<IIQ", 9, 8, 2) + struct.pack("<Q", (1 << 64) - 9) + bytes(40)
    with pytest.raises(HeaderError, match="ends inside"):
        read(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + body).read_rest()


def test_a_tensor_type_of_the_future_reaches_to_the_next() -> None:
    data = bytearray(write_gguf({}, {"a": ("F32", (8, 8)), "b": ("F32", (8,))}))
    at = data.index(b"a") + 1 + 4 + 16
    struct.pack_into("<I", data, at, 99)
    tensor = read(bytes(data)).read_rest().tensors["a"]
    assert (tensor.dtype, tensor.nbytes) == ("TYPE_99", 256)


@pytest.mark.property
@given(st.binary(max_size=400))
def test_any_bytes_after_the_magic_are_survived(tail: bytes) -> None:
    for data in (tail, b"GGUF\x03\0\0\0" + tail):
        with contextlib.suppress(HeaderError):
            read(data).read_rest()


@pytest.mark.property
@given(st.integers(0, 3000), st.integers(0, 255), st.integers(24, 6000))
def test_any_change_is_survived(at: int, value: int, cut: int) -> None:
    data = bytearray(GOOD)
    data[at] = value
    for damaged in (bytes(data), GOOD[:cut]):
        with contextlib.suppress(HeaderError):
            reader = read(damaged, steps=(256,))
            reader.read_design()
            reader.read_rest()
            reader.decode("tokenizer.ggml.tokens")
