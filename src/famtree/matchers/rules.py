"""Weigh an observation against every rule of every generation.

Each condition is a small likelihood ratio: how likely is the value in a genuine member (one minus
the trait's edit rate, shared among the allowed values), against how likely it is in a model of
some other design (the background: the share of all generations whose rules accept the value). A
value that misses costs the logarithm of the edit rate. Traits that say nearly the same thing form
a group, and a group's gain is capped, so that ten shared dimensions never outweigh one vocabulary.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from famtree.matchers.conditions import Fit, judge
from famtree.matchers.observation import CLASS_NAME, MODEL_TYPE, TEXT_MODEL_TYPE, Observation
from famtree.matchers.sizes import FIELDS as SHAPE
from famtree.matchers.sizes import share_of_sizes
from famtree.registry.conditions import describe, show
from famtree.registry.registry import Registry
from famtree.types.family import Condition, Family, Generation, Rule, TraitPolicy
from famtree.types.identification import Evidence
from famtree.types.traits import Trait

WORST = -6.0
"""The most one trait can count against, nats: beyond it a single odd value would decide alone."""
DEFAULTED_GAIN = 0.5
DEFAULTED_LOSS = 0.25
"""A class default is what the file did not say: it supports little and refutes less."""
EXTENDED_GAIN = 0.5
"""Appended rows: as if half of the evidence of the exact count."""
SPOKEN_FOR = -1.0
"""An extension whose value is another generation's own value is more likely that one."""
CONTAINS_BACKGROUND = 0.1
"""Marker lists are open-ended, so a share of generations cannot be counted; copied templates put
any one marker set into about one model in ten."""
UNLISTED_CAP = 1.0
"""Cap of traits that no policy puts into a group, nats."""
GROUP_FLOOR = 3.0
"""A group's losses are limited to its cap plus this, nats."""
CONFLICT_EDIT_RATE = 0.05
"""Traits edited in more derivatives than this weigh, but do not count as contradictions."""
_LABELS = (TEXT_MODEL_TYPE, MODEL_TYPE, CLASS_NAME)
_SAID_BY_CONFIGS = (*_LABELS, "architecture.layers", "recipe.norm_eps", "recipe.dtype")
_ONE_LABEL_FITS = 0.3
"""When one design label fits, another that does not is usually a renamed head or class."""
_TOKENIZER = "tokenizer."


@dataclass(slots=True)
class Judgement:
    """One condition's verdict; rules with an equal condition share it."""

    name: str
    condition: Condition
    fit: Fit
    trait: Trait | None
    group: str = ""
    weight: float = 0.0
    conflict: bool = False
    """An identity trait that contradicts the condition."""


@dataclass(slots=True)
class RuleMatch:
    """One rule's verdict on an observation."""

    family: Family
    generation: Generation
    rule: Rule
    judgements: list[Judgement]
    score: float = 0.0
    """Log-likelihood ratio against the background, nats."""
    conflicts: list[str] = field(default_factory=list)
    """Identity traits that contradict the rule."""
    label_fits: bool = False
    """Some name of the design fits: then one that does not is a renamed class, not a stranger."""

    def weigh(self, one: Judgement) -> float:
        """Return what a judgement counts for this rule, nats."""
        if self.label_fits and one.fit is Fit.MISFITS and one.name in _LABELS:
            return one.weight * _ONE_LABEL_FITS
        return one.weight

    def describe(self) -> list[Evidence]:
        """Return the judgements as evidence for a report."""
        return [
            Evidence.model_construct(
                signal=one.name,
                source=one.trait.source if one.trait else "config",
                expected=describe(one.condition),
                seen=show(one.trait.value) if one.trait else "absent",
                supports=one.weight > 0 or one.fit is Fit.FITS,
                weight=round(self.weigh(one), 3),
            )
            for one in self.judgements
        ]


def match_rules(observation: Observation, registry: Registry) -> list[RuleMatch]:
    """Return the verdict of every rule, in registry order."""
    jury = _Jury(observation, registry)
    matches = [
        RuleMatch(family, generation, rule, jury.judge_rule(rule))
        for family, generation in registry.walk_generations()
        for rule in generation.rules
    ]
    background = _Background(matches, observation, registry)
    for one in jury.judgements:
        policy = policy_of(registry, one.name)
        one.group = policy.group
        one.weight = _weight(one, policy, background)
        one.conflict = one.fit is Fit.MISFITS and _is_conflict(one, policy, registry)
    for match in matches:
        _weigh(match, registry)
    return matches


