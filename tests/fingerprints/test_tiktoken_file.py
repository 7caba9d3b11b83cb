from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famtree.errors import TokenizerError
from famtree.fingerprints.tiktoken_file import looks_like_tiktoken, read_tiktoken
from famtree.fingerprints.tokenizer import build_tokenizer
from fingerprints.vocabularies import UNHURRIED, may_refuse, tiktoken, tokenizer_json


def test_bytes_are_spelled_as_in_tokenizer_json() -> None:
    data = tiktoken([b" the", b"\n", b"\xff", "é".encode()])
    assert read_tiktoken(data).tokens == {"Ġthe": 0, "Ċ": 1, "ÿ": 2, "Ã©": 3}


def test_empty_token_of_released_files() -> None:
    assert read_tiktoken(tiktoken([b"a", b""])).tokens == {"a": 0, "": 1}


def test_same_vocabulary_as_tokenizer_json() -> None:
    model = {"type": "BPE", "vocab": {"Ġa": 0, "b": 1}, "merges": []}
    one = build_tokenizer({"tokenizer.json": tokenizer_json(model=model)})
    other = build_tokenizer({"tokenizer.model": tiktoken([b" a", b"b"])})
    assert one is not None
    assert other is not None
    assert (one.vocabulary, one.sketch) == (other.vocabulary, other.sketch)
    assert other.kind == "tiktoken"


def test_added_tokens_stay_unknown() -> None:
    found = build_tokenizer({"qwen.tiktoken": tiktoken([b"a", b"b"])})
    assert found is not None
    assert (found.entries, found.added, found.added_count, found.max_id) == (None,) * 4
    assert found.base_entries == 2


def test_added_tokens_from_side_files() -> None:
    side = b'{"added_tokens_decoder":{"2":{"content":"<|endoftext|>","special":true}}}'
    found = build_tokenizer(
        {"qwen.tiktoken": tiktoken([b"a", b"b"]), "tokenizer_config.json": side}
    )
    assert found is not None
    assert (found.entries, found.added_count, found.max_id) == (3, 1, 2)


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"IQ==", b"IQ== x\n", b"I 0\n", b"!!!! 0\n", b"IQ== -1\n", b"a b c\n"]
)
def test_unreadable_files_are_named(data: bytes) -> None:
    with pytest.raises(TokenizerError, match=r"x\.tiktoken"):
        read_tiktoken(data, "x.tiktoken")


def test_told_by_content() -> None:
    assert looks_like_tiktoken(b"IQ== 0\nIg== 1\n")
    assert not looks_like_tiktoken(b"\x0a\x0e\x0a\x05<unk>")


@pytest.mark.property
@UNHURRIED
@given(st.lists(st.binary(max_size=12), unique=True, min_size=1))
def test_every_token_comes_back(tokens: list[bytes]) -> None:
    assert list(read_tiktoken(tiktoken(tokens)).tokens.values()) == list(range(len(tokens)))


@pytest.mark.property
@UNHURRIED
@given(st.binary(max_size=100))
def test_noise_never_escapes(data: bytes) -> None:
    with may_refuse("x.tiktoken"):
        read_tiktoken(data, "x.tiktoken")
