from __future__ import annotations

import pytest
from msgspec.structs import replace

from famtree.fingerprints.vocabulary import Vocabulary
from famtree.interchange.side import Side
from famtree.interchange.tokens import compare_tokens
from interchange.sides import make_side, make_words

WORDS = tuple("abcdefghij")


def _side(vocabulary: Vocabulary, rows: int) -> Side:
    return make_side(vocab_size=rows, vocabulary=vocabulary)


@pytest.mark.parametrize(
    ("left", "right", "relation"),
    [
        (make_words(*WORDS), make_words(*WORDS), "identical"),
        (make_words(*WORDS), make_words(*WORDS, added={"<x>": 10}), "extended"),
        (make_words(*WORDS), make_words("<pad>", *WORDS), "overlapping"),
        (make_words(*WORDS, added={"<y>": 10}), make_words(*WORDS, added={"<x>": 10}),
         "overlapping"),
        (make_words(*WORDS), make_words("a", *"klmnopqrst"), "different"),
    ],
)  # fmt: skip
def test_relation(left: Vocabulary, right: Vocabulary, relation: str) -> None:
    a, b = _side(left, 16), _side(right, 16)
    assert compare_tokens(a, b).relation == relation
    assert compare_tokens(b, a).relation == relation


def test_counts_are_of_all_tokens() -> None:
    found = compare_tokens(
        _side(make_words(*WORDS), 16), _side(make_words("<pad>", *WORDS[:8], added={"j": 9}), 16)
    )
    assert found.counts is not None
    assert (found.counts.a, found.counts.b) == (10, 10)
    assert (found.counts.shared, found.counts.same_id) == (9, 1)
    assert found.same_ids is False


def test_texts_count_from_id_five_to_the_smaller_number_of_rows() -> None:
    base = _side(make_words(*WORDS), 16)
    early = make_words("x", *WORDS[1:])
    late = make_words(*WORDS[:9], "x")
    longer = make_words(*WORDS, added={"<x>": 20})
    assert compare_tokens(base, _side(early, 16)).same_texts is True
    assert compare_tokens(base, _side(late, 16)).same_texts is False
    assert compare_tokens(base, _side(longer, 24)).same_texts is True
    assert compare_tokens(base, _side(longer, 21)).same_texts is True
    assert compare_tokens(_side(make_words(*WORDS), 24), _side(longer, 24)).same_texts is False


def test_unread_vocabularies_are_unknown_and_not_different() -> None:
    a = make_side()
    found = compare_tokens(a, replace(make_side(), vocabulary=make_words(*WORDS)))
    assert (found.relation, found.same_ids, found.same_texts) == ("unknown", None, None)


def test_a_checkpoint_has_its_own_tokens() -> None:
    side = make_side()
    assert compare_tokens(side, side).relation == "identical"
