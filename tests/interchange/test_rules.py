from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from famtree.interchange.engine import Engine, EngineRule
from famtree.interchange.facts import FactReader
from famtree.interchange.rules import answer_rules, fill
from famtree.registry.parse import validate
from famtree.types.comparison import Answer
from interchange.sides import make_pair, make_side


def _rule(key: str, answer: str, when: dict[str, Any] | None = None, **rest: Any) -> EngineRule:
    conditions = {name: {"equals": value} for name, value in (when or {}).items()}
    return validate(EngineRule,
        {"key": key, "question": "draft", "when": conditions, "answer": answer,
         "reason": "{rows.a} rows", "source": "s", **rest}
    )  # fmt: skip


def _ask(
    rules: list[EngineRule], known: dict[str, Any] | None = None, version: str = "1.0"
) -> Answer:
    engine = Engine(
        schema_="famtree/engine/1",
        key="x",
        name="X",
        version="1.0",
        checked=date(2026, 1, 1),
        url="https://example.org",
        kind="server",
        rules=rules,
    )
    facts = FactReader(
        make_pair(make_side(vocab_size=32000), make_side(vocab_size=32768)), dict(known or {})
    )
    (answer,) = answer_rules(facts, engine, version, ["draft"])
    return answer


RULES = [
    _rule("equal", "yes", {"rows.same": True}),
    _rule("unequal", "no", {"rows.same": False, "ids.same": False}),
    _rule("rest", "conditional", condition="c"),
]


@pytest.mark.parametrize(
    ("known", "answer", "rule"),
    [
        ({"rows.same": True}, "yes", "equal"),
        ({"rows.same": False, "ids.same": False}, "no", "unequal"),
        ({"rows.same": False, "ids.same": True}, "conditional", "rest"),
        ({"rows.same": None, "ids.same": True}, "unknown", "equal"),
        ({"rows.same": False, "ids.same": None}, "unknown", "unequal"),
    ],
)
def test_first_rule_that_holds_answers(known: dict[str, Any], answer: str, rule: str) -> None:
    found = _ask(RULES, known)
    assert (found.answer, found.rule) == (answer, f"x/draft.{rule}")


def test_unknown_names_what_is_missing() -> None:
    found = _ask(RULES, {"rows.same": None, "ids.same": None})
    assert "the embedding rows of both" in found.reason
    assert found.condition is None


def test_rules_that_agree_need_no_certainty() -> None:
    rules = [_rule("one", "no", {"ids.same": True}), _rule("two", "no")]
    assert _ask(rules, {"ids.same": None}).rule == "x/draft.two"


def test_a_rule_holds_for_its_versions() -> None:
    rules = [_rule("new", "yes", since="1.2"), _rule("old", "no")]
    assert _ask(rules, version="1.1").answer == "no"
    assert _ask(rules, version="1.2").answer == "yes"


def test_reasons_carry_values() -> None:
    assert _ask(RULES, {"rows.same": True}).reason == "32,000 rows"
    facts = FactReader(make_pair(make_side(), make_side()), {"rows.a": None})
    assert fill("{rows.a}, {quantized.any}, {no}", facts) == "unknown, no, {no}"
