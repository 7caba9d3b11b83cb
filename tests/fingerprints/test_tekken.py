from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famtree.errors import TokenizerError
from famtree.fingerprints.tekken import read_tekken
from famtree.fingerprints.tokenizer import build_tokenizer
from famtree.fingerprints.vocabulary import AddedToken
from fingerprints.vocabularies import UNHURRIED, may_refuse, tekken, tokenizer_json

TOKENS = [b"a", b" b", b"unused"]


def test_ids_lie_behind_reserved_ones() -> None:
    found = read_tekken(tekken(TOKENS, reserved=10, used=2))
    assert found.tokens == {"a": 10, "Ġb": 11}
    assert found.added == {"<s>": AddedToken(0, True)}


def test_same_as_its_conversion() -> None:
    blocks = {
        "type": "Sequence",
        "pretokenizers": [
            {
                "type": "Split",
                "pattern": {"Regex": "[a-z]+"},
                "behavior": "Isolated",
                "invert": False,
            },
            {
                "type": "ByteLevel",
                "add_prefix_space": False,
                "trim_offsets": True,
                "use_regex": False,
            },
        ],
    }
    model = {"type": "BPE", "vocab": {"<s>": 0, "a": 10, "Ġb": 11}, "merges": []}
    added = [{"id": 0, "content": "<s>", "special": True}]
    table = tokenizer_json(model=model, pre_tokenizer=blocks, added_tokens=added)
    one = build_tokenizer({"tokenizer.json": table})
    other = build_tokenizer({"tekken.json": tekken(TOKENS, reserved=10, used=2)})
    assert one is not None
    assert other is not None
    for part in ("vocabulary", "added", "pre_tokenizer", "sketch", "entries"):
        assert getattr(one, part) == getattr(other, part), part


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        tekken(TOKENS, 10, 2)[:-9],
        tekken(TOKENS, 10, 2, default_vocab_size=3),
        tekken(TOKENS, 10, 2, default_vocab_size=1 << 50),
        tekken(TOKENS, 10, 2, default_num_special_tokens=-4),
        tekken(TOKENS, 10, 2).replace(b'"YQ=="', b'"Y"'),
        tekken(TOKENS, 10, 2).replace(b'"YQ=="', '"日"'.encode()),
    ],
)
def test_unreadable_files_are_named(data: bytes) -> None:
    with pytest.raises(TokenizerError, match=r"tekken\.json"):
        read_tekken(data)


@pytest.mark.property
@UNHURRIED
@given(st.integers(0, 400), st.binary(max_size=6))
def test_damage_never_escapes(cut: int, noise: bytes) -> None:
    whole = tekken(TOKENS, 10, 2)
    with may_refuse("tekken.json"):
        read_tekken(whole[:cut] + noise + whole[cut + len(noise) :])
