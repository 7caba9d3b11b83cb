"""What of a checkpoint is absent, and what its absence costs in confidence.

The cost is worked out, not guessed: the answer is judged once more as if every absent file were
there and showed what the registry expects of the generation that was found. The difference is the
most that the files could add.
"""

from __future__ import annotations

from msgspec.structs import replace

from famtree.checkpoint.gathered import Gathered
from famtree.fingerprints.tokenizer import recognise_tokenizer
from famtree.matchers.classify import Classification, classify
from famtree.matchers.observation import Observation
from famtree.registry.registry import Registry
from famtree.types.family import Condition, Scalar
from famtree.types.identification import Completeness, MissingPart, Part
from famtree.types.traits import Trait

SURE = 0.95
"""Confidence that no file could raise by more than a few hundredths: then the second judgement,
which takes as long as the first, is left out."""
_PREFIXES = {
    "config": ("architecture.", "recipe."),
    "weights": ("architecture.",),
    "shards": ("architecture.",),
    "tokenizer": ("tokenizer.",),
}
"""Which traits each absent part would show."""


def assess_completeness(
    found: Gathered, observation: Observation, result: Classification, registry: Registry
) -> Completeness | None:
    """Return what is absent and its cost, None where everything is there.

    An adapter has no design of its own to be complete. Without a family there is nothing to
    expect of the absent files, and the cost is None.
    """
    missing = list_missing(found, observation)
    if not missing:
        return None
    if result.best is not None and result.confidence >= SURE:
        return Completeness.model_construct(
            missing=missing, confidence_if_complete=result.confidence, confidence_cost=0.0
        )
    expected = _expect(missing, observation, result)
    if expected is None:
        return Completeness.model_construct(missing=missing)
    reachable = max(classify(expected, registry).confidence, result.confidence)
    return Completeness.model_construct(
        missing=missing,
        confidence_if_complete=reachable,
        confidence_cost=round(reachable - result.confidence, 4),
    )


def list_missing(found: Gathered, observation: Observation) -> list[MissingPart]:
    """Return the parts that a whole checkpoint has and this one lacks."""
    if found.form.name == "adapter" or found.explanation is not None:
        return []
    missing = []

    def lacks(part: Part, message: str) -> None:
        missing.append(MissingPart.model_construct(part=part, message=message))

    if not found.config:
        lacks("config", "no config.json states the design")
    if found.form.unread is not None:
        lacks("weights", found.form.unread)
    elif not found.index.tensors and found.form.is_whole(found):
        lacks("weights", "no header of a weight file shows names and shapes")
    elif found.plan.missing_shards:
        whole = len(found.plan.shards) + found.plan.missing_shards
        lacks("shards", f"{found.plan.missing_shards} of {whole} weight files are absent")
    elif list_absent_shards(found):
        lacks("shards", "weight files that the index names are absent")
    if _lacks_tokenizer(found, observation):
        lacks("tokenizer", "no vocabulary file")
    return missing


def list_absent_shards(found: Gathered) -> list[str]:
    """Return the weight files that the index names and the listing lacks."""
    if not found.index.indexed:
        return []
    absent = dict.fromkeys(found.index.file_of.values())
    for entry in found.listing.files:
        absent.pop(entry.name, None)
    return sorted(absent)


def _lacks_tokenizer(found: Gathered, observation: Observation) -> bool:
    tokenizer = observation.fingerprint.tokenizer
    if tokenizer is not None and tokenizer.vocabulary is not None:
        return False
    return not found.form.holds_vocabulary(found)


def _expect(
    missing: list[MissingPart],
    observation: Observation,
    result: Classification,
) -> Observation | None:
    """Return the observation with every absent trait as the generation found has it."""
    best = result.best
    if best is None:
        return None
    prefixes = tuple({prefix for one in missing for prefix in _PREFIXES[one.part]})
    traits = dict(observation.traits)
    for name, condition in best.rule.rule.when.items():
        value = _pick(condition)
        if name not in traits and name.startswith(prefixes) and value is not None:
            traits[name] = Trait(value, "expected")
    fingerprint = observation.fingerprint
    if "tokenizer." in prefixes:
        shipped = [one for one in best.family.tokenizers if best.generation.key in one.generations]
        if shipped:
            tokenizer = recognise_tokenizer(shipped[0], {}, hashes={})
            fingerprint = fingerprint.model_copy(update={"tokenizer": tokenizer})
    return replace(observation, fingerprint=fingerprint, traits=traits)


def _pick(condition: Condition) -> Scalar | None:
    if condition.equals is not None:
        return condition.equals
    options = condition.one_of or condition.between
    return options[0] if options else None
