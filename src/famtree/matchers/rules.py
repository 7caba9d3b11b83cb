"""Weigh an observation against every rule of every generation.

Each condition is a small likelihood ratio: how likely is the value in a genuine member (one minus
the trait's edit rate, shared among the allowed values), against how likely it is in a model of
some other design (the background: the share of a fixed population of generations whose rules
accept the value). A value that misses costs the logarithm of the edit rate. Traits that say nearly
the same thing form a group, and a group's gain is capped, so that ten shared dimensions never
outweigh one vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct

from famtree.matchers.conditions import Fit, judge
from famtree.matchers.observation import CLASS_NAME, MODEL_TYPE, TEXT_MODEL_TYPE, Observation
from famtree.matchers.rulebook import Asked, RuleBook, read_rules
from famtree.matchers.sizes import FIELDS as SHAPE
from famtree.matchers.sizes import share_of_sizes
from famtree.registry.conditions import describe, show
from famtree.registry.registry import Registry
from famtree.types.family import Condition, Family, Generation, Rule, TraitPolicy
from famtree.types.identification import Evidence
from famtree.types.recent import Recent
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
RARELY_LACKING = 0.05
"""A trait that nineteen in twenty designs have: a named design without it (an image model without
a vocabulary) is told by that."""
UNLISTED_CAP = 1.0
"""Cap of traits that no policy puts into a group, nats."""
GROUP_FLOOR = 3.0
"""A group's losses are limited to its cap plus this, nats."""
CONFLICT_EDIT_RATE = 0.05
"""Traits edited in more derivatives than this weigh, but do not count as contradictions."""
_LABELS = frozenset({TEXT_MODEL_TYPE, MODEL_TYPE, CLASS_NAME})
_SAID_BY_CONFIGS = (*_LABELS, "architecture.layers", "recipe.norm_eps", "recipe.dtype")
_ONE_LABEL_FITS = 0.3
"""When one design label fits, another that does not is usually a renamed head or class."""
_TOKENIZER = "tokenizer."
_VOCABULARY = "vocabulary"
STRANGER_GAIN = 0.25
"""Unrelated designs borrow vocabularies. Where the config names a design that nobody registered,
an equal vocabulary says little about the family: shape and recipe have to."""


class Judgement(Struct):
    """One condition's verdict; rules with an equal condition share it."""

    name: str
    condition: Condition
    fit: Fit
    trait: Trait | None
    group: str
    weight: float = 0.0
    conflict: bool = False
    """An identity trait that contradicts the condition."""
    spoken_for: bool = False
    """Some generation's rule accepts the value that was seen."""


class RuleMatch(Struct):
    """One rule's verdict on an observation."""

    family: Family
    generation: Generation
    rule: Rule
    judgements: list[Judgement]
    score: float = 0.0
    """Log-likelihood ratio against the background, nats."""
    conflicts: list[str] = []
    """Identity traits that contradict the rule."""
    label_fits: bool = False
    """Some name of the design fits: then one that does not is a renamed class, not a stranger,
    unless it is the name of another design."""

    stranger: bool = False
    """Every name of the design that was seen is one no generation uses."""

    def weigh(self, one: Judgement) -> float:
        """Return what a judgement counts for this rule, nats."""
        if one.condition.absent and one.fit is Fit.FITS and not self.label_fits:
            return 0.0  # what has no name may have been read in part
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
    """Return the verdict of every rule, in registry order.

    Verdicts are remembered: most checkpoints show the traits of another one to the last.
    """
    book = read_rules(registry)
    traits = observation.traits
    # As text, since True and 1 are one key and not one value.
    seen = tuple((name, repr(trait)) for name, trait in traits.items() if name in book.stating)
    key = (id(book), seen, _reads(observation))
    return _recent.find(key, lambda: (book, _match(book, observation, registry)))[1]


CHECKPOINTS_KEPT = 48
"""Of some 200 kB each."""
_recent: Recent[tuple[RuleBook, list[RuleMatch]]] = Recent(CHECKPOINTS_KEPT)
"""By identity of the rule book, which is held so that no other takes its place."""


def _reads(observation: Observation) -> tuple[bool, bool]:
    """Return whether a vocabulary and whether a config was read; else nothing is absent."""
    tokenizer = observation.fingerprint.tokenizer
    # Any config that was read says at least one of these.
    config_read = any(name in observation.traits for name in _SAID_BY_CONFIGS)
    return tokenizer is not None and tokenizer.vocabulary is not None, config_read


def _match(book: RuleBook, observation: Observation, registry: Registry) -> list[RuleMatch]:
    judged = _judge_all(book, observation, registry)
    caps = {name: policy.cap for name, policy in registry.generic.groups.items()}
    matches = []
    for stated in book.rules:
        judgements = [one for at in stated.asks if (one := judged[at]) is not None]
        match = RuleMatch(stated.family, stated.generation, stated.rule, judgements)
        _weigh(match, caps)
        matches.append(match)
    return matches


