"""From an observation to an outcome: exact, rules, sizes and vocabularies, added up and judged.

Every generation's best rule, size verdict, vocabulary verdict and equal exemplars are summed to
one log-likelihood ratio against "some model the registry does not know". A softmax with an
explicit unknown hypothesis turns the sums into shares of belief. Names and declarations come
later and only order what is left; they never add to a share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct

from famtree.matchers.confidence import calibrate
from famtree.matchers.contradictions import find_contradictions, has_foreign_recipe
from famtree.matchers.designs import CONFIDENCE, find_foreign, is_bare, list_namesakes
from famtree.matchers.exact import ExactMatch, match_exactly
from famtree.matchers.observation import Observation
from famtree.matchers.rules import CHECKPOINTS_KEPT, STRANGER_GAIN, RuleMatch, match_rules
from famtree.matchers.sizes import SizeMatch, describe_shape, match_sizes
from famtree.matchers.vocabularies import VocabularyMatch, match_vocabularies
from famtree.matchers.wrapping import speaks_for_whole
from famtree.registry.registry import Registry
from famtree.types.family import Family, Generation
from famtree.types.identification import Candidate, Evidence, Outcome
from famtree.types.recent import remember

TEMPERATURE = 0.7
"""Traits are not independent, so their sum overstates; this shrinks it. Fitted on the development
corpus together with the confidence table (`benchmarks/calibration.py`)."""
UNKNOWN_PRIOR = 0.2
"""Share of checkpoints on the Hub whose design is in no registry."""
SETTLED = 0.8
"""A generation is named when it holds this share of its family's belief."""
FAMILY_SETTLED = 0.55
FEW_FAMILIES = 3
"""Belief shared by more families than this is ignorance, not a choice between them."""
TWIN = 0.05
"""Scores this close, in nats, are equal: the two generations state the same design."""
HOPELESS = 30.0
"""Generations so many nats behind the leading one are left out: together they hold less than a
millionth of the belief."""
CONTRADICTED_GROUPS = 2
"""Signature groups (class, vocabulary, rope, special ids) with a contradiction that make a
look-alike. Of the members held back and edited none shows two; a larger rope base, appended rows
or another class are one each."""
KEPT_SHARE = 0.01
"""Candidates below this share of the family's belief are not listed."""

Key = tuple[str, str]


class Standing(Struct):
    """Everything that speaks for and against one generation."""

    family: Family
    generation: Generation
    rule: RuleMatch
    size: SizeMatch | None = None
    vocabulary: VocabularyMatch | None = None
    exact: ExactMatch | None = None
    contradictions: list[Evidence] = []
    """What speaks against it beyond its rule; looked for in the best one only."""
    foreign_recipe: bool = False
    """Its context is one that only another design's recipe explains; looked for in the best one."""
    own_name: bool = False
    """No other family uses any of the names its config gives the design."""
    foreign_size: bool = False
    """Its shape is an official size of other families and none of its own."""
    score: float = 0.0
    share: float = 0.0

    @property
    def key(self) -> Key:
        """Family and generation key."""
        return self.family.key, self.generation.key

    @property
    def conflicts(self) -> list[str]:
        """Identity signals that contradict this generation."""
        found = list(self.rule.conflicts)
        if self.vocabulary is not None and self.vocabulary.conflict:
            found.append(self.vocabulary.evidence.signal)
        return found + [one.signal for one in self.contradictions]

    @property
    def unproven(self) -> bool:
        """No official size, or, without a vocabulary, a converted design or a foreign recipe."""
        if self.size is None or self.size.custom:
            return True
        vouched = self.vocabulary is not None and self.vocabulary.weight > 0
        return (self.rule.rule.converted or self.foreign_recipe) and not vouched

    @property
    def speaks_by_name(self) -> bool:
        """A name of its own counts, unless shape or recipe are of another."""
        return self.own_name and not self.foreign_recipe and not self.foreign_size

    @property
    def decided_by(self) -> str:
        """The matcher that spoke for it."""
        if self.exact is not None:
            return "exact"
        gained = sum(one.weight for one in self.rule.judgements if one.weight > 0)
        if self.vocabulary is not None and self.vocabulary.weight > gained:
            return "similarity"
        return "rules"


class Classification(Struct):
    """The classifier's whole answer, before names and lineage are looked at."""

    outcome: Outcome
    confidence: float
    best: Standing | None
    """The leading generation, also where only the family is settled."""
    generation: Generation | None
    candidates: list[Candidate] = []
    evidence: list[Evidence] = []
    nested: Standing | None = None
    """The design of a part, where the whole is one that nobody knows."""
    contradicted: Standing | None = None
    """The look-alike that leads, where what it is told by rules it out."""

    @property
    def family(self) -> Family | None:
        """The settled family."""
        return self.best.family if self.best is not None else None


