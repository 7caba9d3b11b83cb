from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from famtree.atlas.build import build_atlas
from famtree.atlas.query import query_atlas
from famtree.atlas.report import report_atlas
from rendering import show
from scan_rows import example, make_row, write_rows

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
    assert sum(one.checkpoints for one in found.families) == 5
    assert {bar.label: bar.count for bar in found.statuses} == {"declared": 3, "contradicted": 1}
    assert [(one.child.name, one.parent.name) for one in found.contradicted] == [
        ("org/wrong", "org/base")
    ]
    # The contradicted link is no chain that a licence runs down.
    assert [(one.child.name, one.parent.name) for one in found.loosened] == [
        ("org/free", "org/base")
    ]
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
    assert page.count("<script>") == page.count("<script") == 1
    assert not any("alert" in one for one in re.findall(r"<script>.*?</script>", page, re.DOTALL))
    own = ("data:,", "https://huggingface.co/org/")
    assert [one for one in tags.references if not one.startswith(own)] == []
    assert "url(" not in page
    assert " style=" not in page
    assert " on" not in {name[:3] for name in re.findall(r"<[^>]*?( on\w+)=", page)}
    assert "\u202e" not in page
    assert "svg" in tags.names


def test_an_empty_atlas_has_a_page(tmp_path: Path) -> None:
    target = tmp_path / "built.duckdb"
    build_atlas([write_rows(tmp_path / "rows.jsonl")], target)
    assert "Atlas of 0 checkpoints" in show("atlas report", "html", report_atlas(target))


def test_every_family_and_why_others_are_unknown(tmp_path: Path) -> None:
    def unknown(name: str, because: str | None, **more: Any) -> dict[str, Any]:
        document = json.loads(example()["document"]) | {"unknown_because": because}
        return make_row(name, outcome="unknown", family=None, **more) | {
            "document": json.dumps(document)
        }

    rows = [make_row(f"org/m{number}", family=f"family-{number:02d}") for number in range(40)]
    rows += [
        unknown("Org/Novel", "unregistered", source="hub"),
        unknown("here/local", "contradictory", source="local"),
        unknown("org/old", None, source="hub"),
        make_row("Org/Child", ("Org/Absent",), status="contradicted", source="hub"),
    ]
    target = tmp_path / "built.duckdb"
    build_atlas([write_rows(tmp_path / "rows.jsonl", *rows)], target)
    found = report_atlas(target)
    assert [one.key for one in found.families if one.key.startswith("family-")] == [
        f"family-{number:02d}" for number in range(40)
    ]
    assert found.unknowns == 3
    assert [(one.checkpoint.name, one.because) for one in found.unknown] == [
        ("here/local", "contradictory"), ("Org/Novel", "unregistered"), ("org/old", "not-judged"),
    ]  # fmt: skip
    assert all("layers" in one.design for one in found.unknown)
    # Names as their publishers write them, though links find each other in lower case.
    [one] = found.contradicted
    assert (one.child.name, one.parent.name) == ("Org/Child", "Org/Absent")
    page = show("atlas report", "html", found)
    assert f"Built on {found.built}." in page
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found.built)
    assert "no family on record has this design" in page
    assert '<a href="https://huggingface.co/Org/Novel"' in page
    asked = show("atlas report", "html", found, hub="https://hub.example/own")
    assert '<a href="https://hub.example/own/Org/Novel"' in asked
    assert "huggingface.co/" not in asked
    assert "huggingface.co/here/local" not in page


def test_the_reason_of_an_unknown_is_looked_up_by_query(tmp_path: Path) -> None:
    answer = query_atlas(build(tmp_path), "select count(unknown_because) from checkpoints")
    assert answer.rows == [[0]]
