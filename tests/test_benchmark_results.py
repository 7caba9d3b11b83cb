"""The committed tables of benchmarks/results: whole, and what they say of famtree."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import ROOT, load_module

RESULTS = ROOT / "benchmarks" / "results"
NAMES = ("performance", "peers")
RUN: Any = load_module(ROOT / "benchmarks" / "run.py")
PEERS: Any = load_module(ROOT / "benchmarks" / "peers.py")


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_table_tells_all_that_is_needed_to_judge_it(name: str) -> None:
    table = load(name)
    assert set(table) == {"name", "command", "date", "machine", "versions", "rows"}
    assert table["name"] == name
    assert {"python", "famtree"} <= set(table["versions"])
    assert {"processor", "cores", "system", "load"} == set(table["machine"])
    for row in table["rows"]:
        assert {"name", "command", "runs"} <= set(row)
        assert not any(part in row["command"] for part in ("/tmp/", "/work/", "/home/"))


def test_every_question_is_asked_of_famtree_and_answered_right() -> None:
    rows = load("peers")["rows"]
    own = {row["name"]: row for row in rows if row["tool"] == "famtree"}
    assert set(own) == {question.name for question in PEERS.QUESTIONS}
    assert all(row["correct"] for row in own.values())


def test_where_famtree_is_behind_the_row_says_why() -> None:
    for row in load("peers")["rows"]:
        assert row["tool"] == "famtree" or not row["famtree_behind"] or row["note"]
        assert "correctness" not in row["famtree_behind"]


def test_answers_of_other_tools_are_read() -> None:
    said = '{"verdict": {"verdict": "FINE_TUNE", "best_candidate": "a"}}'
    assert PEERS._modeldna_compare(f"note\n{said}") == PEERS.DERIVED
    assert PEERS._modeldna_compare(said.replace("FINE_TUNE", "NO_MATCH")) == PEERS.UNRELATED
    said = '{"scores": {"provenance_decision": "Confirmed Match"}}'
    assert PEERS._cisco_compare(said) == PEERS.DERIVED
    assert PEERS._cisco_compare(said.replace("Confirmed Match", "Not Matched")) == PEERS.UNRELATED


def test_memory_is_that_of_the_program_alone() -> None:
    """Not that of the process that starts it, which holds numpy here."""
    held = bytearray(200_000_000)
    spent = RUN.startup.measure(["-c", "pass"], {})
    assert spent.megabytes < 60 < len(held)
