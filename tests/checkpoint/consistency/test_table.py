"""Each code has one line of the table and one of the page."""

from __future__ import annotations

from conftest import ROOT
from examining import load_once
from famtree.checkpoint.consistency.splitting import load_pre_tokenizers
from famtree.checkpoint.consistency.table import CHECKS
from famtree.checkpoint.consistency.turns import load_turns


def test_the_page_lists_every_code() -> None:
    page = (ROOT / "docs" / "warnings.md").read_text(encoding="utf-8")

    assert [one.code for one in CHECKS if f"| `{one.code}` |" not in page] == []


def test_a_code_is_told_by_one_check() -> None:
    assert len({one.code for one in CHECKS}) == len(CHECKS)


def test_own_pre_tokenizers_are_those_of_generations_on_record() -> None:
    registry = load_once()

    for key, names in load_pre_tokenizers().items():
        assert registry.find_generation(*key.split("/")) is not None, key
        assert names


def test_what_ends_a_turn_is_listed_once() -> None:
    for names in (load_turns()["ends"], load_turns()["found_by_text"]):
        assert len(set(names)) == len(names)
