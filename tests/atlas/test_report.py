from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from famtree.atlas.build import build_atlas
from famtree.atlas.report import report_atlas
from rendering import show
from scan_rows import make_row, write_rows

HOSTILE = "<script>alert(1)</script>\"'&\u202e"


def build(folder: Path) -> Path:
    rows = write_rows(
        folder / "rows.jsonl",
        make_row("org/base", license="cc-by-nc-4.0", weight_files=["aa"]),
        make_row("org/free", ("org/base",), license="mit"),
        make_row("org/same", ("org/base",), license="cc-by-nc-4.0", weight_files=["aa"],
                 created_at="2025-01-01T00:00:00.000Z"),
        make_row("org/wrong", ("org/base",), status="contradicted", license="mit"),
        make_row(f"org/{HOSTILE}", (HOSTILE,), license=HOSTILE, family=HOSTILE,
                 quantization=HOSTILE, bits=4.0),
    )  # fmt: skip
    target = folder / "built.duckdb"
    build_atlas([rows], target)
    return target


def test_figures(tmp_path: Path) -> None:
    found = report_atlas(build(tmp_path))
    assert found.checkpoints == 5
    assert sum(bar.count for bar in found.families) == 5
    assert {bar.label: bar.count for bar in found.statuses} == {"declared": 3, "contradicted": 1}
    assert [(one.child, one.parent) for one in found.contradicted] == [("org/wrong", "org/base")]
    # The contradicted link is no chain that a licence runs down.
    assert [(one.child, one.parent) for one in found.loosened] == [("org/free", "org/base")]
    assert [(bar.label, bar.count) for bar in found.copies] == [("org/base", 2)]
    assert found.undeclared == 1
    assert [bar.count for bar in found.quantizations] == [1]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_stands_alone_and_runs_nothing(tmp_path: Path) -> None:
    page = show("atlas report", "html", report_atlas(build(tmp_path)))
    tags = _Tags()
    tags.feed(page)
    assert "script" not in tags.names
    assert tags.references == []
    assert "url(" not in page
    assert re.findall(r"https?://", page) == []
    assert "\u202e" not in page
    assert "svg" in tags.names


def test_an_empty_atlas_has_a_page(tmp_path: Path) -> None:
    target = tmp_path / "built.duckdb"
    build_atlas([write_rows(tmp_path / "rows.jsonl")], target)
    assert "Atlas of 0 checkpoints" in show("atlas report", "html", report_atlas(target))