class _Jury:
    """Judges conditions, each distinct one once: a compiled registry stores equal ones once."""

    def __init__(self, observation: Observation, registry: Registry) -> None:
        self._traits = observation.traits
        self._registry = registry
        tokenizer = observation.fingerprint.tokenizer
        self._tokenizer_read = tokenizer is not None and tokenizer.vocabulary is not None
        # Any config that was read says at least one of these.
        self._config_read = any(name in self._traits for name in _SAID_BY_CONFIGS)
        self._known: dict[tuple[str, int], Judgement | None] = {}

    def judge_rule(self, rule: Rule) -> list[Judgement]:
        found: list[Judgement] = []
        for name, condition in rule.when.items():
            key = (name, id(condition))
            if key not in self._known:
                self._known[key] = self._judge(name, condition)
            one = self._known[key]
            if one is not None:
                found.append(one)
        return found

    @property
    def judgements(self) -> list[Judgement]:
        """Every distinct verdict passed so far."""
        return [one for one in self._known.values() if one is not None]

    def _judge(self, name: str, condition: Condition) -> Judgement | None:
        trait = self._traits.get(name)
        if trait is None:
            # Absence shows only where something was looked at.
            looked = self._tokenizer_read if name.startswith(_TOKENIZER) else self._config_read
            if not looked:
                return None
        fit = judge(condition, trait, policy_of(self._registry, name))
        return None if fit is None else Judgement(name, condition, fit, trait)


def policy_of(registry: Registry, name: str) -> TraitPolicy:
    """Return how far a trait can be trusted; traits without an own entry share a mild one."""
    return registry.generic.traits.get(name, _UNLISTED)


_UNLISTED = TraitPolicy.model_construct(
    group="unlisted", edit_rate=0.1, reason="no entry of its own"
)


class _Background:
    """How common each observed value is among all designs."""

    def __init__(
        self, matches: list[RuleMatch], observation: Observation, registry: Registry
    ) -> None:
        rules_of = Counter((match.family.key, match.generation.key) for match in matches)
        asked: dict[str, set[tuple[str, str]]] = {}
        accepted: dict[str, float] = {}
        for match in matches:
            key = (match.family.key, match.generation.key)
            for one in match.judgements:
                asked.setdefault(one.name, set()).add(key)
                if one.fit is Fit.FITS:
                    share = _share(one.condition) / rules_of[key]
                    accepted[one.name] = accepted.get(one.name, 0.0) + share
        # Generations that do not state a trait are half as informative as those that do.
        self._share = {
            name: (accepted.get(name, 0.0) + 0.5) / ((len(keys) + len(rules_of)) / 2 + 1.0)
            for name, keys in asked.items()
        }
        for name in asked:
            # Few rules name a dimension, all sizes do.
            field_name = name.removeprefix("architecture.")
            trait = observation.traits.get(name)
            if trait is not None and field_name in SHAPE and field_name != "vocab_rows":
                self._share[name] = share_of_sizes(field_name, trait.value, registry)
        self._accepted = accepted

    def share(self, name: str) -> float:
        """Probability of the observed value in a model of some other design."""
        return self._share[name]

    def is_spoken_for(self, name: str) -> bool:
        """True when some generation's rule accepts exactly this value."""
        return name in self._accepted


def _share(condition: Condition) -> float:
    return 1.0 / max(1, len(condition.one_of or ()))


def _weigh(match: RuleMatch, registry: Registry) -> None:
    match.label_fits = any(one.name in _LABELS and one.fit is Fit.FITS for one in match.judgements)
    gains: dict[str, float] = {}
    losses: dict[str, float] = {}
    for one in match.judgements:
        weight = match.weigh(one)
        if one.conflict and not (match.label_fits and one.name in _LABELS):
            match.conflicts.append(one.name)
        side = gains if weight > 0 else losses
        side[one.group] = side.get(one.group, 0.0) + weight
    match.score = cap_groups(gains, losses, registry)


def _is_conflict(one: Judgement, policy: TraitPolicy, registry: Registry) -> bool:
    """True when a trait that no derivative changes contradicts the rule."""
    return (
        policy.group in registry.generic.groups
        and registry.generic.groups[policy.group].identity
        and policy.edit_rate <= CONFLICT_EDIT_RATE
        and one.trait is not None
        and one.trait.source != "default"
    )


def cap_groups(
    gains: Mapping[str, float], losses: Mapping[str, float], registry: Registry
) -> float:
    """Sum the groups, each within its cap."""
    groups = registry.generic.groups

    def cap(group: str) -> float:
        return groups[group].cap if group in groups else UNLISTED_CAP

    return sum(min(value, cap(group)) for group, value in gains.items()) + sum(
        max(value, -(cap(group) + GROUP_FLOOR)) for group, value in losses.items()
    )


def _weight(one: Judgement, policy: TraitPolicy, background: _Background) -> float:
    defaulted = one.trait is not None and one.trait.source == "default"
    if one.fit is Fit.MISFITS:
        loss = max(WORST, math.log(policy.edit_rate))
        return loss * DEFAULTED_LOSS if defaulted else loss
    if one.condition.contains is not None:
        gain = math.log((1 - policy.edit_rate) / CONTAINS_BACKGROUND)
    else:
        likely = (1 - policy.edit_rate) * _share(one.condition)
        gain = max(0.0, math.log(likely / background.share(one.name)))
    if one.fit is Fit.EXTENDED:
        return SPOKEN_FOR if background.is_spoken_for(one.name) else gain * EXTENDED_GAIN
    return gain * DEFAULTED_GAIN if defaulted else gain