def _judge_all(
    book: RuleBook, observation: Observation, registry: Registry
) -> list[Judgement | None]:
    """Judge and weigh each distinct condition once; None where nothing was looked at."""
    traits = observation.traits
    tokenizer_read, config_read = _reads(observation)
    judged: list[Judgement | None] = []
    accepted: dict[str, float] = {}
    for asked in book.asked:
        trait = traits.get(asked.name)
        # Absence shows only where something was looked at.
        looked = tokenizer_read if asked.name.startswith(_TOKENIZER) else config_read
        fit = None
        if trait is not None or (looked and asked.condition.absent):
            fit = judge(asked.condition, trait, asked.policy)
        if fit is Fit.FITS:
            accepted[asked.name] = accepted.get(asked.name, 0.0) + asked.designs * asked.share
        judged.append(
            None
            if fit is None
            else Judgement(asked.name, asked.condition, fit, trait, asked.policy.group)
        )
    background = _Background(book, accepted, observation, registry)
    for asked, one in zip(book.asked, judged, strict=True):
        if one is not None:
            one.weight = _weight(one, asked, background)
            one.conflict = one.fit is Fit.MISFITS and _is_conflict(one, asked.policy, registry)
            one.spoken_for = background.is_spoken_for(one.name)
    return judged


class _Background:
    """How common each observed value is in the registry's population of designs."""

    def __init__(
        self,
        book: RuleBook,
        accepted: Mapping[str, float],
        observation: Observation,
        registry: Registry,
    ) -> None:
        self._book = book
        self._accepted = accepted
        self._traits = observation.traits
        self._registry = registry
        self._shares: dict[str, float] = {}

    def share(self, name: str) -> float:
        """Probability of the observed value in a model of some other design."""
        if name not in self._shares:
            self._shares[name] = self._find_share(name)
        return self._shares[name]

    def _find_share(self, name: str) -> float:
        trait = self._traits.get(name)
        field_name = name.removeprefix("architecture.")
        if trait is not None and field_name in SHAPE and field_name != "vocab_rows":
            # Few rules name a dimension, all sizes do.
            return share_of_sizes(field_name, trait.value, self._registry)
        # Generations that do not state a trait are half as informative as those that do.
        others = (self._book.stating[name] + self._book.generations) / 2 + 1.0
        return (_count(self._accepted, name) + 0.5) / others

    def share_lacking(self, name: str) -> float:
        """Probability that a model of some other design has no such trait."""
        return (self._book.lacking[name] + 0.5) / (self._book.generations + 1.0)

    def is_spoken_for(self, name: str) -> bool:
        """True when some generation's rule accepts exactly this value."""
        return name in self._accepted


def _count(accepted: Mapping[str, float], name: str) -> float:
    """Return how many generations accept the value; one where only those outside do."""
    return accepted.get(name, 0.0) or float(name in accepted)


def _weigh(match: RuleMatch, caps: Mapping[str, float]) -> None:
    for one in match.judgements:
        if one.fit is Fit.FITS and one.name in _LABELS:
            match.label_fits = True
    gains: dict[str, float] = {}
    losses: dict[str, float] = {}
    labels = known = 0
    for one in match.judgements:
        # Plain loops: this runs 7,000 times a checkpoint.
        plain = one.fit is Fit.FITS and not one.condition.absent
        weight = one.weight if plain else match.weigh(one)
        if one.name in _LABELS:
            labels += 1
            known += one.spoken_for or one.fit is Fit.FITS
        if one.conflict:
            renamed = match.label_fits and one.name in _LABELS and not one.spoken_for
            if not renamed:
                match.conflicts.append(one.name)
        side = gains if weight > 0 else losses
        side[one.group] = side.get(one.group, 0.0) + weight
    match.stranger = labels > 0 and not known
    if match.stranger and _VOCABULARY in gains:
        gains[_VOCABULARY] *= STRANGER_GAIN
    match.score = cap_groups(gains, losses, caps)


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
    gains: Mapping[str, float], losses: Mapping[str, float], caps: Mapping[str, float]
) -> float:
    """Sum the groups, each within its cap."""
    total = 0.0
    for group, value in gains.items():
        total += min(value, caps.get(group, UNLISTED_CAP))
    for group, value in losses.items():
        total += max(value, -(caps.get(group, UNLISTED_CAP) + GROUP_FLOOR))
    return total


def _weight(one: Judgement, asked: Asked, background: _Background) -> float:
    policy = asked.policy
    defaulted = one.trait is not None and one.trait.source == "default"
    if one.fit is Fit.MISFITS:
        loss = max(WORST, math.log(policy.edit_rate))
        return loss * DEFAULTED_LOSS if defaulted else loss
    if one.condition.absent:
        lacking = background.share_lacking(one.name)
        # A trait that many other designs lack as well says nothing by being absent.
        rare = one.name not in _LABELS and lacking <= RARELY_LACKING
        return math.log((1 - policy.edit_rate) / lacking) if rare else 0.0
    if one.condition.contains is not None:
        gain = math.log((1 - policy.edit_rate) / CONTAINS_BACKGROUND)
    else:
        likely = (1 - policy.edit_rate) * asked.share
        gain = max(0.0, math.log(likely / background.share(one.name)))
    if one.fit is Fit.EXTENDED:
        return SPOKEN_FOR if background.is_spoken_for(one.name) else gain * EXTENDED_GAIN
    return gain * DEFAULTED_GAIN if defaulted else gain
