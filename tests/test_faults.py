"""Broken networks: every answer is the clean one or an error of the network, and nothing stays."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import ROOT, load_module

FAULTS: Any = load_module(ROOT / "benchmarks" / "faults.py")
IDENTIFIES = 6
"""Of each kind; benchmarks/faults.py does 300."""


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Any]:
    return {outcome.kind: outcome for outcome in FAULTS.run(FAULTS.KINDS, IDENTIFIES)}


@pytest.mark.parametrize("kind", FAULTS.KINDS)
def test_answers_are_clean_or_the_networks_error(kind: str, outcomes: dict[str, Any]) -> None:
    outcome = outcomes[kind]
    assert outcome.wrong == []
    assert outcome.faulty
    assert outcome.equal + outcome.errors.total() == outcome.runs == IDENTIFIES


def test_most_passing_faults_are_survived(outcomes: dict[str, Any]) -> None:
    passing = ("429", "500", "reset", "truncated", "slow drip")
    assert sum(outcomes[kind].equal for kind in passing) > 4 * IDENTIFIES


def test_what_must_not_be_is_noticed() -> None:
    outcome = FAULTS.Outcome("x")
    clean = {"outcome": "identified"}
    for said in (
        {"outcome": "unknown"},
        {"error": {"code": "bad-header", "exit_code": 4}},
        {"error": {"code": "crash", "exit_code": 70}},
    ):
        FAULTS.judge(outcome, "name", said, clean)
    assert (len(outcome.wrong), outcome.equal) == (3, 0)
    FAULTS.judge(outcome, "name", {"error": {"code": "network", "exit_code": 3}}, clean)
    FAULTS.judge(outcome, "name", clean, clean)
    assert (len(outcome.wrong), outcome.equal, dict(outcome.errors)) == (3, 1, {"network": 1})
