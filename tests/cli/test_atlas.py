from __future__ import annotations

from pathlib import Path

import pytest

import famtree
from cli.commands import Command
from conftest import ROOT

pytest.importorskip("duckdb")
STATEMENT = "select 'a|b' as mark, 1 as one"


@pytest.fixture
def atlas(tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    rows, file = tmp_path / "rows.jsonl", tmp_path / "made.atlas"
    example = str(ROOT / "fixtures" / "example")
    assert command("scan", example, "--out", str(rows), "--workers", "1").code == 0
    done = command("atlas", "build", str(rows), "--out", str(file))
    assert (done.code, done.out) == (0, "")
    assert "1 checkpoints of 1 rows" in done.err
    return str(file)


def test_an_atlas_answers_in_every_form(command: Command, atlas: str) -> None:
    assert command("atlas", "info", atlas, "--json").document["famtree"] == famtree.__version__
    assert f"made by famtree {famtree.__version__}" in command("atlas", "info", atlas).out
    assert command("atlas", "info", atlas, "--format", "markdown").out.startswith("- **")
    asked = ("atlas", "query", atlas, STATEMENT)
    assert command(*asked).out == "mark\tone\na|b\t1\n"
    document = command(*asked, "--format", "json").document
    assert document == {"columns": ["mark", "one"], "rows": [["a|b", 1]]}
    markdown = command(*asked, "--format", "markdown").out
    assert markdown == "| mark | one |\n|---|---|\n| a\\|b | 1 |\n"
    assert command(*asked, "--json", "--format", "text").code == 2
