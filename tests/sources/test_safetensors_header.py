from __future__ import annotations

import contextlib
import ctypes
import json
from math import prod
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famtree.errors import HeaderError
from famtree.sources.safetensors_header import (
    DTYPE_BITS,
    MAX_HEADER,
    MAX_READ,
    header_length,
    parse_header,
)


def encode(table: Any, data: int = 0) -> bytes:
    text = table if isinstance(table, bytes) else json.dumps(table).encode()
    return len(text).to_bytes(8, "little") + text + bytes(data)


def entry(dtype: str = "F32", shape: Any = (2,), offsets: Any = (0, 8)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


GOOD = encode({"__metadata__": {"format": "pt"}, "a": entry(), "b": entry("BF16", (), (8, 10))})


def test_a_good_header_is_read() -> None:
    header = parse_header(GOOD, "x", file_size=len(GOOD) + 10)

    assert header.metadata == {"format": "pt"}
    assert header.data_size == 10
    assert header.length == len(GOOD) - 8
    assert header.tensors["a"].shape == (2,)
    assert header.tensors["b"].numel == 1
    assert header.tensors["b"].nbytes == 2
    assert header.tensors["a"].file == "x"


def test_a_prefix_may_end_exactly_at_the_end_of_the_header_but_not_before() -> None:
    assert parse_header(GOOD, "x", file_size=None) == parse_header(
        GOOD + b"data", "x", file_size=None
    )
    with pytest.raises(HeaderError, match="cut off after"):
        parse_header(GOOD[:-1], "x", file_size=None)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "is empty"),
        (b"\x10\0\0", "3 bytes, too few"),
        (b"\0" * 8, "header of 0 bytes"),
        ((MAX_HEADER + 1).to_bytes(8, "little"), "over the limit"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git-LFS"),
    ],
)
def test_what_is_not_a_header_is_named(data: bytes, word: str) -> None:
    with pytest.raises(HeaderError, match=word) as caught:
        header_length(data, "model.safetensors")
    assert "model.safetensors" in caught.value.message
    assert caught.value.hint


def test_an_lfs_pointer_says_how_to_get_the_file() -> None:
    with pytest.raises(HeaderError) as caught:
        header_length(b"version https://git-lfs.github.com/spec/v1\n", "m.safetensors")
    assert "git lfs pull" in caught.value.hint


def test_a_length_that_begins_like_a_page_is_still_a_length() -> None:
    assert header_length(ord("<").to_bytes(8, "little"), "x") == 60


def test_the_longest_allowed_header_is_allowed() -> None:
    assert header_length(MAX_READ.to_bytes(8, "little"), "x") == MAX_READ
    with pytest.raises(HeaderError, match="that are read"):
        header_length((MAX_READ + 1).to_bytes(8, "little"), "x")


@pytest.mark.parametrize(
    ("table", "word"),
    [
        (b"[]", "not a JSON object"),
        (b"{nope}", "not valid JSON"),
        (b"{\xff}", "not valid JSON"),
        (b'{"a": ' + b"[" * 5000, "not valid JSON"),
        ({"a": 3}, "not described by an object"),
        ({"a": {**entry(), "dtype": None}}, "no dtype"),
        ({"a": entry("F7")}, "unknown dtype"),
        ({"a": entry(shape=(-2,))}, "negative dimension"),
        ({"a": entry(shape=(2.0,))}, "not a list of integers"),
        ({"a": entry(shape=(True, 2))}, "not a list of integers"),
        ({"a": {**entry(), "shape": "2"}}, "not a list of integers"),
        ({"a": entry(offsets=(0,))}, "no pair of data_offsets"),
        ({"a": entry(offsets=(8, 0))}, r"data_offsets \[8, 0\]"),
        ({"a": entry(offsets=(-8, 0))}, r"data_offsets \[-8, 0\]"),
        ({"a": entry(offsets=(0, 9))}, "9 bytes, its F32 shape needs 8"),
        ({"a": entry(), "b": entry(offsets=(4, 12))}, "overlaps"),
        ({"a": entry(), "b": entry(offsets=(9, 17))}, "leaves a hole"),
        ({"a": entry(offsets=(8, 16))}, "leaves a hole"),
        ({"__metadata__": {"format": 1}}, "__metadata__"),
        ({"__metadata__": []}, "__metadata__"),
        (b'{"a":{},"a":{}}', "'a' twice"),
        (b'{"\\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', "not valid Unicode"),
        ({"a": entry(shape=(1,) * 65, offsets=(0, 4))}, "absurdly long"),
    ],
)
def test_a_damaged_header_is_refused(table: Any, word: str) -> None:
    with pytest.raises(HeaderError, match=word):
        parse_header(encode(table), "x", file_size=None)


@pytest.mark.parametrize(
    ("size", "word"), [(len(GOOD) + 9, "truncated"), (len(GOOD) + 11, "longer"), (9, "in all")]
)
def test_the_offsets_must_end_where_the_file_ends(size: int, word: str) -> None:
    with pytest.raises(HeaderError, match=word):
        parse_header(GOOD, "x", file_size=size)


