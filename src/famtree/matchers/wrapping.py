"""A config that only wraps a design: whether the design inside speaks for the whole.

For a chat model over a language model it does by convention: images and sound become tokens of that
model. A detector, a segmenter or a speech encoder with a text tower is a design of its own, and the
tower is a part of it.
"""

from __future__ import annotations

from functools import lru_cache

from famtree.matchers.observation import (
    CLASS_NAME,
    MODEL_TYPE,
    TEXT_MODEL_TYPE,
    WRAPPER,
    Observation,
)
from famtree.registry.conditions import options
from famtree.registry.registry import Registry
from famtree.types.family import Condition, Generation

_DECODERS = ("ForCausalLM", "LMHeadModel")
_CHATS = ("ForConditionalGeneration", "ForCausalLM", "LMHeadModel", "ChatModel")
"""Endings of transformers' classes that write text."""
_NAMES = (MODEL_TYPE, TEXT_MODEL_TYPE, WRAPPER, CLASS_NAME)


def speaks_for_whole(observation: Observation, inner: Generation, registry: Registry) -> bool:
    """Return whether `inner`, the best design for what was observed, is that of the whole.

    It is where nothing is nested, where the wrapper or its class is on record, and where an unknown
    wrapper is a class that writes text over a decoder.
    """
    architecture = observation.fingerprint.architecture
    outer, name = architecture.wrapper, architecture.class_name
    if outer is None or observation.wrapper is not None:
        return True
    known = list_names(registry)
    if outer in known or name in known:
        return True
    return name is not None and name.endswith(_CHATS) and _is_decoder(inner)


def _is_decoder(generation: Generation) -> bool:
    """Encoders and models with both halves have no class that continues a text."""
    names = [name for rule in generation.rules for name in _list_options(rule.when.get(CLASS_NAME))]
    if any(name.endswith(_DECODERS) for name in names):
        return True
    rotary = any("recipe.rope_theta" in rule.when for rule in generation.rules)
    return rotary and all(name.endswith(_CHATS) for name in names)


@lru_cache(maxsize=2)
def list_names(registry: Registry) -> frozenset[str]:
    """Return every model_type and class that a rule or a recorded checkpoint has."""
    found = set[str]()
    for _, generation in registry.walk_generations():
        for rule in generation.rules:
            for trait in _NAMES:
                found.update(_list_options(rule.when.get(trait)))
    for family in registry.families:
        for exemplar in family.exemplars:
            found.update(
                value for trait in _NAMES if isinstance(value := exemplar.traits.get(trait), str)
            )
    return frozenset(found)


def _list_options(condition: Condition | None) -> list[str]:
    stated = options(condition) if condition is not None else ()
    return [one for one in stated if isinstance(one, str)]
