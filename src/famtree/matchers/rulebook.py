"""Every rule of a registry, made ready for matching once.

The registry states some 7,000 conditions, of which 1,200 differ. Each is judged once a checkpoint;
how common it is in the population does not depend on the checkpoint at all.
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
    """Generations of the population that state it, each by the part of its rules that do."""


class StatedRule(Struct, frozen=True):
    """One rule, its conditions as places in `RuleBook.asked`."""

    family: Family
    generation: Generation
    rule: Rule
    asks: tuple[int, ...]


class RuleBook(Struct, frozen=True):
    """All conditions, all rules, and how much of the population states something of a trait."""

    asked: tuple[Asked, ...]
    rules: tuple[StatedRule, ...]
    generations: int
    """Of the population, with rules."""
    stating: Mapping[str, int]
    """Trait to generations of the population that have any condition on it, 0 where only others
    do."""
    lacking: Mapping[str, int]
    """Trait to generations of the population whose rules expect no value of it."""


@lru_cache(maxsize=2)
def read_rules(registry: Registry) -> RuleBook:
    """Return the rule book of `registry`, kept for the next checkpoint."""
    # By identity: a registry holds equal conditions once, and hashing 7,000 of them takes longer
    # than judging.
    places: dict[tuple[str, int], int] = {}
    asked: list[Asked] = []
    rules: list[StatedRule] = []
    stating: Counter[str] = Counter()
    having: Counter[str] = Counter()
    generations = 0
    for family, generation in registry.walk_generations():
        counted = (family.key, generation.key) in registry.population
        generations += counted and bool(generation.rules)
        part = counted / max(1, len(generation.rules))
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
        for name in {name for rule in generation.rules for name in rule.when}:
            stating[name] += counted
        for name in {name for rule in generation.rules for name, one in rule.when.items()
                     if not one.absent}:  # fmt: skip
            having[name] += counted
    return RuleBook(
        asked=tuple(asked),
        rules=tuple(rules),
        generations=generations,
        stating=stating,
        lacking={name: generations - having[name] for name in stating},
    )


def policy_of(registry: Registry, name: str) -> TraitPolicy:
    """Return how far a trait can be trusted; traits without an own entry share a mild one."""
    return registry.generic.traits.get(name, _UNLISTED)


_UNLISTED = TraitPolicy(group="unlisted", edit_rate=0.1, reason="no entry of its own")


def _ask(name: str, condition: Condition, registry: Registry) -> Asked:
    share = 1.0 / max(1, len(condition.one_of or ()))
    return Asked(name, condition, policy_of(registry, name), share)
