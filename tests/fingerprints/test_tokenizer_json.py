from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famtree.errors import TokenizerError
from famtree.fingerprints.tokenizer import build_tokenizer
from famtree.fingerprints.tokenizer_json import read_tokenizer_json, simplify_block
from famtree.fingerprints.vocabulary import Merges, pack_merges
from famtree.types.fingerprint import Tokenizer
from fingerprints.vocabularies import (
    MERGES,
    TOKENS,
    UNHURRIED,
    may_refuse,
    tokenizer_json,
    tokenizer_table,
)


def _build(data: bytes) -> Tokenizer:
    found = build_tokenizer({"tokenizer.json": data})
    assert found is not None
    return found


def _spell(table: dict[str, Any], **options: Any) -> bytes:
    return json.dumps(table, **options).encode()


def _as_pairs(table: dict[str, Any]) -> dict[str, Any]:
    merges = [line.split(" ") for line in table["model"]["merges"]]
    return {**table, "model": {**table["model"], "merges": merges}}


@pytest.mark.parametrize("pairs", [False, True], ids=["lines", "pairs"])
@pytest.mark.parametrize(
    "options",
    [
        {"ensure_ascii": True},
        {"ensure_ascii": False, "indent": 2},
        {"ensure_ascii": True, "indent": 1},
        {"ensure_ascii": False, "separators": (",", ":")},
        {"sort_keys": True, "indent": 4, "ensure_ascii": False},
    ],
    ids=str,
)
def test_digest_ignores_serialisation(pairs: bool, options: dict[str, Any]) -> None:
    table = tokenizer_table()
    written = _spell(_as_pairs(table) if pairs else table, **options)
    assert _build(written) == _build(tokenizer_json())


def test_digest_ignores_blocks_that_change_no_token() -> None:
    table = tokenizer_table(truncation={"max_length": 5}, padding={"pad_id": 0})
    table["model"] |= {"ignore_merges": True, "byte_fallback": False, "dropout": None}
    table["added_tokens"] = [dict(entry, lstrip=True) for entry in table["added_tokens"]]
    assert _build(_spell(table)).digest == _build(tokenizer_json()).digest


@pytest.mark.parametrize("part", ["vocab", "merges", "added", "pre_tokenizer"])
def test_digest_sees_every_covered_part(part: str) -> None:
    table = tokenizer_table()
    if part == "vocab":
        table["model"]["vocab"] |= {"ab": 4, "Ġa": 3}
    elif part == "merges":
        table["model"]["merges"] = table["model"]["merges"][::-1]
    elif part == "added":
        table["added_tokens"] = table["added_tokens"][:1]
    else:
        table["pre_tokenizer"] = {"type": "ByteLevel", "add_prefix_space": True}
    assert _build(_spell(table)).digest != _build(tokenizer_json()).digest


def test_counts_leave_added_tokens_apart() -> None:
    table = tokenizer_table()
    table["model"]["vocab"]["<think>"] = 10
    found = _build(_spell(table))
    assert (found.entries, found.base_entries, found.added_count) == (11, 10, 2)
    assert (found.max_id, found.merges_count, found.kind) == (10, 4, "bpe")
    assert found.vocabulary == _build(tokenizer_json()).vocabulary
    assert found.markers == ["<think>", "<|im_start|>"]


def test_order_of_merges_is_told_from_their_set() -> None:
    table = tokenizer_table()
    table["model"]["merges"] = table["model"]["merges"][::-1]
    turned, straight = _build(_spell(table)), _build(tokenizer_json())
    assert turned.merges != straight.merges
    assert turned.merges_sorted == straight.merges_sorted
    table["model"]["merges"][0] = "a a"
    assert _build(_spell(table)).merges_sorted != straight.merges_sorted


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "pairs",
    [
        [("a b", "c"), ("a", "b c")],
        [("\0", "a"), ("b", "c")],
        [('"', ","), (",", '"'), ("\\", "\\")],
        [("],\n      [", '",\n        "'), ("x", "y")],
        [(" ", "  "), ("\n", "\n")],
    ],
    ids=repr,
)
def test_sides_of_a_merge_are_never_confused(
    pairs: list[tuple[str, str]], indent: int | None
) -> None:
    table = tokenizer_table()
    table["model"]["merges"] = [list(pair) for pair in pairs]
    found = read_tokenizer_json(_spell(table, indent=indent, ensure_ascii=False))
    assert found.merges == pack_merges(pairs)


