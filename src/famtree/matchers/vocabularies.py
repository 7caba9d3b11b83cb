"""Compare the tokenizer at hand with the vocabularies each generation is known to ship."""

from __future__ import annotations

import math

from msgspec import Struct

from famtree.registry.registry import Registry
from famtree.types.family import KnownTokenizer
from famtree.types.fingerprint import Tokenizer
from famtree.types.identification import Evidence

EQUAL = 0.95
"""Share of derivatives that ship their generation's vocabulary unchanged under the added tokens."""
CAP = 5.0
ADDED_GAIN = 0.7
"""The very same added tokens as well: they separate generations that share a vocabulary."""
SAME_LINE_JACCARD = 0.95
SAME_LINE_AGREEMENT = 0.9
"""Two vocabularies of one line share 95 % of their tokens under the same ids; vocabularies that
merely share a construction stay below 0.9 and disagree on ids."""
SAME_LINE_GAIN = 1.5
FOREIGN = -5.0
"""The vocabulary is another family's: nobody replaces a vocabulary without retraining."""
FOREIGN_UNRECORDED = -2.0
"""The same where the generation's own vocabulary is not on record: it may ship that very one."""
UNKNOWN_VOCABULARY = -2.0
"""Neither known nor similar: retrained or extended vocabularies exist, but are rare."""


class VocabularyMatch(Struct, frozen=True):
    """How the tokenizer stands to one generation's own."""

    weight: float
    evidence: Evidence
    conflict: bool


def match_vocabularies(
    tokenizer: Tokenizer | None, registry: Registry
) -> dict[tuple[str, str], VocabularyMatch]:
    """Return a verdict for every generation about which the vocabulary says something.

    Nothing is concluded when the vocabulary was not read, nor for a generation without a complete
    record from a vocabulary that is nobody's, or one of its own family's.
    """
    if tokenizer is None or tokenizer.vocabulary is None:
        return {}
    shipped = _by_generation(registry)
    owners = {key for key, known in shipped.items() if any(_equal(tokenizer, one) for one in known)}
    population = registry.population
    counted = len(owners & population) or bool(owners)
    background = (counted + 0.5) / (len(shipped.keys() & population) + 1.0)
    found: dict[tuple[str, str], VocabularyMatch] = {}
    for family, generation in registry.walk_generations():
        key = (family.key, generation.key)
        known = shipped.get(key, [])
        if key in owners:
            gain = min(CAP, math.log(EQUAL / background))
            if tokenizer.added is not None and any(
                _equal(tokenizer, one) and one.added == tokenizer.added for one in known
            ):
                gain += ADDED_GAIN
            found[key] = _verdict(tokenizer, known[0], gain, conflict=False)
        elif known and all(one.exhaustive for one in known):
            found[key] = _compare(tokenizer, known, foreign=bool(owners))
        elif owners and not any(owner == family.key for owner, _ in owners):
            found[key] = _verdict(tokenizer, None, FOREIGN_UNRECORDED, conflict=True)
    return found


def _equal(tokenizer: Tokenizer, known: KnownTokenizer) -> bool:
    if tokenizer.vocabulary == known.vocabulary:
        return True
    return known.merges is not None and tokenizer.merges == known.merges


def _by_generation(registry: Registry) -> dict[tuple[str, str], list[KnownTokenizer]]:
    shipped: dict[tuple[str, str], list[KnownTokenizer]] = {}
    for family in registry.families:
        for known in family.tokenizers:
            for generation in known.generations:
                shipped.setdefault((family.key, generation), []).append(known)
    return shipped


def _compare(
    tokenizer: Tokenizer, known: list[KnownTokenizer], *, foreign: bool
) -> VocabularyMatch:
    from famtree.fingerprints.vocabulary_sketch import compare_sketches

    best = 0.0
    for one in known:
        if not one.sketch or not tokenizer.sketch:
            continue
        match = compare_sketches(tokenizer.sketch, one.sketch)
        if (match.id_agreement or 0.0) >= SAME_LINE_AGREEMENT:
            best = max(best, match.jaccard)
    if best >= SAME_LINE_JACCARD:
        return _verdict(tokenizer, known[0], SAME_LINE_GAIN, conflict=False)
    weight = FOREIGN if foreign else UNKNOWN_VOCABULARY
    return _verdict(tokenizer, known[0], weight, conflict=True)


def _count(tokenizer: Tokenizer) -> str:
    """Return how many tokens there are; nothing where the file's header does not tell."""
    count = tokenizer.base_entries or tokenizer.entries
    return f"{count} tokens, " if count else ""


def _verdict(
    tokenizer: Tokenizer, known: KnownTokenizer | None, weight: float, *, conflict: bool
) -> VocabularyMatch:
    return VocabularyMatch(
        weight,
        Evidence.model_construct(
            signal="tokenizer.vocabulary",
            source="tokenizer",
            expected=known.name if known else "a vocabulary of its own",
            seen=f"{_count(tokenizer)}digest {(tokenizer.vocabulary or '')[:12]}",
            supports=weight > 0,
            weight=round(weight, 3),
        ),
        conflict,
    )
