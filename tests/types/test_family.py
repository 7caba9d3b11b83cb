from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from famtree.registry.parse import validate
from famtree.types.family import OPERATORS, Condition, Exemplar, Family, Rule


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"equals": 1, "one_of": (1,)},
        {"absent": False},
        {"between": (2.0, 1.0)},
    ],
)
def test_condition_needs_one_sound_operator(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"operator|absent|between"):
        validate(Condition, given)


def test_every_operator_is_one_alone() -> None:
    values: dict[str, Any] = {
        "equals": False,
        "one_of": (1, 2),
        "between": (1.0, 1.0),
        "contains": ("x",),
        "absent": True,
    }
    assert values.keys() == set(OPERATORS)
    for name, value in values.items():
        assert getattr(Condition(**{name: value}), name) == value


def test_rules_refuse_what_they_do_not_know() -> None:
    with pytest.raises(ValidationError):
        validate(Rule, {"when": {"a": {"equal": 1}}})
    with pytest.raises(ValidationError):
        validate(Rule, {"when": {}, "weight": 3})


def test_answers_of_an_exemplar() -> None:
    one = Exemplar(
        repo="acme/x",
        generation="oak-1",
        ambiguous_with=["oak-2", "elm/elm-1"],
        traits={},
        source="x",
    )
    assert one.answers("oak") == [("oak", "oak-1"), ("oak", "oak-2"), ("elm", "elm-1")]


def test_family_needs_sources_and_a_generation() -> None:
    with pytest.raises(ValidationError) as caught:
        validate(Family,
            {"schema": "famtree/family/1", "key": "oak", "name": "Oak", "maker": "Acme",
             "sources": [], "generation": []}
        )  # fmt: skip
    assert {error["loc"][0] for error in caught.value.errors()} == {"sources", "generation"}
