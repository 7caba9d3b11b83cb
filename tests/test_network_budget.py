"""What an answer from the Hub costs: requests, bytes and round trips, never seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from conftest import ROOT, load_module

NETWORK: Any = load_module(ROOT / "benchmarks" / "network.py")
NAMES = [case.name for case in NETWORK.CASES]


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    return {seen.case.name: seen for seen in NETWORK.measure()}


@pytest.mark.parametrize("name", NAMES)
def test_budget(name: str, measured: dict[str, Any]) -> None:
    assert measured[name].excesses == []


def test_the_budgets_are_the_promised_ones() -> None:
    most = {
        case.name: (case.most_requests, case.most_bytes, case.most_round_trips)
        for case in NETWORK.CASES
    }
    assert most["8B, 4 shards, cold"] == (9, 200_000, 5)
    assert most["MoE, 163 shards, cold"][1] == 1_000_000
    assert most["8B, warm"][0] == 1
    assert most["8B, warm, pinned commit"] == most["8B, warm, --offline"] == (0, 0, 0)


def test_the_repositories_are_of_real_size(measured: dict[str, Any]) -> None:
    """Cheap answers about small repositories would prove nothing."""
    cold = measured["8B, 4 shards, cold"]
    assert cold.bytes > 80_000
    assert cold.document["parameters"] == 8_030_261_248
    assert cold.document["generation"]["key"] == "llama-3.1"
    assert measured["MoE, 163 shards, cold"].document["parameters"] == 671_026_419_200


def test_round_trips_and_redirects_are_seen(measured: dict[str, Any]) -> None:
    cold = measured["8B, 4 shards, cold"]
    assert cold.with_redirects == 2 * cold.requests - 1  # all but the listing are redirected
    assert cold.round_trips >= 3
    assert measured["8B, warm"].requests == 1


def test_a_cold_offline_run_says_what_is_missing(measured: dict[str, Any]) -> None:
    error = measured["8B, cold, --offline"].document["error"]
    assert (error["code"], error["exit_code"]) == ("offline", 3)
    assert "listing of org/dense-8b" in error["message"]
    assert "--offline" in error["hint"]


def test_an_excess_is_noticed(measured: dict[str, Any]) -> None:
    cold = measured["8B, 4 shards, cold"]
    case = replace(cold.case, most_requests=1, most_bytes=1, most_round_trips=1)
    assert len(replace(cold, case=case).excesses) == 3
    assert replace(cold, exit_code=1).excesses
    assert replace(cold, bytes=cold.bytes - 1).excesses
