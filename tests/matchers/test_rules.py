"""How single traits, groups and labels are weighed, on invented designs."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given

from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.fingerprints.from_traits import fingerprint_traits
from famtree.matchers.classify import classify
from famtree.matchers.conditions import Fit
from famtree.matchers.observation import Observation, observe
from famtree.matchers.rules import (
    CONFLICT_EDIT_RATE,
    DEFAULTED_GAIN,
    DEFAULTED_LOSS,
    EXTENDED_GAIN,
    GROUP_FLOOR,
    SPOKEN_FOR,
    STRANGER_GAIN,
    WORST,
    Judgement,
    RuleMatch,
    cap_groups,
    match_rules,
)
from famtree.registry.load import build_registry, load_registry
from famtree.registry.registry import Registry
from fingerprints.json_strategies import OBJECTS
from fingerprints.vocabularies import UNHURRIED

GENERIC = """
schema = "famtree/generic/1"
wrappers = {}
[groups.design]
cap = 4.0
identity = true
reason = "labels"
[groups.vocabulary]
cap = 6.0
identity = true
reason = "rows"
[groups.rope]
cap = 4.0
reason = "rope"
[groups.training]
cap = 2.0
reason = "the rest"
[traits."architecture.text_model_type"]
group = "design"
edit_rate = 0.01
reason = "x"
[traits."architecture.class_name"]
group = "design"
edit_rate = 0.04
reason = "x"
[traits."architecture.vocab_rows"]
group = "vocabulary"
edit_rate = 0.03
grows = true
reason = "x"
[traits."recipe.rope_theta"]
group = "rope"
edit_rate = 0.1
reason = "x"
[traits."tokenizer.base_entries"]
group = "vocabulary"
edit_rate = 0.02
reason = "x"
"""
RULES = {
    "ash": {"architecture.text_model_type": "tree", "architecture.vocab_rows": 50000},
    "elm": {"architecture.text_model_type": "tree", "architecture.vocab_rows": 50064},
    "fir": {"architecture.text_model_type": "bush", "architecture.vocab_rows": 90000},
    "oak": {
        "architecture.text_model_type": "oak",
        "architecture.class_name": "OakForCausalLM",
        "architecture.vocab_rows": 70000,
        "recipe.rope_theta": 1e6,
        "recipe.activation": "silu",
        "recipe.norm_eps": 1e-05,
        "recipe.logit_cap": {"absent": True},
        "tokenizer.base_entries": 69000,
    },
}


def registry_of(rules: dict[str, dict[str, Any]], whole: dict[str, str] | None = None) -> Registry:
    files = {"_generic.toml": GENERIC.encode()}
    files |= {name: text.encode() for name, text in (whole or {}).items()}
    for key, when in rules.items():
        lines = [f"{name} = {toml(value)}" for name, value in when.items()]
        files[f"{key}.toml"] = "\n".join(
            [
                f'schema = "famtree/family/1"\nkey = "{key}"\nname = "{key}"\nmaker = "x"',
                f'sources = ["x"]\n[[generation]]\nkey = "{key}-1"\nname = "{key}"',
                "[[generation.rule]]\n[generation.rule.when]",
                *lines,
            ]
        ).encode()
    return build_registry(files)


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


REGISTRY = registry_of(RULES)
CAPS = {name: policy.cap for name, policy in REGISTRY.generic.groups.items()}
OAK = {name: value for name, value in RULES["oak"].items() if not isinstance(value, dict)}


def look(traits: dict[str, Any]) -> Observation:
    return observe(fingerprint_traits(traits), REGISTRY.generic)


def match(key: str, traits: dict[str, Any], registry: Registry = REGISTRY) -> RuleMatch:
    found = {one.family.key: one for one in match_rules(look(traits), registry)}
    return found[key]


def weigh(key: str, name: str, traits: dict[str, Any]) -> Judgement:
    return next(one for one in match(key, traits).judgements if one.name == name)


def as_default(traits: dict[str, Any], name: str) -> Observation:
    """Observe `traits` with one of them coming from the class default."""
    made = fingerprint_traits(traits)
    section, _, field = name.partition(".")
    part = getattr(made, section)
    part = part.model_copy(update={"seen_in": {**part.seen_in, field: ["default"]}})
    return observe(made.model_copy(update={section: part}), REGISTRY.generic)


def test_a_value_shared_by_many_says_less_than_a_value_of_one() -> None:
    shared = weigh("ash", "architecture.text_model_type", {"architecture.text_model_type": "tree"})
    own = weigh("fir", "architecture.text_model_type", {"architecture.text_model_type": "bush"})
    assert 0 < shared.weight < own.weight


def test_a_value_listed_among_many_says_less_than_one_stated_alone() -> None:
    listed = {"one_of": [90000, 90001, 90002, 90003]}
    other = registry_of(RULES | {"fir": RULES["fir"] | {"architecture.vocab_rows": listed}})
    traits = {"architecture.vocab_rows": 90000}
    many = match("fir", traits, other).score
    assert many <= match("fir", traits).score


def test_an_unseen_trait_is_not_judged() -> None:
    names = [one.name for one in match("oak", {"architecture.vocab_rows": 70000}).judgements]
    assert "recipe.rope_theta" not in names


def test_absence_shows_only_where_something_was_looked_at() -> None:
    config = {"architecture.text_model_type": "oak", "architecture.layers": 2}
    names = [one.name for one in match("oak", config).judgements]
    assert "recipe.logit_cap" in names
    only_tokenizer = [one.name for one in match("oak", {"tokenizer.entries": 9}).judgements]
    assert "recipe.logit_cap" not in only_tokenizer


def test_a_miss_costs_the_logarithm_of_the_edit_rate() -> None:
    assert weigh("oak", "recipe.rope_theta", OAK | {"recipe.rope_theta": 1e4}).weight == (
        pytest.approx(math.log(0.1))
    )
    assert all(one.weight >= WORST for one in match("fir", OAK).judgements)


def test_a_class_default_says_less_both_ways() -> None:
    def weight(theta: float, *, default: bool) -> float:
        traits = OAK | {"recipe.rope_theta": theta}
        seen = as_default(traits, "recipe.rope_theta") if default else look(traits)
        found = next(one for one in match_rules(seen, REGISTRY) if one.family.key == "oak")
        return next(one.weight for one in found.judgements if one.name == "recipe.rope_theta")

    assert weight(1e6, default=True) == pytest.approx(weight(1e6, default=False) * DEFAULTED_GAIN)
    assert weight(1e4, default=True) == pytest.approx(weight(1e4, default=False) * DEFAULTED_LOSS)


def test_appended_rows_count_half() -> None:
    """Half of a full fit, when the background of both is that of a value nobody else has."""
    grown = weigh("oak", "architecture.vocab_rows", OAK | {"architecture.vocab_rows": 70010})
    exact = weigh("oak", "architecture.vocab_rows", OAK)
    assert grown.fit is Fit.EXTENDED
    assert 0 < grown.weight < exact.weight
    assert grown.weight >= EXTENDED_GAIN * exact.weight


def test_an_extension_that_is_another_design_s_own_value_speaks_against() -> None:
    own = weigh("ash", "architecture.vocab_rows", {"architecture.vocab_rows": 50064})
    assert (own.fit, own.weight) == (Fit.EXTENDED, SPOKEN_FOR)


def test_a_renamed_class_is_mild_where_the_model_type_fits() -> None:
    renamed = OAK | {"architecture.class_name": "OakForSequenceClassification"}
    found = match("oak", renamed)
    assert "architecture.class_name" not in found.conflicts
    foreign = match("oak", renamed | {"architecture.text_model_type": "bush"})
    assert "architecture.class_name" in foreign.conflicts

    def loss(one: RuleMatch) -> float:
        return next(one.weigh(of) for of in one.judgements if of.name == "architecture.class_name")

    assert loss(foreign) < loss(found) < 0


def test_the_vocabulary_of_a_stranger_counts_a_quarter() -> None:
    rows = {"architecture.vocab_rows": 70000}
    gain = weigh("oak", "architecture.vocab_rows", rows).weight
    assert gain > 1

    def score(kind: str) -> float:
        found = match("oak", rows | {"architecture.text_model_type": kind})
        return found.score - weigh("oak", kind_of, {kind_of: kind}).weight

    kind_of = "architecture.text_model_type"
    assert score("shrub") == pytest.approx(STRANGER_GAIN * gain)
    assert score("bush") == pytest.approx(gain)
    assert match("oak", rows).score == pytest.approx(gain)


SIBLINGS = """
schema = "famtree/family/1"
key = "yew"
name = "Yew"
maker = "x"
sources = ["x"]
[[generation]]
key = "yew-1"
name = "Yew 1"
[[generation.rule]]
[generation.rule.when]
architecture.text_model_type = "yew"
architecture.vocab_rows = 40000
[[generation]]
key = "yew-2"
name = "Yew 2"
[[generation.rule]]
[generation.rule.when]
architecture.text_model_type = "yew"
architecture.vocab_rows = 40000
recipe.rope_theta = 1e6
"""


def test_a_generation_is_settled_by_four_fifths_of_the_belief() -> None:
    """A miss that a tenth of all derivatives show leaves the sibling a sixth of the belief."""
    registry = registry_of(RULES, {"yew.toml": SIBLINGS})
    traits = {"architecture.text_model_type": "yew", "architecture.vocab_rows": 40000}
    seen = traits | {"recipe.rope_theta": 2e6}
    result = classify(look(seen), registry)
    assert (result.outcome, len(result.candidates)) == ("identified", 2)
    best, other = (one.score for one in result.candidates)
    assert 0.8 < best / (best + other) < 0.9
    doubtful = classify(as_default(seen, "recipe.rope_theta"), registry)
    assert doubtful.outcome == "ambiguous"


def test_only_identity_traits_that_are_hardly_edited_conflict() -> None:
    odd = OAK | {"architecture.vocab_rows": 3, "recipe.rope_theta": 2.0, "recipe.norm_eps": 9.0}
    assert match("oak", odd).conflicts == ["architecture.vocab_rows"]
    assert REGISTRY.generic.traits["architecture.vocab_rows"].edit_rate <= CONFLICT_EDIT_RATE


def test_groups_are_capped() -> None:
    assert cap_groups({"training": 9.0}, {}, CAPS) == 2.0
    assert cap_groups({}, {"training": -90.0}, CAPS) == -(2.0 + GROUP_FLOOR)
    assert cap_groups({"training": 1.0, "rope": 1.5}, {"training": -0.5}, CAPS) == 2.0


def test_evidence_says_what_was_expected_and_seen() -> None:
    found = {one.signal: one for one in match("oak", OAK | {"recipe.rope_theta": 1e4}).describe()}
    theta = found["recipe.rope_theta"]
    assert (theta.supports, theta.source, theta.expected, theta.seen) == (
        False,
        "config",
        "1000000",
        "10000",
    )
    assert found["recipe.logit_cap"].seen == "absent"


def test_a_match_is_best_for_the_design_it_is_of() -> None:
    scores = {one.family.key: one.score for one in match_rules(look(OAK), REGISTRY)}
    assert max(scores, key=lambda key: scores[key]) == "oak"
    assert scores["fir"] < 0 < scores["oak"]


@pytest.mark.property
@UNHURRIED
@given(OBJECTS)
def test_any_config_is_classified(config: dict[str, Any]) -> None:
    fingerprint = build_fingerprint(CheckpointFacts(config))
    for registry in (REGISTRY, _shipped()):
        result = classify(observe(fingerprint, registry.generic), registry)
        assert 0 <= result.confidence <= 1
        assert all(0 <= one.score <= 1 for one in result.candidates)
        assert all(math.isfinite(one.weight) for one in result.evidence)
        assert (result.outcome == "identified") == (result.generation is not None)


def _shipped() -> Registry:
    if not _LOADED:
        _LOADED.append(load_registry())
    return _LOADED[0]


_LOADED: list[Registry] = []


def test_what_hardly_any_design_lacks_counts_where_it_is_absent() -> None:
    rows = {f"tree-{at}": {"architecture.vocab_rows": 1000 + at} for at in range(30)}
    image = {
        "architecture.text_model_type": "image",
        "architecture.vocab_rows": {"absent": True},
        "recipe.logit_cap": {"absent": True},
    }
    registry = registry_of({**rows, "image": image})
    named = {"architecture.text_model_type": "image", "recipe.norm_eps": 1e-6}
    gain = weights_of(match("image", named, registry))
    assert gain["architecture.vocab_rows"] > 1.0
    assert gain["recipe.logit_cap"] == 0.0
    unnamed = weights_of(match("image", {"recipe.norm_eps": 1e-6}, registry))
    assert unnamed["architecture.vocab_rows"] == 0.0


def weights_of(found: RuleMatch) -> dict[str, float]:
    return {one.name: found.weigh(one) for one in found.judgements}