def test_blank_at_another_place_is_another_merge() -> None:
    assert pack_merges([("a b", "c")]) != pack_merges([("a", "b c")])
    assert pack_merges([("a", "b")]) == Merges(b"a b", 1)


def test_no_merges() -> None:
    table = tokenizer_table()
    table["model"]["merges"] = []
    assert _build(_spell(table, indent=2)).merges_count == 0


def test_unigram_ids_are_positions() -> None:
    model = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["▁a", -1.5], ["b", -2]]}
    found = read_tokenizer_json(tokenizer_json(model=model))
    assert (found.kind, found.tokens) == ("spm-unigram", {"<unk>": 0, "▁a": 1, "b": 2})


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ({"type": "WordPiece", "vocab": {"a": 0}}, "wordpiece"),
        ({"type": "WordLevel", "vocab": {"a": 0}}, "wordlevel"),
        ({"type": "BPE", "vocab": {"a": 0}, "merges": []}, "spm-bpe"),
    ],
)
def test_kind_of_model(model: dict[str, Any], kind: str) -> None:
    found = read_tokenizer_json(tokenizer_json(model=model, pre_tokenizer=None, decoder=None))
    assert found.kind == kind


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (
            {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True, "str_rep": "▁"},
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        ),
        (
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True},
            {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
        ),
        ({"type": "Sequence", "pretokenizers": [{"type": "Digits"}]}, {"type": "Digits"}),
        ({"type": "Sequence", "normalizers": []}, None),
    ],
    ids=["metaspace", "byte-level", "sequence-of-one", "empty-sequence"],
)
def test_blocks_of_older_versions_are_equal(older: Any, newer: Any) -> None:
    assert simplify_block(older) == simplify_block(newer)


def test_blocks_that_differ_stay_different() -> None:
    block = {"type": "Metaspace", "prepend_scheme": "first"}
    assert simplify_block(block) != simplify_block({"type": "Metaspace"})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"{}",
        b"<html>",
        tokenizer_json()[:-40],
        tokenizer_json(model={"vocab": {"a": "0"}}),
        tokenizer_json(model={"vocab": {"a": -1}}),
        tokenizer_json(model={"vocab": {"a": 1 << 40}}),
        tokenizer_json(model={"vocab": {"a": 0}, "merges": ["a b c"]}),
        tokenizer_json(model={"vocab": {"a": 0}, "merges": ["a b", ["a", "b"]]}),
        tokenizer_json(model={"vocab": {"a": 0}, "merges": [["a"]]}),
        tokenizer_json(added_tokens=[{"id": 1}]),
        b'{"model":' + b'{"model":' * 5000,
        b'{"normalizer":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"model":{"vocab":{"\\ud800":0}}}',
    ],
)
def test_unreadable_files_are_named(data: bytes) -> None:
    with pytest.raises(TokenizerError, match=r"tokenizer\.json") as caught:
        build_tokenizer({"tokenizer.json": data})
    assert caught.value.hint


_texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


@pytest.mark.property
@UNHURRIED
@given(
    tokens=st.lists(_texts, unique=True, min_size=1, max_size=20),
    merges=st.lists(st.tuples(_texts, _texts), max_size=8),
    options=st.fixed_dictionaries(
        {
            "indent": st.sampled_from([None, 0, 2]),
            "ensure_ascii": st.booleans(),
            "sort_keys": st.booleans(),
        }
    ),
)
def test_any_serialisation_gives_one_digest(
    tokens: list[str], merges: list[tuple[str, str]], options: dict[str, Any]
) -> None:
    model = {
        "type": "BPE",
        "vocab": {token: at for at, token in enumerate(tokens)},
        "merges": [list(pair) for pair in merges],
    }
    found = read_tokenizer_json(_spell(tokenizer_table(model=model), **options))
    assert found.tokens == model["vocab"]
    assert found.merges == pack_merges(merges)


@pytest.mark.property
@UNHURRIED
@given(cut=st.integers(0, len(tokenizer_json())), noise=st.binary(max_size=8))
def test_damage_never_escapes(cut: int, noise: bytes) -> None:
    whole = tokenizer_json()
    with may_refuse("tokenizer.json"):
        read_tokenizer_json(whole[:cut] + noise + whole[cut + len(noise) :])


def test_sample_is_what_it_says() -> None:
    found = read_tokenizer_json(tokenizer_json())
    assert found.tokens == TOKENS
    assert found.merges == pack_merges(MERGES)
