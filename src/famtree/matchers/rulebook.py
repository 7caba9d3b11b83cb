"""Every rule of a registry, made ready for matching once.

The registry states some 7,000 conditions, of which 1,200 differ. Each is judged once a checkpoint;
how common it is among all designs does not depend on the checkpoint at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

from famtree.registry.registry import Registry
from famtree.types.family import Condition, Family, Generation, Rule, TraitPolicy


class Asked(Struct):
    """One distinct condition on one trait."""

    name: str
    condition: Condition
    policy: TraitPolicy
    share: float
    """Part of the probability that one of the allowed values has."""
    designs: float = 0.0
    """Generations that state it, each by the part of its rules that do."""


class StatedRule(Struct, frozen=True):
    """One rule, its conditions as places in `RuleBook.asked`."""

    family: Family
    generation: Generation
    rule: Rule
    asks: tuple[int, ...]


class RuleBook(Struct, frozen=True):
    """All conditions, all rules, and how many generations state something of a trait."""

    asked: tuple[Asked, ...]
    rules: tuple[StatedRule, ...]
    generations: int
    stating: Mapping[str, int]
    """Trait to generations that have any condition on it."""
    excluding: Mapping[str, int]
    """Trait to generations that want it absent."""


@lru_cache(maxsize=2)
def read_rules(registry: Registry) -> RuleBook:
    """Return the rule book of `registry`, kept for the next checkpoint."""
    # By identity: a registry holds equal conditions once, and hashing 7,000 of them takes longer
    # than judging.
    places: dict[tuple[str, int], int] = {}
    asked: list[Asked] = []
    rules: list[StatedRule] = []
    stating: Counter[str] = Counter()
    excluding: Counter[str] = Counter()
    generations = 0
    for family, generation in registry.walk_generations():
        generations += bool(generation.rules)
        part = 1.0 / max(1, len(generation.rules))
        for rule in generation.rules:
            asks = []
            for name, condition in rule.when.items():
                at = places.get((name, id(condition)))
                if at is None:
                    at = places[name, id(condition)] = len(asked)
                    asked.append(_ask(name, condition, registry))
                asked[at].designs += part
                asks.append(at)
            rules.append(StatedRule(family, generation, rule, tuple(asks)))
        stating.update({name for rule in generation.rules for name in rule.when})
        excluding.update(
            {
                name
                for rule in generation.rules
                for name, condition in rule.when.items()
                if condition.absent
            }
        )
    return RuleBook(
        asked=tuple(asked),
        rules=tuple(rules),
        generations=generations,
        stating=stating,
        excluding=excluding,
    )


def policy_of(registry: Registry, name: str) -> TraitPolicy:
    """Return how far a trait can be trusted; traits without an own entry share a mild one."""
    return registry.generic.traits.get(name, _UNLISTED)


_UNLISTED = TraitPolicy.model_construct(
    group="unlisted", edit_rate=0.1, reason="no entry of its own"
)


def _ask(name: str, condition: Condition, registry: Registry) -> Asked:
    share = 1.0 / max(1, len(condition.one_of or ()))
    return Asked(name, condition, policy_of(registry, name), share)
