"""What an adapter's config and tokenizer show of its base, beside the widths of matrices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from famtree.checkpoint.bases import Base
from famtree.fingerprints.tensor_names import load_roles
from famtree.matchers.vocabularies import match_vocabularies
from famtree.registry.conditions import describe, fits
from famtree.registry.registry import Registry
from famtree.types.adapter import Adapter
from famtree.types.family import Condition
from famtree.types.fingerprint import Architecture, Fingerprint, Tokenizer
from famtree.types.identification import Evidence

_FUSED = "architecture.fused_qkv"
_CLASS = "architecture.class_name"
_TYPES = ("architecture.text_model_type", "architecture.model_type")
_TASKS = {
    "CAUSAL_LM": ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration"),
    "SEQ_2_SEQ_LM": ("ForConditionalGeneration", "Seq2SeqLM"),
}
"""peft's task types to the endings of classes that do them; other tasks put a head on any model."""


def list_fits(
    adapter: Adapter,
    config: Mapping[str, Any],
    fingerprint: Fingerprint,
    base: Base,
    registry: Registry,
) -> list[Evidence]:
    """Return what agrees with the base and what does not; what could not be compared is left out.

    `fingerprint` is of the files beside the adapter: a tokenizer, or a config.json. Of a base that
    is not on record its generations stand for it.
    """
    found = [
        _compare_tokenizer(fingerprint.tokenizer, base, registry),
        _compare_design(fingerprint.architecture, base, registry),
        _compare_targets(adapter, base, registry),
        _compare_task(config.get("task_type"), base, registry),
    ]
    return [one for one in found if one is not None]


def _compare_tokenizer(
    tokenizer: Tokenizer | None, base: Base, registry: Registry
) -> Evidence | None:
    verdicts = match_vocabularies(tokenizer, registry)
    own = [verdicts[base.family, key] for key in base.generations if (base.family, key) in verdicts]
    if not own:
        return None
    best = max(own, key=lambda one: one.weight)
    return best.evidence if best.weight > 0 or best.conflict else None


def _compare_design(beside: Architecture, base: Base, registry: Registry) -> Evidence | None:
    """A config.json beside an adapter is its base's."""
    seen = beside.text_model_type or beside.model_type
    stated = [one for trait in _TYPES for one in _list_conditions(trait, base, registry)]
    if seen is None or not stated:
        return None
    return Evidence.model_construct(
        signal="architecture.model_type",
        source="config",
        expected=", ".join(dict.fromkeys(name for one in stated for name in _list_words(one)))[
            :200
        ],
        seen=seen,
        supports=any(fits(one, seen) for one in stated),
        weight=0.0,
    )


def _compare_targets(adapter: Adapter, base: Base, registry: Registry) -> Evidence | None:
    """Queries, keys and values are one matrix or three: the targets tell which."""
    roles = {role for target in adapter.targets for role in _find_roles(target)}
    if roles & {"q", "k", "v"} and "qkv" in roles:
        return None
    fused = "qkv" in roles
    if not fused and not roles & {"q", "k", "v"}:
        return None
    return _compare(
        _FUSED, "adapter.targets", fused, ", ".join(adapter.targets[:8]), base, registry
    )


def _compare_task(task: object, base: Base, registry: Registry) -> Evidence | None:
    endings = _TASKS.get(task) if isinstance(task, str) else None
    stated = list(_list_conditions(_CLASS, base, registry))
    names = [name for one in stated for name in _list_words(one)]
    if endings is None or not names:
        return None
    return Evidence.model_construct(
        signal="adapter.task_type",
        source="config",
        expected=", ".join(dict.fromkeys(names))[:200],
        seen=str(task),
        supports=any(name.endswith(endings) for name in names),
        weight=0.0,
    )


def _compare(
    trait: str, signal: str, value: bool, seen: str, base: Base, registry: Registry
) -> Evidence | None:
    known = base.facts.traits.get(trait) if base.facts is not None else None
    stated = list(_list_conditions(trait, base, registry))
    if known is not None:
        supports, expected = known.value == value, f"{trait} {known.value}"
    elif stated:
        supports = any(fits(one, value) for one in stated)
        expected = f"{trait} {describe(stated[0])}"
    else:
        return None
    return Evidence.model_construct(
        signal=signal, source="config", expected=expected, seen=seen, supports=supports, weight=0.0
    )


def _list_conditions(trait: str, base: Base, registry: Registry) -> Iterator[Condition]:
    for key in base.generations:
        generation = registry.find_generation(base.family, key)
        for rule in generation.rules if generation is not None else ():
            if trait in rule.when:
                yield rule.when[trait]


def _list_words(condition: Condition) -> list[str]:
    stated = condition.one_of or (() if condition.equals is None else (condition.equals,))
    return [one for one in stated if isinstance(one, str)]


@cache
def _load_targets() -> dict[str, frozenset[str]]:
    """Return the last word of a module's path to the roles it can have."""
    found: dict[str, set[str]] = {}
    for path, role in load_roles()["block"].items():
        found.setdefault(path.rpartition(".")[2], set()).add(role)
    return {word: frozenset(roles) for word, roles in found.items()}


def _find_roles(target: str) -> frozenset[str]:
    return _load_targets().get(target.rpartition(".")[2], frozenset())
