from __future__ import annotations

import random
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famtree.errors import TokenizerError
from famtree.fingerprints.vocabulary_sketch import (
    SKETCH_SIZE,
    SketchMatch,
    build_sketch,
    compare_sketches,
    normalise_tokens,
)
from fingerprints.vocabularies import UNHURRIED


def _words(start: int, stop: int) -> list[bytes]:
    return [b" word%d" % at for at in range(start, stop)]


def _sketch(words: list[bytes], shift: int = 0) -> str:
    return build_sketch(words, [shift + int(word[5:]) for word in words])


def test_value_is_fixed() -> None:
    """Registry entries hold sketches, so the hash may never change."""
    expected = "6zxOi5MG1zIGAAAAEc84GtbEckIFAAAAcIk1+QAAAP8HAAAA"
    assert build_sketch([b" the", b"\n", b"\xff"], [5, 6, 7]) == expected


def test_order_and_repeats_do_not_count() -> None:
    words = _words(0, 3000)
    ids = list(range(3000))
    turned = random.Random(1).sample(range(3000), 3000)
    again = build_sketch([words[at] for at in turned], [ids[at] for at in turned])
    assert again == build_sketch(words, ids)
    assert build_sketch(words + words, ids + ids) == again
    assert len(b64decode(again)) == 12 * SKETCH_SIZE


def test_identical() -> None:
    one = _sketch(_words(0, 5000))
    assert compare_sketches(one, one) == SketchMatch(1.0, 1.0, 1.0, 256, 256)


def test_shifted_ids_are_seen() -> None:
    match = compare_sketches(_sketch(_words(0, 5000)), _sketch(_words(0, 5000), shift=3))
    assert (match.jaccard, match.id_agreement) == (1.0, 0.0)


@pytest.mark.parametrize("overlap", [0, 2000, 5000, 8000, 9500])
def test_estimate_is_close(overlap: int) -> None:
    exact = overlap / (20000 - overlap)
    match = compare_sketches(
        _sketch(_words(0, 10000)), _sketch(_words(10000 - overlap, 20000 - overlap))
    )
    assert abs(match.jaccard - exact) < 0.08
    assert (match.id_agreement is None) == (overlap == 0)


def test_part_is_contained_in_whole() -> None:
    match = compare_sketches(_sketch(_words(0, 2000)), _sketch(_words(0, 10000)))
    assert match.containment_ab == 1.0


def test_small_vocabularies_are_exact() -> None:
    match = compare_sketches(_sketch(_words(0, 30)), _sketch(_words(20, 40)))
    assert (match.jaccard, match.shared, match.sampled) == (10 / 40, 10, 40)


def test_empty_sketches_share_nothing() -> None:
    empty = build_sketch([], [])
    assert empty == ""
    assert compare_sketches(empty, empty) == SketchMatch(0.0, 0.0, None, 0, 0)


@pytest.mark.parametrize("broken", ["!", "AAAA", b64encode(bytes(12 * 257)).decode(), "é"])
def test_broken_sketches(broken: str) -> None:
    with pytest.raises(TokenizerError, match="sketch"):
        compare_sketches(broken, "")


def test_forms_of_one_vocabulary_agree() -> None:
    level, _ = normalise_tokens({"Ġthe": 0, "Ċ": 1, "s": 2}, "byte-level")
    pieces, _ = normalise_tokens({"▁the": 0, "<0x0A>": 1, "s": 2}, "sentencepiece")
    words, _ = normalise_tokens({"the": 0, "##s": 2}, "wordpiece")
    assert set(level) == set(pieces) == {b" the", b"\n", b"s"}
    assert words == [b" the", b"s"]


def test_ids_stay_with_their_tokens() -> None:
    texts, ids = normalise_tokens({"<0x01>": 7, "▁a": 8, "<0x00>": 9, "b": 10}, "sentencepiece")
    assert dict(zip(texts, ids, strict=True)) == {b"\1": 7, b" a": 8, b"\0": 9, b"b": 10}


@pytest.mark.parametrize("form", ["byte-level", "sentencepiece", "wordpiece", "raw"])
def test_odd_tokens_in_any_form(form: str) -> None:
    tokens = {"日": 0, "a\0b": 1, "": 2, "\ud800": 3, "\u2581x": 4, "Ġ": 5}
    texts, ids = normalise_tokens(tokens, form)  # type: ignore[arg-type]
    assert len(texts) == len(ids) == 6
    build_sketch(texts, ids)


@pytest.mark.property
@UNHURRIED
@given(st.sets(st.binary(max_size=6), max_size=80), st.sets(st.binary(max_size=6), max_size=80))
def test_matches_sets(a: set[bytes], b: set[bytes]) -> None:
    match = compare_sketches(
        build_sketch([*a], [*range(len(a))]), build_sketch([*b], [*range(len(b))])
    )
    assert match.jaccard == (len(a & b) / len(a | b) if a | b else 0.0)
    assert match.shared == len(a & b)
