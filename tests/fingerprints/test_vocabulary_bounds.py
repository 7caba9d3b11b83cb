"""Bounds of vocabularies, told before anything is built."""

from __future__ import annotations

import tracemalloc

import pytest

from famtree.errors import TokenizerError
from famtree.fingerprints.json_merges import _FIRST_LINE, _FIRST_PAIR
from famtree.fingerprints.vocabulary_bounds import (
    MAX_STRING,
    MAX_TOKEN,
    MAX_WIDE,
    Texts,
    check_merges,
    check_strings,
    check_tokens,
)

WIDE = ("\U0001f600".encode(), b"\\ud83d\\ude00", b"\\uD83D\\uDE00")


@pytest.mark.parametrize("wide", WIDE)
def test_rare_characters_are_weighed_with_the_whole_of_their_strings(wide: bytes) -> None:
    one = b'{"' + wide + b'":0,"plain":1}'
    check_strings(one, "x")
    half = b"a" * (MAX_STRING // 2 - 100)
    before, after = b'"' + half + wide + b'"', b'"' + wide + half + b'"'
    count = MAX_WIDE // len(half) + 2
    for text in (before, after, b'"' + b'\\"' + half + wide + b'"'):
        check_strings(text, "x")
        with pytest.raises(TokenizerError, match="rare characters"):
            check_strings(b",".join([text] * count), "x")


def test_a_string_of_a_megabyte_is_refused() -> None:
    for unit in (b"a", b'\\"', b"\\u0041"):
        with pytest.raises(TokenizerError, match="a string of a megabyte"):
            check_strings(b'{"' + unit * (2 * MAX_STRING // len(unit)) + b'":0}', "x")
    check_strings(b'{"' + b"a" * (MAX_STRING // 3) + b'":0}', "x")


def test_merges_are_measured_exactly() -> None:
    longest = b"a" * (MAX_TOKEN - 2) + b" b"
    for before in (b"", b"a b\0", b"a b\0" * 5000):
        check_merges(before + longest + b"\0c d", "x")
        with pytest.raises(TokenizerError, match="token or merge"):
            check_merges(before + b"a" + longest + b"\0c d", "x")


def test_tokens_are_measured() -> None:
    check_tokens(["a" * MAX_TOKEN], "x")
    with pytest.raises(TokenizerError, match="token or merge"):
        check_tokens(["a" * (MAX_TOKEN + 1)], "x")
    held = Texts("x")
    with pytest.raises(TokenizerError, match="token or merge"):
        held.count(["\U0001f600" + "a" * 9000] * 10_000)


@pytest.mark.parametrize("unit", [b"a", b"\\\\", b"\\u0041"])
def test_patterns_keep_nothing_for_each_character(unit: bytes) -> None:
    text = unit * 200_000
    for pattern, data in (
        (_FIRST_PAIR, b'[["' + text + b'","b"]]'),
        (_FIRST_LINE, b'["' + text + b' b"]'),
    ):
        tracemalloc.start()
        assert pattern.match(data)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 100_000
