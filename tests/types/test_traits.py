from __future__ import annotations

from famtree.fingerprints.from_traits import fingerprint_traits
from famtree.types.fingerprint import Architecture, Digest, Fingerprint, Recipe, Tokenizer
from famtree.types.traits import Trait, flatten, trait_names

DIGEST = Digest("0" * 64)


def test_names_are_dotted_and_say_nothing_of_bookkeeping() -> None:
    names = trait_names()
    assert {"architecture.layers", "recipe.rope_theta", "tokenizer.vocabulary"} <= names
    assert {name.partition(".")[0] for name in names} == {"architecture", "recipe", "tokenizer"}
    for hidden in ("digest", "seen_in", "disagreements", "sketch", "files", "status", "generation"):
        assert not any(name.endswith(f".{hidden}") for name in names)


def test_only_known_traits_are_listed() -> None:
    fingerprint = Fingerprint(
        architecture=Architecture(
            digest=DIGEST, layers=3, tied=False, seen_in={"layers": ["header"]}
        ),
        tokenizer=Tokenizer(digest=DIGEST, entries=9),
        recipe=Recipe(digest=DIGEST, eos_ids=[1, 2]),
    )
    assert flatten(fingerprint) == {
        "architecture.layers": Trait(3, "header"),
        "architecture.tied": Trait(False, "config"),
        "tokenizer.entries": Trait(9, "tokenizer"),
        "recipe.eos_ids": Trait((1, 2), "config"),
    }


def test_empty_fingerprint_has_no_trait() -> None:
    assert flatten(fingerprint_traits({})) == {}


def test_flattened_names_are_trait_names() -> None:
    shown = flatten(fingerprint_traits({"architecture.layers": 1, "recipe.context": 5}))
    assert shown.keys() <= trait_names()
