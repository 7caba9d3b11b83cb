"""Every rule of a registry, made ready for matching once.

The registry states some 7,000 conditions, of which 1,200 differ. Each is judged once a checkpoint;
how common it is among all designs does not depend on the checkpoint at all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from famtree.registry.registry import Registry
from famtree.types.family import Condition, Family, Generation, Rule, TraitPolicy


@dataclass(slots=True)
class Asked:
    """One distinct condition on one trait."""

    name: str
    condition: Condition
    policy: TraitPolicy
    share: float
    """Part of the probability that one of the allowed values has."""
    designs: float = 0.0
    """Generations that state it, by `share` and by the part of their rules that do."""


@dataclass(frozen=True, slots=True)
class StatedRule:
    """One rule, its conditions as places in `RuleBook.asked`."""

    family: Family
    generation: Generation
    rule: Rule
    asks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All conditions, all rules, and how many generations state something of a trait."""

    asked: tuple[Asked, ...]
    rules: tuple[StatedRule, ...]
    generations: int
    stating: dict[str, int]
    """Trait to generations that have any condition on it."""
    excluding: dict[str, int]
    """Trait to generations that want it absent."""


@lru_cache(maxsize=2)
def read_rules(registry: Registry) -> RuleBook:
    """Return the rule book of `registry`, kept for the next checkpoint."""
    # By identity: a registry holds equal conditions once, and hashing 7,000 of them takes longer
    # than judging.
    places: dict[tuple[str, int], int] = {}
    asked: list[Asked] = []
    rules: list[StatedRule] = []
    rules_of = Counter(
        (family.key, generation.key)
        for family, generation in registry.walk_generations()
        for _ in generation.rules
    )
    stating: dict[str, set[tuple[str, str]]] = {}
    excluding: dict[str, set[tuple[str, str]]] = {}
    for family, generation in registry.walk_generations():
        key = (family.key, generation.key)
        for rule in generation.rules:
            asks = []
            for name, condition in rule.when.items():
                at = places.setdefault((name, id(condition)), len(asked))
                if at == len(asked):
                    asked.append(_ask(name, condition, registry))
                asked[at].designs += asked[at].share / rules_of[key]
                stating.setdefault(name, set()).add(key)
                if condition.absent:
                    excluding.setdefault(name, set()).add(key)
                asks.append(at)
            rules.append(StatedRule(family, generation, rule, tuple(asks)))
    return RuleBook(
        asked=tuple(asked),
        rules=tuple(rules),
        generations=len(rules_of),
        stating={name: len(keys) for name, keys in stating.items()},
        excluding={name: len(keys) for name, keys in excluding.items()},
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
