"""Whether an answer is settled, or the vocabulary could still change it."""

from __future__ import annotations

from famtree.matchers.classify import Classification
from famtree.types.family import Family

SURE = 0.93
"""From this confidence on a vocabulary of another family is the only thing that could change the
answer, and over a network that is not worth megabytes."""
SMALL_DOUBT = 0.1
"""Share of belief outside the answer and its look-alikes that is likewise not worth them."""


def could_change_answer(result: Classification) -> bool:
    """Return whether the vocabulary could settle what config and headers left open.

    It cannot where the doubt is among generations of one family that ship the same vocabulary.
    An unsettled family, a contradicted identity trait or a shape that is no official size is
    always reason to look: there the vocabulary tells a member from a look-alike.
    """
    best = result.best
    if best is None:
        return True
    if result.outcome == "identified" and result.confidence >= SURE:
        return False
    if best.conflicts or best.size is None or best.size.custom:
        return True
    own = _tokenizer_traits(best.family, best.generation.key)
    alike = sum(
        one.score
        for one in result.candidates
        if one.generation is not None and _tokenizer_traits(best.family, one.generation) == own
    )
    return alike < 1 - SMALL_DOUBT


def _tokenizer_traits(family: Family, key: str) -> frozenset[object]:
    """Return everything that tokenizer files could show of one generation of `family`."""
    shipped = {
        (known.vocabulary, known.merges, known.added)
        for known in family.tokenizers
        if key in known.generations
    }
    asked = {
        (name, condition)
        for generation in family.generations
        if generation.key == key
        for rule in generation.rules
        for name, condition in rule.when.items()
        if name.startswith("tokenizer.")
    }
    return frozenset(shipped | asked)
