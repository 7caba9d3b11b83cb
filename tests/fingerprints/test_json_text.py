from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famtree.errors import ConfigError
from famtree.fingerprints.json_text import MAX_DEPTH, MAX_VALUES, decode_object
from fingerprints.json_strategies import OBJECTS
from fingerprints.vocabularies import UNHURRIED


def test_object_is_decoded() -> None:
    assert decode_object(b'{"a": [1, NaN]}', "x.json")["a"][0] == 1
    assert decode_object(b'\xef\xbb\xbf{"a": 1}', "x.json") == {"a": 1}


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "not valid JSON"),
        (b'{"a": ', "line 1"),
        (b"[1]", "list"),
        (b"3", "int"),
        (b"null", "NoneType"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"  <html><body>login</body>", "HTML"),
        (b'{"a": ' * 70 + b"1" + b"}" * 70, "deeper"),
        (b'{"a": ' + b"[" * 100_000, "nested"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "valid JSON"),
    ],
)
def test_fault_names_the_file_and_says_what_to_do(data: bytes, word: str) -> None:
    with pytest.raises(ConfigError, match=r"x\.json") as caught:
        decode_object(data, "x.json")
    assert word in caught.value.message
    assert caught.value.hint


def test_depth_limit_is_exact() -> None:
    def nested(levels: int) -> bytes:
        return (b'{"a":' * levels) + b"1" + b"}" * levels

    assert decode_object(nested(MAX_DEPTH), "x.json")
    with pytest.raises(ConfigError):
        decode_object(nested(MAX_DEPTH + 1), "x.json")


@pytest.mark.property
@UNHURRIED
@given(OBJECTS)
def test_every_object_comes_back(table: dict[str, Any]) -> None:
    text = json.dumps(table)
    assert json.dumps(decode_object(text.encode(), "x.json")) == text


@pytest.mark.property
@UNHURRIED
@given(st.binary(max_size=60))
def test_arbitrary_bytes_raise_nothing_else(data: bytes) -> None:
    try:
        found = decode_object(data, "x.json")
    except ConfigError:
        return
    assert isinstance(found, dict)


@pytest.mark.parametrize("unit", [b"0,", b"[],", b"{},", b'{"a":0},'])
def test_values_are_counted_before_they_are_built(unit: bytes) -> None:
    whole = b'{"x":[' + unit * (MAX_VALUES // 8) + b"0]}"
    assert decode_object(whole, "x.json")
    more = b'{"x":[' + unit * MAX_VALUES + b"0]}"
    with pytest.raises(ConfigError, match="more values than are read"):
        decode_object(more, "x.json")
