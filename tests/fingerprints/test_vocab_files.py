from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famtree.errors import TokenizerError
from famtree.fingerprints.tokenizer import build_tokenizer
from famtree.fingerprints.vocab_files import read_rwkv_vocab, read_vocab_json, read_vocab_text
from fingerprints.vocabularies import MERGES, TOKENS, UNHURRIED, may_refuse, tokenizer_json

VOCAB = json.dumps(TOKENS).encode()
PAIRS = ("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in MERGES)).encode()
LISTED = json.dumps(
    {
        "added_tokens_decoder": {
            "9": {"content": "<|im_start|>", "special": True},
            "10": {"content": "<think>", "special": False},
        }
    }
).encode()


@pytest.mark.parametrize("pairs", [PAIRS, PAIRS.replace(b"\n", b"\r\n"), PAIRS[14:].strip()])
def test_same_as_tokenizer_json(pairs: bytes) -> None:
    one = build_tokenizer({"tokenizer.json": tokenizer_json()})
    other = build_tokenizer(
        {"vocab.json": VOCAB, "merges.txt": pairs, "tokenizer_config.json": LISTED}
    )
    assert one is not None
    assert other is not None
    for part in ("vocabulary", "merges", "merges_sorted", "added", "entries", "sketch", "kind"):
        assert getattr(one, part) == getattr(other, part), part


def test_control_tokens_are_known_by_role() -> None:
    side = b'{"bos_token": "ab", "pad_token": {"content": "a", "lstrip": false}}'
    found = build_tokenizer(
        {"vocab.json": VOCAB, "merges.txt": PAIRS, "special_tokens_map.json": side}
    )
    assert found is not None
    assert (found.added_count, found.entries) == (2, len(TOKENS))
    assert found.special_tokens == {"bos": "ab", "pad": "a"}


def test_vocabulary_without_merges() -> None:
    assert read_vocab_json(b'{"|": 0, "E": 1}', None).kind == "wordlevel"


def test_wordpiece_lines() -> None:
    found = read_vocab_text(b"[PAD]\n[UNK]\nthe\r\n##s\n")
    assert found.tokens == {"[PAD]": 0, "[UNK]": 1, "the": 2, "##s": 3}
    assert list(found.added) == ["[PAD]", "[UNK]"]


def test_rwkv_lines() -> None:
    lines = "1 '\\x00' 1\n2 b'\\xff' 1\n3 ' the' 4\n4 \"it's\" 4\n5 '日' 3\n"
    tokens = read_rwkv_vocab(lines.encode()).tokens
    assert tokens == {"Ā": 1, "ÿ": 2, "Ġthe": 3, "it's": 4, "æĹ¥": 5}


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"vocab.json": b"[]", "merges.txt": PAIRS}, "vocab.json"),
        ({"vocab.json": b'{"a": 1.5}', "merges.txt": PAIRS}, "vocab.json"),
        ({"vocab.json": VOCAB, "merges.txt": b"a b c\n"}, "merges.txt"),
        ({"vocab.json": VOCAB, "merges.txt": b"\xff\xff"}, "merges.txt"),
        ({"vocab.json": VOCAB, "merges.txt": b""}, "merges.txt"),
        ({"vocab.txt": b"\xff\xfe"}, "vocab.txt"),
        ({"vocab.txt": b"one line"}, "vocab.txt"),
        ({"rwkv_vocab_x.txt": b"1 __import__('os') 2\n"}, "rwkv_vocab_x.txt"),
        ({"rwkv_vocab_x.txt": b"1 'ab' 3\n"}, "rwkv_vocab_x.txt"),
        ({"rwkv_vocab_x.txt": b"1 " + b"(" * 3000 + b" 3\n"}, "rwkv_vocab_x.txt"),
        ({"tokenizer_config.json": b"{", "vocab.txt": b"a\nb\n"}, "tokenizer_config.json"),
    ],
)
def test_unreadable_files_are_named(files: dict[str, bytes], name: str) -> None:
    with pytest.raises(TokenizerError, match=name.replace(".", r"\.")):
        build_tokenizer(files)


@pytest.mark.property
@UNHURRIED
@given(st.binary(max_size=60), st.sampled_from(["vocab.json", "merges.txt", "vocab.txt", "rwkv"]))
def test_noise_never_escapes(data: bytes, name: str) -> None:
    with may_refuse(name):
        if name == "vocab.json":
            read_vocab_json(data, None)
        elif name == "merges.txt":
            read_vocab_json(VOCAB, data)
        elif name == "vocab.txt":
            read_vocab_text(data)
        else:
            read_rwkv_vocab(b"1 " + data, "rwkv")
