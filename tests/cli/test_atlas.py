from __future__ import annotations

import sys
from pathlib import Path

import pytest

import famtree
from cli.commands import Command
from scan_rows import make_row, write_rows

pytest.importorskip("duckdb")
STATEMENT = "select 'a|b' as mark, 1 as one"


@pytest.fixture
def built(command: Command, tmp_path: Path) -> str:
    rows = write_rows(tmp_path / "rows.jsonl", make_row("org/a"), make_row("org/b", ("org/a",)))
    target = str(tmp_path / "built.duckdb")
    assert command("atlas", "build", str(rows), "--out", target).code == 0
    return target


def test_info_and_query(command: Command, built: str) -> None:
    done = command("atlas", "info", built)
    assert done.code == 0
    assert "checkpoints" in done.out
    done = command("atlas", "query", built, "SELECT name, children FROM checkpoints ORDER BY 1")
    assert (done.code, done.out) == (0, "name\tchildren\norg/a\t1\norg/b\t0\n")
    done = command("atlas", "query", built, "SELECT name FROM edges", "--json")
    assert done.code == 2
    done = command("atlas", "query", built, "SELECT child FROM edges", "--json")
    assert done.document == {"columns": ["child"], "rows": [["org/b"]]}


def test_report(command: Command, built: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert command("atlas", "report", built, "--html", str(page)).code == 0
    assert page.read_text().startswith("<!DOCTYPE html>")
    done = command("atlas", "report", built, "--html", "-")
    assert (done.code, done.out) == (0, page.read_text())


def test_what_is_wrong_is_told(command: Command, built: str, tmp_path: Path) -> None:
    assert command("atlas", "info", str(tmp_path / "absent.duckdb")).code == 2
    text = tmp_path / "text.duckdb"
    text.write_text("nothing")
    assert command("atlas", "info", str(text)).code == 4
    done = command("atlas", "query", built, "SELECT * FROM read_text('/etc/passwd')")
    assert done.code == 2
    assert "root:" not in done.err
    assert command("atlas", "build", str(tmp_path / "absent.jsonl"), "--out", built).code == 2


def test_without_duckdb_the_extra_is_named(
    command: Command, built: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    done = command("atlas", "info", built)
    assert done.code == 2
    assert "pip install 'duckdb' (famtree's extra atlas)" in done.err


def test_an_atlas_answers_in_every_form(command: Command, built: str) -> None:
    assert command("atlas", "info", built, "--json").document["famtree"] == famtree.__version__
    assert f"made by famtree {famtree.__version__}" in command("atlas", "info", built).out
    assert command("atlas", "info", built, "--format", "markdown").out.startswith("- **")
    asked = ("atlas", "query", built, STATEMENT)
    assert command(*asked).out == "mark\tone\na|b\t1\n"
    document = command(*asked, "--format", "json").document
    assert document == {"columns": ["mark", "one"], "rows": [["a|b", 1]]}
    markdown = command(*asked, "--format", "markdown").out
    assert markdown == "| mark | one |\n|---|---|\n| a\\|b | 1 |\n"
    assert command(*asked, "--json", "--format", "text").code == 2
