from __future__ import annotations

from famtree.fingerprints.digest import digest
from famtree.matchers.vocabularies import FOREIGN, FOREIGN_UNRECORDED, match_vocabularies
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


def loose_generations() -> set[tuple[str, str]]:
    """Generations that ship vocabularies which are not on record, or none that is."""
    registry = load_registry()
    complete = {
        (family.key, generation)
        for family in registry.families
        for one in family.tokenizers
        if one.exhaustive
        for generation in one.generations
    }
    return {
        (family.key, generation.key) for family, generation in registry.walk_generations()
    } - complete


def test_a_vocabulary_of_nobody_says_nothing_of_an_incomplete_record() -> None:
    read = as_read(find_known("gemma", "gemma-2")).model_copy(
        update={"vocabulary": digest("other"), "merges": digest("other")}
    )
    found = match_vocabularies(read, load_registry())
    assert loose_generations()
    assert not loose_generations() & found.keys()


def test_another_familys_vocabulary_counts_against_an_incomplete_record() -> None:
    """A swapped tokenizer shows, also where the generation's own was never recorded."""
    found = match_vocabularies(as_read(find_known("yi", "yi-1.5")), load_registry())
    for key in (("glm", "glm-4.5"), ("telechat", "telechat1"), ("llama", "open-llama")):
        assert key in loose_generations()
        assert found[key].conflict
        assert found[key].weight == FOREIGN_UNRECORDED > FOREIGN


def test_a_siblings_vocabulary_is_not_foreign() -> None:
    found = match_vocabularies(as_read(find_known("glm", "chatglm3")), load_registry())
    assert ("glm", "glm-4.5") in loose_generations()
    assert ("glm", "glm-4.5") not in found


def test_an_extended_vocabulary_of_the_line_is_recognised_by_its_sketch() -> None:
    read = as_read(find_known("qwen", "qwen2.5")).model_copy(
        update={"vocabulary": digest("other"), "merges": digest("other")}
    )
    found = match_vocabularies(read, load_registry())
    assert not found["qwen", "qwen2.5"].conflict
    assert found["qwen", "qwen2.5"].weight > 0
    assert found["llama", "llama-2"].conflict
