from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famtree.errors import TokenizerError
from famtree.fingerprints.special_tokens import SIDE_FILES, find_markers, read_side_files
from famtree.fingerprints.vocabulary import AddedToken
from fingerprints.vocabularies import UNHURRIED


def _files(**tables: Any) -> dict[str, bytes]:
    return {f"{name}.json": json.dumps(table).encode() for name, table in tables.items()}


def test_config_is_believed_before_the_others() -> None:
    config = {
        "tokenizer_class": "XTokenizer",
        "eos_token": {"content": "<|end|>", "lstrip": False},
        "added_tokens_decoder": {"7": {"content": "<|end|>", "special": True}},
    }
    found = read_side_files(
        _files(
            tokenizer_config=config,
            special_tokens_map={"eos_token": "</s>", "bos_token": "<s>", "unk_token": None},
            added_tokens={"<|end|>": 9, "<think>": 8, "<s>": 1},
        )
    )
    assert found.tokenizer_class == "XTokenizer"
    assert found.special_tokens == {"eos": "<|end|>", "bos": "<s>"}
    assert found.added == {
        "<|end|>": AddedToken(7, True),
        "<think>": AddedToken(8, False),
        "<s>": AddedToken(1, True),
    }


def test_additional_special_tokens_count_as_special() -> None:
    found = read_side_files(
        _files(
            special_tokens_map={"additional_special_tokens": ["<a>", {"content": "<b>"}, 3]},
            added_tokens={"<a>": 1, "<b>": 2, "<c>": 3},
        )
    )
    assert [token.special for token in found.added.values()] == [True, True, False]


def test_odd_values_are_skipped() -> None:
    config = {
        "tokenizer_class": 3,
        "bos_token": ["x"],
        "pad_token": "",
        "added_tokens_decoder": {"x": {"content": "a"}, "1": {"content": 2}, "2": None},
    }
    found = read_side_files(
        _files(tokenizer_config=config, added_tokens={"a": -1, "b": True, "c": 2**40})
    )
    assert (found.tokenizer_class, found.special_tokens, found.added) == (None, {}, {})


@pytest.mark.parametrize(
    ("content", "marks"),
    [
        ("<|im_start|>", True),
        ("<｜begin▁of▁sentence｜>", True),
        ("[INST]", True),
        ("]~b]", True),
        ("<|reserved_special_token_0|>", True),
        ("<|reserved_special_token_17|>", False),
        ("<extra_id_99>", False),
        ("<s>", False),
        ("word", False),
        ("<a b>", False),
        ("▁▁", False),
        ("...", False),
        ("<" + "x" * 80 + ">", False),
    ],
)
def test_what_marks_a_line(content: str, marks: bool) -> None:
    assert find_markers([content]) == ([content] if marks else [])


def test_markers_are_sorted_and_few() -> None:
    many = [f"<{chr(97 + at % 26)}{chr(97 + at // 26)}>" for at in range(200)]
    found = find_markers(many)
    assert len(found) == 64
    assert found == sorted(many)[:64]


@pytest.mark.parametrize("name", SIDE_FILES)
@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b"<html>"])
def test_unreadable_files_are_named(name: str, data: bytes) -> None:
    with pytest.raises(TokenizerError, match=name.replace(".", r"\.")):
        read_side_files({name: data})


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
_keys = st.sampled_from(
    ["bos_token", "tokenizer_class", "added_tokens_decoder", "additional_special_tokens", "1"]
)


@pytest.mark.property
@UNHURRIED
@given(st.dictionaries(_keys, _json), st.sampled_from(SIDE_FILES))
def test_any_json_object_is_read(table: dict[str, Any], name: str) -> None:
    found = read_side_files({name: json.dumps(table).encode()})
    find_markers(found.added)
