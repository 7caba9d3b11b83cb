from __future__ import annotations

from typing import Any

import pytest

from famtree.errors import TokenizerError
from famtree.fingerprints.gguf_vocabulary import read_gguf_vocabulary
from famtree.fingerprints.tokenizer import build_gguf_tokenizer, build_tokenizer
from fingerprints.vocabularies import MERGES, TOKENS, tokenizer_json


def _metadata(**changes: Any) -> dict[str, Any]:
    found = {
        "model": "gpt2",
        "tokens": [*TOKENS, "<|im_start|>", "<think>", "[PAD11]", "[PAD12]"],
        "token_type": [1] * len(TOKENS) + [3, 4, 4, 5],
        "merges": [" ".join(pair) for pair in MERGES],
        "bos_token_id": 9,
    } | changes
    return {f"tokenizer.ggml.{key}": value for key, value in found.items()}


def test_same_as_the_file_it_was_made_from() -> None:
    one = build_tokenizer({"tokenizer.json": tokenizer_json()})
    other = build_gguf_tokenizer(read_gguf_vocabulary(_metadata()))
    assert one is not None
    assert other is not None
    for part in ("vocabulary", "merges", "merges_sorted", "added", "entries", "sketch", "kind"):
        assert getattr(one, part) == getattr(other, part), part
    assert other.special_tokens == {"bos": "<|im_start|>"}


def test_wordpiece_is_restored() -> None:
    tokens = ["[PAD]", "[UNK]", "▁the", "s", "[unused0]"]
    metadata = _metadata(model="bert", tokens=tokens, token_type=[3, 3, 1, 1, 1], merges=None)
    one = build_tokenizer({"vocab.txt": b"[PAD]\n[UNK]\nthe\n##s\n[unused0]\n"})
    other = build_gguf_tokenizer(read_gguf_vocabulary(metadata))
    assert one is not None
    assert other is not None
    assert (one.vocabulary, one.sketch, one.added) == (
        other.vocabulary,
        other.sketch,
        other.added,
    )


@pytest.mark.parametrize("tokens", [None, [], "abc", 3])
def test_no_vocabulary(tokens: Any) -> None:
    assert build_gguf_tokenizer(read_gguf_vocabulary(_metadata(tokens=tokens))) is None
    assert build_gguf_tokenizer(read_gguf_vocabulary({})) is None


def test_odd_metadata_is_tolerated() -> None:
    found = read_gguf_vocabulary(
        _metadata(model=7, token_type=[1], merges=[3], bos_token_id=10**9, eos_token_id="x")
    )
    assert found is not None
    assert (found.merges, found.special_tokens, found.added) == (None, {}, {})


@pytest.mark.parametrize("changes", [{"tokens": ["a", 3]}, {"merges": ["abc"]}])
def test_contradictions_are_named(changes: dict[str, Any]) -> None:
    with pytest.raises(TokenizerError, match="GGUF"):
        read_gguf_vocabulary(_metadata(**changes))
