"""famtree as a library: paths of every kind, short reprs, notebooks, rows as tables, types."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import famtree
import python_user
from conftest import ROOT
from famtree.errors import FamtreeError, UsageError
from famtree.types.lineage import Lineage
from lineages import make_merge
from results import make_result

EXAMPLE = ROOT / "fixtures" / "example"
POLICY = ROOT / "fixtures" / "famtree.toml"


class Elsewhere(os.PathLike[str]):
    """A path that is not pathlib's."""

    def __fspath__(self) -> str:
        return str(EXAMPLE)


@pytest.mark.parametrize("place", [EXAMPLE, str(EXAMPLE), Elsewhere()], ids=lambda one: type(one))
def test_every_path_is_taken(place: famtree.Place) -> None:
    session = famtree.Session(offline=True)
    result = session.identify(place)
    assert result.family is not None
    assert session.lineage(place).ref == "example"
    assert session.fit(place, engines=["vllm"]).engines[0].engine == "vllm"
    assert session.compare(place, EXAMPLE).relation.architecture == "identical"
    [row] = famtree.scan([place], workers=1, offline=True)
    assert row["family"] == result.family.key


def test_files_are_named_by_paths_as_well(tmp_path: Path) -> None:
    assert famtree.check(POLICY, offline=True).policy == str(POLICY)
    with pytest.raises(UsageError, match="cannot be read"):
        famtree.check(POLICY, baseline=tmp_path / "absent.json", offline=True)
    with pytest.raises(FamtreeError):
        famtree.identify(EXAMPLE, atlas=str(tmp_path / "absent.duckdb"), offline=True)


def test_a_path_is_never_a_hub_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FamtreeError) as raised:
        famtree.identify(Path("acme/oak"))
    assert raised.value.code == "not-found"


@pytest.mark.parametrize("place", [3, None, b"a/b", Path, ["a/b"]])
def test_what_is_no_path_is_told_in_words(place: Any) -> None:
    for function in (famtree.identify, famtree.lineage, famtree.fit, famtree.check, famtree.attest):
        with pytest.raises(UsageError, match="no text and no path"):
            function(place)
    with pytest.raises(UsageError, match="no text and no path"):
        next(famtree.scan([place], workers=1))


def test_answers_show_themselves_in_a_line() -> None:
    session = famtree.Session(offline=True)
    result = session.identify(EXAMPLE)
    assert repr(result) == str(result)
    assert repr(result).endswith("example': mistral/mistral-7b-v0.3 7B, confidence 0.98>")
    for one in (
        session.lineage(EXAMPLE),
        session.compare(EXAMPLE, EXAMPLE),
        session.compare_all([EXAMPLE] * 3),
        session.fit(EXAMPLE),
        session.check(POLICY),
    ):
        assert repr(one).startswith(f"<{type(one).__name__} ")
        assert len(repr(one)) < 200 + 2 * len(str(EXAMPLE))
        shown = one._repr_mimebundle_()
        assert set(shown) == {"text/plain", "text/html", "text/markdown"}
        assert "<table>" in shown["text/html"] or "<pre" in shown["text/html"]
        assert shown["text/markdown"] == one.to_markdown()


def test_a_lineage_is_written_in_every_way() -> None:
    lineage = make_merge()
    assert isinstance(lineage, Lineage)
    assert lineage.to_mermaid().startswith("flowchart")
    assert lineage.to_dot().startswith("digraph")
    assert lineage.to_svg().startswith("<svg")
    assert lineage.to_html().startswith("<!doctype html>")
    assert "└─" in lineage._repr_html_()


def test_nothing_of_a_checkpoint_is_live_in_a_notebook() -> None:
    result = make_result()
    name = "<script>alert(1)</script>&"
    told = result.checkpoint.model_copy(update={"ref": name})
    html = result.model_copy(update={"checkpoint": told})._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_notebook_shows_tree_and_table(tmp_path: Path) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    code = f"import famtree\nfamtree.lineage({str(EXAMPLE)!r}, offline=True)"
    cells = [code, f"famtree.identify({str(EXAMPLE)!r}, offline=True)"]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    spec = tmp_path / "kernels" / "own" / "kernel.json"
    spec.parent.mkdir(parents=True)
    start = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": start, "display_name": "own", "language": "python"}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(tmp_path))
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        nbclient.NotebookClient(book, kernel_name="own", timeout=120).execute()
    tree, answer = (cell.outputs[0].data for cell in book.cells)
    assert "<pre" in tree["text/html"]
    assert "<table>" in answer["text/html"]
    assert "mistral/mistral-7b-v0.3" in answer["text/html"]
    assert answer["text/plain"].startswith(str(EXAMPLE))


def test_rows_of_a_scan_are_tables() -> None:
    arrow = pytest.importorskip("pyarrow")
    rows = list(famtree.scan([EXAMPLE], workers=1, offline=True))
    table = arrow.Table.from_pylist(rows)
    assert table.num_rows == 1
    assert table.column("family").to_pylist() == ["mistral"]
    polars = importlib.import_module("polars")
    assert polars.DataFrame(rows, infer_schema_length=None)["family"].to_list() == ["mistral"]
    pandas = importlib.import_module("pandas")
    assert list(pandas.DataFrame(rows)["family"]) == ["mistral"]


def test_a_user_s_script_uses_all_there_is() -> None:
    # mypy looks at it as at every file of ours; the wheel's types are test_distribution's matter.
    text = Path(python_user.__file__).read_text(encoding="utf-8")
    assert [name for name in famtree.__all__ if f"famtree.{name}" not in text] == []
    told = python_user.tell(EXAMPLE, POLICY)
    assert "vllm" in " ".join(told)
    assert any(line.startswith("usage 2 example has no weight files") for line in told), told
