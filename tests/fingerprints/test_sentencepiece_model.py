from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famtree.errors import TokenizerError
from famtree.fingerprints.sentencepiece_model import read_sentencepiece
from famtree.fingerprints.tokenizer import build_tokenizer
from famtree.fingerprints.vocabulary import AddedToken
from fingerprints.vocabularies import UNHURRIED, may_refuse, sentencepiece, tokenizer_json

PIECES = [("<unk>", 2), ("<s>", 3), ("</s>", 3), ("<0x0A>", 6), ("▁the", 1), ("[INST]", 4)]


def test_pieces_by_type() -> None:
    found = read_sentencepiece(sentencepiece(PIECES))
    assert found.kind == "spm-bpe"
    assert found.tokens == {"<0x0A>": 3, "▁the": 4}
    assert found.base_entries == 6
    assert found.added == {
        "<unk>": AddedToken(0, True),
        "<s>": AddedToken(1, True),
        "</s>": AddedToken(2, True),
        "[INST]": AddedToken(5, False),
    }


@pytest.mark.parametrize(("number", "kind"), [(1, "spm-unigram"), (2, "spm-bpe")])
def test_kind_of_trainer(number: int, kind: str) -> None:
    assert read_sentencepiece(sentencepiece(PIECES, number)).kind == kind


def test_long_pieces_and_unknown_fields() -> None:
    long = "▁" * 200
    data = sentencepiece([(long, 1), ("a", 1)]) + b"\x1a\x03abc" + b"\x28\x05" + b"\x35abcd"
    assert read_sentencepiece(data).tokens == {long: 0, "a": 1}


def test_same_vocabulary_as_tokenizer_json() -> None:
    pieces = [("<unk>", 2), ("<s>", 3), ("a", 1), ("▁a", 1)]
    specials = [
        {"id": 0, "content": "<unk>", "special": True},
        {"id": 1, "content": "<s>", "special": True},
    ]
    model = {
        "type": "BPE",
        "vocab": {piece: at for at, (piece, _) in enumerate(pieces)},
        "merges": ["▁ a"],
    }
    table = tokenizer_json(model=model, added_tokens=specials, pre_tokenizer=None, decoder=None)
    one = build_tokenizer({"tokenizer.json": table})
    other = build_tokenizer({"tokenizer.model": sentencepiece(pieces)})
    assert one is not None
    assert other is not None
    assert (one.vocabulary, one.added) == (other.vocabulary, other.added)
    assert (one.sketch, one.kind) == (other.sketch, other.kind)
    assert (one.entries, one.base_entries) == (other.entries, other.base_entries)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        sentencepiece(PIECES)[:-60],
        b"\x0a\x7f\x0a\x01a",
        b"\x0a\x03\x0a\xff\xff",
        b"\x0a\x04\x0a\x02\xff\xfe",
        b"\x0a\x03\x0a\x03a\x28\x01",  # a text that reaches into the next field
        b"\x0f\x00",
        b"\x12\x00",
        b"\x0a" + b"\x80" * 20,
        b"version https://git-lfs.github.com/spec/v1\n",
    ],
)
def test_unreadable_files_are_named(data: bytes) -> None:
    with pytest.raises(TokenizerError, match=r"tokenizer\.model"):
        read_sentencepiece(data)


@pytest.mark.property
@UNHURRIED
@given(st.binary(max_size=200))
def test_noise_never_escapes(data: bytes) -> None:
    for candidate in (data, sentencepiece(PIECES)[:40] + data):
        with may_refuse("tokenizer.model"):
            read_sentencepiece(candidate)


@pytest.mark.property
@UNHURRIED
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=80), unique=True, min_size=1
    )
)
def test_every_piece_comes_back(texts: list[str]) -> None:
    found = read_sentencepiece(sentencepiece([(text, 1) for text in texts]))
    assert list(found.tokens) == texts
