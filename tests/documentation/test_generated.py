"""What scripts write into docs/ is what they would write now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from documentation.world import ROOT, fill_hub
from hub.server import HubServer
from loading import load_module

PICTURES = load_module(ROOT / "scripts" / "update_pictures.py")
BENCHMARKS = load_module(ROOT / "scripts" / "update_benchmarks.py")
SCHEMAS = load_module(ROOT / "scripts" / "update_schemas.py")
ENGINES = load_module(ROOT / "scripts" / "update_engine_docs.py")
RESULT = {
    "name": "Example",
    "command": "python benchmarks/example.py",
    "date": "2026-01-02",
    "machine": {"processor": "two cores"},
    "versions": {"python": "3.11", "numpy": "2.0"},
    "rows": [{"case": "a|b", "bytes": 12345, "seconds": 0.123456}, {"case": "c", "met": True}],
}


@pytest.mark.parametrize("name", PICTURES.PICTURES)
def test_pictures_are_current(name: str, hub: HubServer) -> None:
    fill_hub(hub)
    shown = (PICTURES.FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    assert shown == PICTURES.draw(PICTURES.trace(name)), "run scripts/update_pictures.py"


def test_every_picture_is_drawn_and_shown() -> None:
    drawn = {path.stem for path in PICTURES.FOLDER.iterdir()}
    assert drawn == set(PICTURES.PICTURES)
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    assert [name for name in drawn if f"(pictures/{name}.svg)" not in text] == []


def test_pictures_load_nothing() -> None:
    for path in PICTURES.FOLDER.iterdir():
        text = path.read_text(encoding="utf-8")
        assert text.count("http") == text.count('xmlns="http://www.w3.org/2000/svg"') == 1
        assert "<script" not in text
        assert "href" not in text


def test_the_page_of_schemas_is_current() -> None:
    for path, text in SCHEMAS.render_files().items():
        assert path.read_text(encoding="utf-8") == text, "run scripts/update_schemas.py"


def test_the_pages_of_engines_are_current() -> None:
    files = ENGINES.render_files()
    for path, text in files.items():
        assert path.read_text(encoding="utf-8") == text, "run scripts/update_engine_docs.py"
    assert {path.name for path in (ROOT / "docs" / "engines").iterdir()} == {
        path.name for path in files if path.parent.name == "engines"
    }


def test_the_page_of_benchmarks_is_current() -> None:
    shown = BENCHMARKS.PAGE.read_text(encoding="utf-8")
    assert shown == BENCHMARKS.render_page(), "run scripts/update_benchmarks.py"


def test_a_result_is_shown_with_all_that_it_says(tmp_path: Path) -> None:
    (tmp_path / "example.json").write_text(json.dumps(RESULT), encoding="utf-8")
    page = BENCHMARKS.render_page(tmp_path)
    assert "- command: `python benchmarks/example.py`" in page
    assert "- machine: processor two cores" in page
    assert "- versions: python 3.11, numpy 2.0" in page
    assert "- date: 2026-01-02" in page
    assert "| a\\|b | 12,345 | 0.1235 |  |" in page
    assert "| c |  |  | yes |" in page
    assert "No result" not in page


@pytest.mark.parametrize("field", BENCHMARKS.FIELDS)
def test_a_result_that_lacks_a_field_is_an_error(field: str, tmp_path: Path) -> None:
    kept = {key: value for key, value in RESULT.items() if key != field}
    (tmp_path / "example.json").write_text(json.dumps(kept), encoding="utf-8")
    with pytest.raises(ValueError, match=f"example.json lacks {field}"):
        BENCHMARKS.read_results(tmp_path)