def classify(observation: Observation, registry: Registry) -> Classification:
    """Weigh every generation and settle what can be settled."""
    weighed = _weigh(observation, registry)
    if weighed.family is None and is_bare(observation):
        return _go_by_name(observation, registry) or weighed
    return weighed


def _go_by_name(observation: Observation, registry: Registry) -> Classification | None:
    """Return what the names of a config alone say, which has nothing else of its own."""
    named = {
        (one.family.key, one.generation.key): Standing(one.family, one.generation, one)
        for one in reversed(list_namesakes(match_rules(observation, registry)))
        if speaks_for_whole(observation, one.generation, registry)
    }
    if not named:
        return None
    standings = sorted(named.values(), key=lambda one: one.key)
    for one in standings:
        one.share = 1 / len(standings)
    families = {one.family.key for one in standings}
    best = standings[0] if len(families) == 1 else None
    return Classification(
        outcome="identified" if len(standings) == 1 else "ambiguous",
        confidence=round(CONFIDENCE / len(families), 4),
        best=best,
        generation=standings[0].generation if len(standings) == 1 else None,
        candidates=[_candidate(one) for one in standings[:8]],
        evidence=best.rule.describe() if best is not None else [],
    )


def _weigh(observation: Observation, registry: Registry) -> Classification:
    standings, population = _stand(observation, registry)
    unknown = _share_belief(standings, population)
    ranked = sorted(standings, key=lambda one: (-one.share, one.key))
    if not ranked:
        return Classification("unknown", calibrate(1.0, conflicts=0, custom=False), None, None)
    families: dict[str, float] = {}
    for one in ranked:
        families[one.family.key] = families.get(one.family.key, 0.0) + one.share
    leader = max(families, key=lambda key: (families[key], key))
    within = [one for one in ranked if one.family.key == leader]
    best = within[0]
    best.contradictions = find_contradictions(best.rule, observation, registry)
    best.foreign_recipe = has_foreign_recipe(best.rule, observation, registry)
    belief = families[leader]
    evidence = _evidence(best, observation)
    alike = best if _is_look_alike(best, registry) else None
    if belief < FAMILY_SETTLED:
        return _unsettled(ranked, families, unknown, evidence, alike)
    if not speaks_for_whole(observation, best.generation, registry):
        confidence = calibrate(1.0, conflicts=0, custom=True)
        return Classification("unknown", confidence, None, None, [], evidence, nested=best)
    kept = [one for one in within if one.share >= KEPT_SHARE * belief]
    settled = best.share >= SETTLED * belief
    raw = best.share if settled else belief
    confidence = calibrate(
        raw, conflicts=len(best.conflicts), custom=best.unproven, own_name=best.speaks_by_name
    )
    if alike is not None:
        # It has the shape of a design and not what its members are told by, whatever the shape.
        return Classification(
            outcome="unknown",
            confidence=calibrate(1.0 - confidence, conflicts=0, custom=True),
            best=None,
            generation=None,
            candidates=[_candidate(one) for one in kept[:8]],
            evidence=evidence,
            contradicted=alike,
        )
    return Classification(
        outcome="identified" if settled else "ambiguous",
        confidence=confidence,
        best=best,
        generation=best.generation if settled else None,
        candidates=[_candidate(one) for one in kept[:8]],
        evidence=evidence,
    )


def _stand(observation: Observation, registry: Registry) -> tuple[list[Standing], int]:
    """Return the standings that count, and of how many designs the population is."""
    fingerprint = observation.fingerprint
    leading, namesakes = _choose_rules(match_rules(observation, registry))
    namesake = next(iter(namesakes)) if len(namesakes) == 1 else None
    foreign = find_foreign(observation, leading.values(), namesakes)
    sizes = match_sizes(fingerprint.architecture, registry)
    vocabularies = match_vocabularies(fingerprint.tokenizer, registry)
    owners = {family for (family, _), size in sizes.items() if not size.custom}
    exact = match_exactly(fingerprint, registry)
    scores: dict[Key, float] = {}
    for key, rule in leading.items():
        size, vocabulary = sizes.get(key), vocabularies.get(key)
        scores[key] = (
            rule.score
            + (size.weight if size else 0.0)
            + (_weigh_vocabulary(vocabulary, rule) if vocabulary else 0.0)
            - (HOPELESS if key[0] in foreign else 0.0)
        )
    least = max(scores.values(), default=0.0) - HOPELESS
    best = {
        key: Standing(
            family=rule.family,
            generation=rule.generation,
            rule=rule,
            size=sizes.get(key),
            vocabulary=vocabularies.get(key),
            exact=exact.get(key),
            own_name=namesake == key[0],
            foreign_size=bool(owners) and key[0] not in owners,
            score=scores[key],
        )
        for key, rule in leading.items()
        if scores[key] >= least
    }
    for key, equal in _share_digests(best).items():
        best[key].score += equal.weight
    return list(best.values()), len(leading.keys() & registry.population)


