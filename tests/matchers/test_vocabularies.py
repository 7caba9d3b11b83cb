from __future__ import annotations

from famtree.fingerprints.digest import digest
from famtree.matchers.vocabularies import FOREIGN, match_vocabularies
from famtree.registry.load import load_registry
from famtree.types.family import KnownTokenizer
from famtree.types.fingerprint import Tokenizer


def as_read(known: KnownTokenizer) -> Tokenizer:
    return Tokenizer.model_validate(
        {
            "digest": digest(known.name),
            "vocabulary": known.vocabulary,
            "merges": known.merges,
            "added": known.added,
            "sketch": known.sketch,
        }
    )


def find_known(family: str, generation: str) -> KnownTokenizer:
    entry = load_registry().by_key[family]
    return next(one for one in entry.tokenizers if generation in one.generations and one.vocabulary)


def test_unread_says_nothing() -> None:
    assert match_vocabularies(None, load_registry()) == {}
    assert match_vocabularies(Tokenizer(digest=digest(1)), load_registry()) == {}


def test_the_own_vocabulary_gains() -> None:
    found = match_vocabularies(as_read(find_known("gemma", "gemma-2")), load_registry())
    own = found["gemma", "gemma-2"]
    assert own.weight > 1
    assert not own.conflict


def test_a_swapped_vocabulary_is_a_conflict() -> None:
    found = match_vocabularies(as_read(find_known("gemma", "gemma-2")), load_registry())
    other = found["qwen", "qwen2.5"]
    assert other.conflict
    assert other.weight == FOREIGN


def test_a_vocabulary_of_unlisted_variants_is_no_conflict() -> None:
    registry = load_registry()
    loose = {
        (family.key, generation)
        for family in registry.families
        for one in family.tokenizers
        if not one.exhaustive
        for generation in one.generations
    }
    assert loose
    found = match_vocabularies(as_read(find_known("gemma", "gemma-2")), registry)
    assert not loose & {key for key, match in found.items() if match.conflict}


def test_an_extended_vocabulary_of_the_line_is_recognised_by_its_sketch() -> None:
    read = as_read(find_known("qwen", "qwen2.5")).model_copy(
        update={"vocabulary": digest("other"), "merges": digest("other")}
    )
    found = match_vocabularies(read, load_registry())
    assert not found["qwen", "qwen2.5"].conflict
    assert found["qwen", "qwen2.5"].weight > 0
    assert found["llama", "llama-2"].conflict
