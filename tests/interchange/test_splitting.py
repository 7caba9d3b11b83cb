"""Equal tables of tokens, reached by texts that are split in equal or other ways."""

from __future__ import annotations

from typing import Any

import pytest

from famtree.fingerprints.digest import digest
from famtree.interchange.tokens import compare_splitting
from famtree.types.fingerprint import Tokenizer

SPLIT, OTHER, NFC = digest("split"), digest("other"), digest("nfc")


def make_tokenizer(name: str = "tokenizer.json", **fields: Any) -> Tokenizer:
    return Tokenizer(digest=digest("any"), files={name: digest(fields)}, **fields)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ({"pre_tokenizer": SPLIT}, {"pre_tokenizer": SPLIT}, True),
        ({"pre_tokenizer": SPLIT}, {"pre_tokenizer": OTHER}, False),
        ({"pre_tokenizer": SPLIT}, {"pre_tokenizer": SPLIT, "normalizer": NFC}, False),
        ({"pre_tokenizer": SPLIT, "normalizer": OTHER},
         {"pre_tokenizer": SPLIT, "normalizer": NFC}, False),
        ({"pre_tokenizer": SPLIT}, {}, False),
        # The normaliser of one version of a file is the pre-tokenizer of another.
        ({"pre_tokenizer": SPLIT}, {"normalizer": NFC}, None),
        ({}, {}, True),
        ({"pre": "llama-bpe"}, {"pre": "llama-bpe"}, True),
        ({"pre": "llama-bpe"}, {"pre": "smaug-bpe"}, False),
        ({"pre": "llama-bpe"}, {"pre": "default"}, False),
        ({"pre": "llama-bpe"}, {"pre_tokenizer": SPLIT}, False),
    ],
)  # fmt: skip
def test_how_texts_are_split(a: dict[str, Any], b: dict[str, Any], same: bool | None) -> None:
    left, right = make_tokenizer(**a), make_tokenizer(**b)
    if "pre" in a and "pre" not in b:
        left = make_tokenizer("m.gguf", **a)  # a word and a block are not held against each other
        same = None

    assert compare_splitting(left, right) is same
    assert compare_splitting(right, left) is same


def test_a_file_that_shows_no_block_says_nothing() -> None:
    model = make_tokenizer("tokenizer.model")

    assert compare_splitting(model, make_tokenizer(pre_tokenizer=SPLIT)) is None


def test_one_file_is_split_in_one_way() -> None:
    one = make_tokenizer(pre_tokenizer=SPLIT)

    assert compare_splitting(one, one) is True


def test_blocks_that_are_known_by_the_hash_of_their_file_are_compared() -> None:
    left = make_tokenizer(pre_tokenizer=SPLIT, status="recognised")
    right = make_tokenizer(pre_tokenizer=OTHER, status="recognised")

    assert compare_splitting(left, right) is False
    assert compare_splitting(left, make_tokenizer(pre_tokenizer=SPLIT)) is None
