from __future__ import annotations

from famtree.fingerprints.tokenizer import build_tokenizer
from famtree.fingerprints.vocabulary_sketch import build_sketch
from famtree.matchers.vocabulary_relation import relate_vocabularies
from famtree.types.fingerprint import Tokenizer
from fingerprints.vocabularies import tokenizer_json


def tokenizer(words: list[str], **fields: object) -> Tokenizer:
    sketch = build_sketch([word.encode() for word in words], list(range(len(words))))
    return Tokenizer.model_validate(
        {"digest": "d", "sketch": sketch, "base_entries": len(words), **fields}
    )


WORDS = [f"word-{number}" for number in range(2000)]


def test_the_same_file_is_the_same_vocabulary() -> None:
    left = Tokenizer.model_validate({"digest": "a", "files": {"tokenizer.json": "f"}})
    assert relate_vocabularies(left, left).kind == "identical"
    side = Tokenizer.model_validate({"digest": "a", "files": {"tokenizer_config.json": "f"}})
    assert relate_vocabularies(side, side).kind == "unknown"


def test_equal_content_is_identical_whatever_the_file() -> None:
    read = build_tokenizer({"tokenizer.json": tokenizer_json()}, hashes={"tokenizer.json": "1"})
    again = build_tokenizer({"tokenizer.json": tokenizer_json()}, hashes={"tokenizer.json": "2"})
    assert relate_vocabularies(read, again).kind == "identical"


def test_added_tokens_extend() -> None:
    parent = tokenizer(WORDS, vocabulary="v", added="x", added_count=3)
    child = tokenizer(WORDS, vocabulary="v", added="y", added_count=10)
    assert (relate_vocabularies(child, parent).kind, relate_vocabularies(child, parent).added) == (
        "extended",
        7,
    )


def test_appended_entries_extend_and_others_do_not() -> None:
    parent, child = tokenizer(WORDS), tokenizer([*WORDS, *(f"new-{n}" for n in range(400))])
    found = relate_vocabularies(child, parent)
    assert (found.kind, found.added) == ("extended", 400)
    assert relate_vocabularies(parent, child).kind == "overlapping"
    moved = tokenizer(["<pad>", *WORDS])  # every id is another one
    assert relate_vocabularies(moved, parent).kind == "overlapping"
    foreign = tokenizer([f"other-{n}" for n in range(2000)])
    assert relate_vocabularies(foreign, parent).kind == "different"


def test_what_was_not_read_is_unknown() -> None:
    partial = Tokenizer.model_validate({"digest": "d"})
    assert relate_vocabularies(partial, tokenizer(WORDS)).kind == "unknown"
    assert relate_vocabularies(None, partial).kind == "unknown"
    broken = Tokenizer.model_validate({"digest": "d", "sketch": "?"})
    assert relate_vocabularies(broken, tokenizer(WORDS)).kind == "unknown"
