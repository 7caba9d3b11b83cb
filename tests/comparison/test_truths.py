"""Known truths about published pairs; see truths.toml for the facts and where they come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from comparison.pairs import make_request
from comparison.recorded import TRUTHS, recall
from famtree.comparison.compare import compare_subjects
from famtree.types.comparison import Comparison

PAIRS: list[dict[str, Any]] = TRUTHS["pair"]
_NO_ANSWER = {"a", "b", "why", "sources", "relation", "independent"}
DERIVED = {"same-weights", "a-derives-from-b", "b-derives-from-a", "siblings", "related"}


def name(pair: dict[str, Any]) -> str:
    return f"{pair['a'].split('/')[1]}>{pair['b'].split('/')[1]}"


def compare(pair: dict[str, Any], *engines: str) -> Comparison:
    return compare_subjects(recall(pair["a"]), recall(pair["b"]), make_request(*engines))


def list_asked(pair: dict[str, Any]) -> Iterator[tuple[str, str | None, list[str]]]:
    """Yield (question, engine as asked for, answers that are true)."""
    for key, expected in pair.items():
        if key not in _NO_ANSWER:
            question, _, engine = key.partition("/")
            allowed = [expected] if isinstance(expected, str) else expected
            yield question, engine or None, allowed


def check_pair(pair: dict[str, Any]) -> list[str]:
    """Return every answer that is not true, as `what: got, expected`."""
    asked = list(list_asked(pair))
    engines = sorted({engine for _, engine, _ in asked if engine})
    found = compare(pair, *engines)
    wrong = []
    for field, expected in pair.get("relation", {}).items():
        got = (
            found.relation.lineage.verdict if field == "lineage" else getattr(found.relation, field)
        )
        if got not in ([expected] if isinstance(expected, str) else expected):
            wrong.append(f"{field}: {got}, expected {expected}")
    for question, engine, allowed in asked:
        key = engine.partition("@")[0] if engine else None
        answers = [
            one for one in found.interchange if (one.question, one.engine) == (question, key)
        ]
        got = [f"{one.answer} ({one.reason})" for one in answers] or ["no answer"]
        if len(answers) != 1 or answers[0].answer not in allowed:
            wrong.append(f"{question}/{engine}: {'; '.join(got)}, expected {allowed}")
    return wrong


@pytest.mark.parametrize("pair", PAIRS, ids=name)
def test_answers_are_true(pair: dict[str, Any]) -> None:
    assert check_pair(pair) == []


def test_there_are_enough_pairs_and_each_has_a_source() -> None:
    assert len({(pair["a"], pair["b"]) for pair in PAIRS}) == len(PAIRS) >= 40
    assert all(pair["why"] and pair["sources"] for pair in PAIRS)
    assert {source for pair in PAIRS for source in pair["sources"]} <= set(TRUTHS["sources"])


@pytest.mark.parametrize("pair", [one for one in PAIRS if one.get("independent")], ids=name)
def test_an_equal_config_is_never_descent(pair: dict[str, Any]) -> None:
    for a, b in (("a", "b"), ("b", "a")):
        found = compare_subjects(recall(pair[a]), recall(pair[b]), make_request("vllm"))
        assert found.relation.lineage.verdict not in DERIVED
        assert found.relation.lineage.status != "verified"


def test_five_independent_pairs_are_among_them() -> None:
    assert sum(bool(pair.get("independent")) for pair in PAIRS) == 5


def test_a_wrong_expectation_is_noticed() -> None:
    pair = {**PAIRS[0], "draft/sglang": "yes"}
    assert [line.partition(":")[0] for line in check_pair(pair)] == ["draft/sglang"]
