"""Published pairs: read as they are published, asked once each, continued after a stop."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import ROOT, load_module
from famtree import Session
from hub.server import HubServer
from tiny_models import make_model, tune, write_model

BENCHMARK = load_module(ROOT / "benchmarks" / "published_pairs.py")
PAIRS = {
    "similar": [
        {"pair": ["org/base", "org/tuned"], "provenance": "fine-tuning (instruct)"},
        {"pair": ["org/base", "org/absent"], "provenance": "identity"},
    ],
    "dissimilar": [{"pair": ["org/base", "org/stranger"], "provenance": "none"}],
}
EDGES = "Base Model,Relation,Derived Model\norg_base,finetune,org_tuned_once\n"


def fill(hub: HubServer, folder: Path) -> None:
    base = make_model(1)
    for name, arrays in (("base", base), ("tuned", tune(base, 2)), ("stranger", make_model(3))):
        place = write_model(folder / name, arrays)
        hub.add(f"org/{name}", {one.name: one.read_bytes() for one in place.iterdir()})


def test_edges_are_read_as_published() -> None:
    found = BENCHMARK.read_set("mdgbench", EDGES)
    assert [(one.a, one.b, one.kind) for one in found] == [
        ("org/base", "org/tuned_once", "finetune")
    ]


def test_pairs_are_judged_and_a_run_is_continued(
    hub: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(hub, tmp_path)
    file, rows = tmp_path / "pairs.json", tmp_path / "rows.jsonl"
    file.write_text(json.dumps(PAIRS))
    options = ["--file", str(file), "--rows", str(rows)]
    assert BENCHMARK.main([*options, "--limit", "1"]) == 0
    with rows.open("a") as stream:
        stream.write('{"a": "org/ba')  # killed in the middle of a line
    asked = hub.seen.requests
    assert BENCHMARK.main([*options, "--limit", "1"]) == 0
    assert hub.seen.requests == asked
    assert BENCHMARK.main(options) == 0
    told = capsys.readouterr().out
    assert "| related | fine-tuning | 1 | 1 | 0 | 0 | 0 |" in told
    assert "| related | identity | 1 | 0 | 0 | 0 | 1 |" in told
    assert "| unrelated | none | 1 | 1 | 0 | 0 | 0 |" in told
    assert len(rows.read_text().splitlines()) == 3


def test_a_hub_out_of_reach_is_told_and_asked_again(
    hub: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.jsonl"
    pairs = BENCHMARK.read_set("provenance-kit", json.dumps(PAIRS))
    found = list(BENCHMARK.run(pairs[:1], rows, Session(offline=True)))
    assert [BENCHMARK.judge(row) for row in found] == ["unread"]
    fill(hub, tmp_path)
    found = list(BENCHMARK.run(pairs[:1], rows, Session()))
    assert [BENCHMARK.judge(row) for row in found] == ["right"]


def test_words_where_nothing_can_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert BENCHMARK.main(["--file", str(tmp_path / "absent.json")]) == 0
    assert "out of reach" in capsys.readouterr().out
    file = tmp_path / "pairs.json"
    file.write_text(json.dumps(PAIRS))
    monkeypatch.setattr(BENCHMARK, "Session", lambda: Session(offline=True))
    assert BENCHMARK.main(["--file", str(file), "--rows", str(tmp_path / "rows.jsonl")]) == 0
    assert "the Hub is out of reach: 0 of 3 pairs have an answer" in capsys.readouterr().out


def test_other_bytes_than_recorded_are_no_published_set(monkeypatch: pytest.MonkeyPatch) -> None:
    from io import BytesIO

    monkeypatch.setattr(BENCHMARK, "urlopen", lambda *_, **__: BytesIO(b"{}"))
    with pytest.raises(ValueError, match="is not what it was"):
        BENCHMARK.fetch_set("provenance-kit", None)
