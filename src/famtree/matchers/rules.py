"""Weigh an observation against every rule of every generation.

Each condition is a small likelihood ratio: how likely is the value in a genuine member (one minus
the trait's edit rate, shared among the allowed values), against how likely it is in a model of
some other design (the background: the share of all generations whose rules accept the value). A
value that misses costs the logarithm of the edit rate. Traits that say nearly the same thing form
a group, and a group's gain is capped, so that ten shared dimensions never outweigh one vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from famtree.matchers.conditions import Fit, describe, judge, show
from famtree.matchers.observation import CLASS_NAME, MODEL_TYPE, TEXT_MODEL_TYPE, Observation
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
GROUP_FLOOR = 3.0
"""A group's losses are limited to its cap plus this, nats."""
_LABELS = (TEXT_MODEL_TYPE, MODEL_TYPE, CLASS_NAME)
_ONE_LABEL_FITS = 0.3
"""When one design label fits, another that does not is usually a renamed head or class."""
_TOKENIZER = "tokenizer."


@dataclass(slots=True)
class RuleMatch:
    """One rule's verdict on an observation."""

    family: Family
    generation: Generation
    rule: Rule
    score: float = 0.0
    """Log-likelihood ratio against the background, nats."""
    evidence: list[Evidence] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    """Identity traits that contradict the rule."""


@dataclass(frozen=True, slots=True)
class _Judgement:
    name: str
    condition: Condition
    fit: Fit


def match_rules(observation: Observation, registry: Registry) -> list[RuleMatch]:
    """Return the verdict of every rule, in registry order."""
    judged = [
        (family, generation, rule, _judge_rule(rule, observation, registry))
        for family, generation in registry.walk_generations()
        for rule in generation.rules
    ]
    background = _Background(judged, registry)
    return [
        _weigh(RuleMatch(family, generation, rule), judgements, observation, registry, background)
        for family, generation, rule, judgements in judged
    ]


_Judged = list[tuple[Family, Generation, Rule, list[_Judgement]]]


def _judge_rule(rule: Rule, observation: Observation, registry: Registry) -> list[_Judgement]:
    read = observation.fingerprint.tokenizer is not None
    found: list[_Judgement] = []
    for name, condition in rule.when.items():
        trait = observation.traits.get(name)
        if trait is None and (condition.absent is None or (name.startswith(_TOKENIZER) and not read)):
            continue
        fit = judge(condition, trait, policy_of(registry, name))
        if fit is not None:
            found.append(_Judgement(name, condition, fit))
    return found


def policy_of(registry: Registry, name: str) -> TraitPolicy:
    """Return how far a trait can be trusted; traits without an own entry share a mild one."""
    return registry.generic.traits.get(name, _UNLISTED)


_UNLISTED = TraitPolicy(group="training", edit_rate=0.1, reason="no entry of its own")


class _Background:
    """How common each observed value is among all designs."""

    def __init__(self, judged: _Judged, registry: Registry) -> None:
        rules_of: dict[str, int] = {}
        accepted: dict[str, dict[str, float]] = {}
        asked: dict[str, set[str]] = {}
        total = 0
        for family, generation, _, _ in judged:
            key = f"{family.key}/{generation.key}"
            rules_of[key] = rules_of.get(key, 0) + 1
        total = len(rules_of)
        for family, generation, _, judgements in judged:
            key = f"{family.key}/{generation.key}"
            for one in judgements:
                asked.setdefault(one.name, set()).add(key)
                if one.fit is Fit.FITS:
                    share = _share(one.condition) / rules_of[key]
                    table = accepted.setdefault(one.name, {})
                    table[key] = table.get(key, 0.0) + share
        self._share: dict[str, float] = {}
        self._own: dict[str, bool] = {}
        for name, keys in asked.items():
            # Generations that do not state a trait are half as informative as those that do.
            base = (len(keys) + total) / 2
            self._share[name] = (sum(accepted.get(name, {}).values()) + 0.5) / (base + 1.0)
            self._own[name] = bool(accepted.get(name))

    def share(self, name: str) -> float:
        """Probability of the observed value in a model of some other design."""
        return self._share[name]

    def spoken_for(self, name: str) -> bool:
        """True when some generation's rule accepts exactly this value."""
        return self._own[name]


def _share(condition: Condition) -> float:
    return 1.0 / max(1, len(condition.one_of or ()))


def _weigh(
    match: RuleMatch,
    judgements: list[_Judgement],
    observation: Observation,
    registry: Registry,
    background: _Background,
) -> RuleMatch:
    label_fits = any(one.name in _LABELS and one.fit is Fit.FITS for one in judgements)
    gains: dict[str, float] = {}
    losses: dict[str, float] = {}
    for one in judgements:
        policy = policy_of(registry, one.name)
        trait = observation.traits.get(one.name)
        weight = _weight(one, trait, policy, background)
        if one.name in _LABELS and one.fit is Fit.MISFITS and label_fits:
            weight *= _ONE_LABEL_FITS
        elif (
            one.fit is Fit.MISFITS
            and registry.generic.groups[policy.group].identity
            and trait is not None
            and trait.source != "default"
            and policy.edit_rate <= 0.05
        ):
            match.conflicts.append(one.name)
        side = gains if weight > 0 else losses
        side[policy.group] = side.get(policy.group, 0.0) + weight
        match.evidence.append(
            Evidence.model_construct(
                signal=one.name,
                source=trait.source if trait else "config",
                expected=describe(one.condition),
                seen=show(trait.value) if trait else "absent",
                supports=weight > 0 or one.fit is Fit.FITS,
                weight=round(weight, 3),
            )
        )
    match.score = cap_groups(gains, losses, registry)
    return match


def cap_groups(
    gains: Mapping[str, float], losses: Mapping[str, float], registry: Registry
) -> float:
    """Sum the groups, each within its cap."""
    caps = registry.generic.groups
    return sum(min(value, caps[group].cap) for group, value in gains.items()) + sum(
        max(value, -(caps[group].cap + GROUP_FLOOR)) for group, value in losses.items()
    )


def _weight(
    one: _Judgement, trait: Trait | None, policy: TraitPolicy, background: _Background
) -> float:
    defaulted = trait is not None and trait.source == "default"
    if one.fit is Fit.MISFITS:
        loss = max(WORST, math.log(policy.edit_rate))
        return loss * DEFAULTED_LOSS if defaulted else loss
    if one.condition.contains is not None:
        gain = math.log((1 - policy.edit_rate) / CONTAINS_BACKGROUND)
    else:
        likely = (1 - policy.edit_rate) * _share(one.condition)
        gain = max(0.0, math.log(likely / background.share(one.name)))
    if one.fit is Fit.EXTENDED:
        return SPOKEN_FOR if background.spoken_for(one.name) else gain * EXTENDED_GAIN
    return gain * DEFAULTED_GAIN if defaulted else gain
