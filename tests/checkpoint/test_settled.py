"""When a vocabulary of megabytes is worth fetching."""

from __future__ import annotations

from famtree.checkpoint.settled import SURE, could_change_answer
from famtree.matchers.classify import Classification, Standing
from famtree.matchers.rules import RuleMatch
from famtree.matchers.sizes import SizeMatch
from famtree.registry.load import build_registry
from famtree.types.family import Family
from famtree.types.identification import Candidate

SHARED = """
[[tokenizer]]
name = "shared"
generations = ["one", "two"]
vocabulary = "aa"
source = "https://example.org"
"""
OWN = """
[[tokenizer]]
name = "own"
generations = ["two"]
vocabulary = "bb"
source = "https://example.org"
"""


def family(tokenizers: str, condition: str = "architecture.layers = 2") -> Family:
    text = f"""
schema = "famtree/family/1"
key = "fir"
name = "Fir"
maker = "Acme"
sources = ["https://example.org"]
[[generation]]
key = "one"
name = "Fir 1"
[[generation.rule]]
when = {{architecture.layers = 2}}
[[generation]]
key = "two"
name = "Fir 2"
[[generation.rule]]
when = {{{condition}}}
{tokenizers}
"""
    generic = 'schema = "famtree/generic/1"\ntraits = {}\ngroups = {}\nwrappers = {}\n'
    files = {"fir.toml": text.encode(), "_generic.toml": generic.encode()}
    return build_registry(files).families[0]


def answer(
    family: Family,
    shares: tuple[float, float],
    *,
    confidence: float = 0.8,
    custom: bool = False,
    conflicts: tuple[str, ...] = (),
) -> Classification:
    one = family.generations[0]
    match = RuleMatch(family, one, one.rules[0], [], conflicts=list(conflicts))
    return Classification(
        "identified",
        confidence,
        Standing(family, one, match, SizeMatch(None, 1.0, custom=custom)),
        one,
        [
            Candidate(family="fir", generation=key, score=share, decided_by="rules")
            for key, share in zip(("one", "two"), shares, strict=True)
        ],
    )


def test_doubt_among_owners_of_one_vocabulary_is_no_reason() -> None:
    assert not could_change_answer(answer(family(SHARED), (0.8, 0.15)))
    assert not could_change_answer(answer(family(""), (0.8, 0.15)))


def test_doubt_that_a_vocabulary_can_settle_is() -> None:
    assert could_change_answer(answer(family(SHARED + OWN), (0.8, 0.15)))
    asked = family(SHARED, 'tokenizer.kind = "bpe"')
    assert could_change_answer(answer(asked, (0.8, 0.15)))


def test_doubt_about_the_family_is() -> None:
    assert could_change_answer(answer(family(SHARED), (0.6, 0.2)))
    assert could_change_answer(Classification("unknown", 0.99, None, None))
    assert could_change_answer(Classification("ambiguous", 0.99, None, None))


def test_a_look_alike_is_looked_at() -> None:
    assert could_change_answer(answer(family(SHARED), (0.9, 0.1), custom=True))
    assert could_change_answer(answer(family(SHARED), (0.9, 0.1), conflicts=("x",)))


def test_a_sure_answer_is_left_alone() -> None:
    assert not could_change_answer(answer(family(SHARED + OWN), (0.6, 0.2), confidence=SURE))
