"""Every fixture is identified as recorded, and never as something it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, load_module

EXPECTED = load_module(ROOT / "fixtures" / "update_expected.py")
RECORDED: dict[str, dict[str, Any]] = EXPECTED.load_expected()
NAMES: list[str] = EXPECTED.fixture_names()


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_is_the_recorded_one(name: str, fixture_checkpoints: dict[str, Path]) -> None:
    seen = EXPECTED.observe(fixture_checkpoints[name])

    assert EXPECTED.contradiction(seen, EXPECTED.load_facts(name).get("truth", {})) is None
    assert name in RECORDED, "run fixtures/update_expected.py and review the diff"
    assert seen == RECORDED[name]


def test_nothing_is_recorded_that_is_not_a_fixture() -> None:
    assert sorted(RECORDED) == NAMES


def test_the_committed_example_is_identified() -> None:
    seen = EXPECTED.observe(ROOT / "fixtures" / "example")

    assert (seen["format"], seen["outcome"], seen["family"]) == (
        "index-only",
        "identified",
        "mistral",
    )
    assert seen["generation"] == "mistral-7b-v0.3"


def test_fixtures_are_small_on_disk(fixture_checkpoints: dict[str, Path]) -> None:
    files = [file for folder in fixture_checkpoints.values() for file in folder.iterdir()]

    # Blocks really taken: the weights are holes. Most of it is 163 headers of one checkpoint.
    assert sum(file.stat().st_blocks * 512 for file in files) < 64 << 20
