"""What a config calls its design: whose it can be, and whose it cannot.

The name of a published design says which code reads the weights: whatever its shape, the model is
none of a family that never uses that name. A made-up name says nothing of the kind, since remote
code and conversions choose theirs at will.
"""

from __future__ import annotations

from collections.abc import Iterable

from famtree.fingerprints.defaults import default_traits, known_model_type
from famtree.matchers.conditions import Fit
from famtree.matchers.observation import (
    CLASS_NAME,
    MODEL_TYPE,
    TEXT_MODEL_TYPE,
    WRAPPER,
    Observation,
)
from famtree.matchers.rules import RuleMatch
from famtree.registry.conditions import same

CONFIDENCE = 0.7
"""Of an answer by names alone: nothing was seen that only the weights of the family have."""
_NAMES = (TEXT_MODEL_TYPE, MODEL_TYPE, CLASS_NAME)
_SECTIONS = ("architecture", "recipe")


def find_foreign(
    observation: Observation, matches: Iterable[RuleMatch], namesakes: frozenset[str]
) -> frozenset[str]:
    """Return the families that the config's own names rule out; `namesakes` have one of them."""
    name = _read_name(observation)
    if name is None or not (namesakes or known_model_type(name)):
        return frozenset()
    return frozenset(
        match.family.key
        for match in matches
        if match.family.key not in namesakes and any(one in match.rule.when for one in _NAMES)
    )


def is_bare(observation: Observation) -> bool:
    """Return whether the config states its class's defaults and no value of its own."""
    name = _read_name(observation)
    assumed = default_traits(name) if name is not None else {}
    return {"hidden_size", "layers"} <= assumed.keys() and all(
        _shows(observation, trait, value) for trait, value in assumed.items()
    )


def list_namesakes(matches: Iterable[RuleMatch]) -> list[RuleMatch]:
    """Return the rules that have every name which was seen, with those judgements alone."""
    found = []
    for match in matches:
        named = [one for one in match.judgements if one.name in (*_NAMES, WRAPPER)]
        told = [one for one in named if one.trait is not None and one.fit is Fit.FITS]
        if told and all(one.fit is Fit.FITS for one in named):
            found.append(RuleMatch(match.family, match.generation, match.rule, told))
    return found


def _read_name(observation: Observation) -> str | None:
    trait = observation.traits.get(TEXT_MODEL_TYPE)
    return str(trait.value) if trait is not None and trait.source == "config" else None


def _shows(observation: Observation, name: str, value: bool | float | str) -> bool:
    """Return whether the config says nothing else of a trait than its class does."""
    seen = [observation.traits.get(f"{section}.{name}") for section in _SECTIONS]
    return all(
        one is None or (not isinstance(one.value, tuple) and same(one.value, value)) for one in seen
    )