@pytest.mark.parametrize(("dtype", "bits"), sorted(DTYPE_BITS.items()))
def test_every_dtype_is_measured_in_bits(dtype: str, bits: int) -> None:
    header = parse_header(encode({"a": entry(dtype, (4, 2), (0, bits))}), "x", file_size=None)
    assert header.data_size == bits  # 8 elements of `bits` bits each
    with pytest.raises(HeaderError, match="shape needs"):
        parse_header(encode({"a": entry(dtype, (4, 2), (0, bits + 1))}), "x", file_size=None)


@pytest.mark.parametrize(
    ("dtype", "size"), [("F4", 12), ("F6_E2M3", 18), ("F8_E4M3", 24), ("BF16", 48), ("C64", 192)]
)
def test_elements_narrower_than_a_byte_are_packed(dtype: str, size: int) -> None:
    table = {"a": entry(dtype, (6, 4), (0, size))}
    assert parse_header(encode(table), "x", file_size=None).data_size == size


def large(count: int, extra: bytes = b"") -> bytes:
    rows = []
    for number in range(count):
        name = f"model.layers.{number % 61}.mlp.experts.{number}.gate_proj.weight"
        rows.append(f'"{name}":{{"dtype":"BF16","shape":[1024,4],"data_offsets":'
                    f"[{number * 8192},{number * 8192 + 8192}]}}")  # fmt: skip
    return encode(b'{"__metadata__":{"format":"pt"},' + extra + ",".join(rows).encode() + b"}")


def test_a_long_header_says_the_same_as_a_short_one() -> None:
    long, short = large(12_000), large(20)
    assert len(long) > 1 << 20 > len(short)
    whole = parse_header(long, "x", file_size=len(long) + 12_000 * 8192)
    few = parse_header(short, "x", file_size=None)
    assert {name: whole.tensors[name] for name in few.tensors} == few.tensors
    assert whole.metadata == few.metadata == {"format": "pt"}
    first = next(iter(few.tensors))
    again = f'"{first}":{{"dtype":"BF16","shape":[1024,4],"data_offsets":[0,8192]}},'.encode()
    with pytest.raises(HeaderError, match="twice"):
        parse_header(large(12_000, again), "x", file_size=None)


def test_a_hundred_thousand_tensors_are_read() -> None:
    assert len(parse_header(large(100_000), "x", file_size=None).tensors) == 100_000


@pytest.mark.property
@given(st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_header_errors(data: bytes) -> None:
    for attempt in (data, len(data).to_bytes(8, "little") + data, encode(b"{" + data)):
        with contextlib.suppress(HeaderError):
            parse_header(attempt, "x", file_size=len(attempt))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
_nearly = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(sorted(DTYPE_BITS)) | _json,
        "shape": st.lists(st.integers(-1, 5), max_size=3) | _json,
        "data_offsets": st.tuples(st.integers(-1, 40), st.integers(-1, 40)) | _json,
    }
)


@pytest.mark.property
@given(st.dictionaries(st.text(max_size=4) | st.just("__metadata__"), _nearly | _json))
def test_random_tables_raise_nothing_but_header_errors(table: dict[str, Any]) -> None:
    try:
        header = parse_header(encode(table), "x", file_size=None)
    except HeaderError:
        return
    assert sum(tensor.nbytes for tensor in header.tensors.values()) == header.data_size


_LIBRARY = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "U8": "uint8",
            "BOOL": "bool", "F8_E4M3": "float8_e4m3fn"}  # fmt: skip


@pytest.mark.property
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=12).filter(lambda name: name != "__metadata__"),
        st.tuples(st.sampled_from(sorted(_LIBRARY)), st.lists(st.integers(0, 5), max_size=3)),
        max_size=6,
    ),
    st.dictionaries(st.text(max_size=6), st.text(max_size=6), max_size=3),
)
def test_files_of_the_reference_implementation_are_read_back(
    tensors: dict[str, tuple[str, list[int]]], metadata: dict[str, str]
) -> None:
    safetensors = pytest.importorskip("safetensors")
    if not hasattr(safetensors, "TensorSpec"):
        pytest.skip("this safetensors has another way to serialise")
    sizes = {name: prod(shape) * DTYPE_BITS[kind] // 8 for name, (kind, shape) in tensors.items()}
    buffers = {name: ctypes.create_string_buffer(max(size, 1)) for name, size in sizes.items()}
    specs = {
        name: safetensors.TensorSpec(
            dtype=_LIBRARY[kind],
            shape=shape,
            data_ptr=ctypes.addressof(buffers[name]),
            data_len=sizes[name],
        )
        for name, (kind, shape) in tensors.items()
    }
    written = bytes(safetensors.serialize(specs, metadata or None))
    header = parse_header(written, "x", file_size=len(written))

    assert header.metadata == metadata
    assert {
        name: (tensor.dtype, list(tensor.shape)) for name, tensor in header.tensors.items()
    } == {name: (kind, shape) for name, (kind, shape) in tensors.items()}
