"""The page on decisions shows a reliability table, and the script can replace it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from conftest import ROOT, load_module

PAGE = ROOT / "docs" / "how-it-decides.md"
NUMBER = r"[01]\.\d{3}"
ROW = re.compile(rf"^\| 0\.\d\d to [01]\.\d\d \| \d+ \| {NUMBER} \| {NUMBER} \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def calibration() -> Iterator[object]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield load_module(ROOT / "benchmarks" / "calibration.py")


def test_the_page_has_a_filled_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    begin, end = "<!-- calibration: begin -->", "<!-- calibration: end -->"
    assert text.count(begin) == text.count(end) == 1
    table = text.partition(begin)[2].partition(end)[0]
    assert len(ROW.findall(table)) >= 3
    for source in ("held back", "held back, edited", "labelled corpus", "published rows"):
        assert f"| {source} |" in table


def test_writing_replaces_only_the_table() -> None:
    replace_block = load_module(ROOT / "benchmarks" / "page.py").replace_block
    page = "before\n<!-- x: begin -->\nold\n<!-- x: end -->\nafter\n"
    fresh = replace_block(page, "x", "new")
    assert fresh == "before\n<!-- x: begin -->\nnew\n<!-- x: end -->\nafter\n"
    with pytest.raises(ValueError, match="lacks"):
        replace_block(page, "y", "new")


def test_the_page_shows_a_run_of_nonsense_with_hardly_a_confident_answer() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition("<!-- nonsense: begin -->")[2].partition("<!-- nonsense: end -->")[0]
    rows = re.findall(r"^\| ([a-z ]+) \| (\d+) \| \d+ \| 0\.\d\d \| (\d+) \|$", table, re.MULTILINE)
    assert len(rows) == 7
    assert sum(int(cases) for _, cases, _ in rows) >= 1000
    assert sum(int(confident) for _, _, confident in rows) <= 1


def test_the_rows_count_what_they_say(calibration) -> None:  # type: ignore[no-untyped-def]
    opinions = [
        calibration.Opinion("held back", "a", 0.96, True),
        calibration.Opinion("held back", "b", 0.98, False),
        calibration.Opinion("labelled corpus", "c", 0.75, True),
    ]
    table = calibration.render_table(opinions)
    assert "| 0.95 to 1.00 | 2 | 0.970 | 0.500 |" in table
    assert "| 0.70 to 0.80 | 1 | 0.750 | 1.000 |" in table
    assert "| held back | 2 | 0.970 | 0.500 | +0.470 | 0.4810 |" in table
    assert calibration.summarise([])["answers"] == 0


def test_edits_keep_what_names_the_design(calibration) -> None:  # type: ignore[no-untyped-def]
    import random

    traits = {
        "architecture.model_type": "oak",
        "architecture.text_model_type": "oak",
        "architecture.vocab_rows": 50000,
        "architecture.layers": 24,
        "recipe.context": 4096,
        "recipe.rope_theta": 10000.0,
        "recipe.bos_id": 1,
    }
    before = dict(traits)
    for seed in range(200):
        edited = calibration.edit_traits(traits, random.Random(seed))
        assert edited["architecture.model_type"] == "oak"
        assert 50000 <= edited["architecture.vocab_rows"] <= 50000 + 128
    assert traits == before