@remember(CHECKPOINTS_KEPT, size=lambda _: 1)
def _choose_rules(matches: list[RuleMatch]) -> tuple[dict[Key, RuleMatch], frozenset[str]]:
    """Return each generation's best rule, and the families that have a name which was seen."""
    namesakes = {match.family.key for match in matches if match.label_fits}
    leading: dict[Key, RuleMatch] = {}
    for match in matches:
        key = (match.family.key, match.generation.key)
        known = leading.get(key)
        if known is None or match.score > known.score:
            leading[key] = match
    return leading, frozenset(namesakes)


def _share_digests(standings: Mapping[Key, Standing]) -> dict[Key, ExactMatch]:
    """Return what equal digests are worth to each generation.

    A sibling that everything else fits as well may have released the same configuration: that
    only one of the two is on record is no evidence between them.
    """
    shared = {key: one.exact for key, one in standings.items() if one.exact is not None}
    for key, match in list(shared.items()):
        least = standings[key].score - TWIN
        for other, sibling in standings.items():
            if other[0] == key[0] and sibling.score >= least and other not in shared:
                shared[other] = match
    return shared


def _weigh_vocabulary(vocabulary: VocabularyMatch, rule: RuleMatch) -> float:
    weight = vocabulary.weight
    return weight * STRANGER_GAIN if weight > 0 and rule.stranger else weight


def _share_belief(standings: list[Standing], population: int) -> float:
    """Set every standing's share of belief; return the share of the unknown hypothesis."""
    if not standings:
        return 1.0
    # The unknown's score is 0 by construction: every weight is a ratio against it.
    prior = math.log(UNKNOWN_PRIOR * population / (1 - UNKNOWN_PRIOR))
    scores = [one.score * TEMPERATURE for one in standings]
    top = max(*scores, prior)
    weights = [math.exp(score - top) for score in scores]
    unknown = math.exp(prior - top)
    total = sum(weights) + unknown
    for one, weight in zip(standings, weights, strict=True):
        one.share = weight / total
    return unknown / total


def _is_look_alike(best: Standing, registry: Registry) -> bool:
    """Return whether `best` contradicts more of what comes with the weights than members do."""
    generic = registry.generic
    policies = [generic.traits.get(signal) for signal in best.conflicts]
    groups = {one.group for one in policies if one and generic.groups[one.group].signature}
    return len(groups) >= CONTRADICTED_GROUPS


def _unsettled(
    ranked: list[Standing],
    families: dict[str, float],
    unknown: float,
    evidence: list[Evidence],
    alike: Standing | None,
) -> Classification:
    """No family holds enough belief: several registered ones, or none of them."""
    held = sum(sorted(families.values())[-FEW_FAMILIES:])
    candidates = [_candidate(one) for one in ranked[:6] if one.share >= 0.02]
    if held >= SETTLED and len({one.family for one in candidates}) > 1:
        # Sure that it is one of a few, not which.
        confidence = calibrate(max(families.values()), conflicts=0, custom=True)
        return Classification("ambiguous", confidence, None, None, candidates, evidence)
    confidence = calibrate(unknown, conflicts=0, custom=True)
    if alike is not None and (alike.size is None or alike.size.custom):
        alike = None  # nothing but a class is alike, which many designs borrow
    return Classification(
        "unknown", confidence, None, None, candidates, evidence, contradicted=alike
    )


def _candidate(standing: Standing) -> Candidate:
    return Candidate.model_construct(
        family=standing.family.key,
        generation=standing.generation.key,
        name=standing.generation.name,
        score=round(standing.share, 4),
        decided_by=standing.decided_by,
    )


def _evidence(best: Standing, observation: Observation) -> list[Evidence]:
    found = best.rule.describe()
    architecture = observation.fingerprint.architecture
    if best.size is not None:
        found.append(describe_shape(best.size, architecture, best.generation))
    if best.vocabulary is not None:
        found.append(best.vocabulary.evidence)
    if best.exact is not None:
        found.append(best.exact.evidence)
    found += best.contradictions
    return sorted(found, key=lambda one: (-abs(one.weight), one.signal))
