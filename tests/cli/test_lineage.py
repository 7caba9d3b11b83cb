from __future__ import annotations

from pathlib import Path

import pytest

from cli.commands import Command, FakeApi
from famtree.errors import NotFoundError
from famtree.types.proof_options import USUAL
from lineages import make_contradicted, make_merge

pytestmark = pytest.mark.usefixtures("fake_registry")
REF = "tuner/Oaken-Trio-8B-GGUF"


@pytest.fixture(autouse=True)
def answer(fake_api: FakeApi) -> None:
    fake_api.answer = make_merge()


def test_tree_is_on_stdout_and_nothing_on_stderr(command: Command) -> None:
    done = command("lineage", REF)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{REF}\n")
    assert "✔ verified 0.99" in done.out


def test_publishers_come_from_the_registry(command: Command) -> None:
    assert "published by coders" in command("lineage", REF).out


def test_json_is_the_document(command: Command) -> None:
    done = command("lineage", REF, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.document == make_merge().to_document()
    assert done.document["schema"] == "famtree/lineage/1"


@pytest.mark.parametrize(
    ("option", "start"), [("--mermaid", "flowchart TD\n"), ("--dot", "digraph lineage {\n")]
)
def test_drawings_are_on_stdout(command: Command, option: str, start: str) -> None:
    done = command("lineage", REF, option)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(start)


def test_page_is_written(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    done = command("lineage", REF, "--html", str(path))
    assert (done.code, done.out, done.err) == (0, "", f"wrote {path}\n")
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert command("lineage", REF, "--html", "-").out == path.read_text(encoding="utf-8")


def test_links_of_the_page_lead_to_the_endpoint(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example/")
    page = command("lineage", REF, "--html", "-").out
    assert '<a href="https://hub.example/' in page
    assert "huggingface.co" not in page


def test_options_reach_the_api(command: Command, fake_api: FakeApi) -> None:
    command("lineage", REF)
    command(
        *("lineage", REF, "--offline", "--verify", "--children"),
        *("--depth", "3", "--revision", "main", "--timeout", "9"),
    )
    (plain, asked) = fake_api.calls
    assert plain[0] == asked[0] == (REF,)
    assert callable(plain[1].pop("on_progress"))
    assert callable(asked[1].pop("on_progress"))
    assert plain[1] == {
        "revision": None,
        "offline": False,
        "verify": False,
        "atlas": None,
        "roots": True,
        "candidates": (),
        "children": False,
        "depth": 8,
        "registry": (),
        "proof": USUAL,
        "timeout": None,
    }
    assert asked[1] == {
        "revision": "main",
        "offline": True,
        "verify": True,
        "atlas": None,
        "roots": True,
        "candidates": (),
        "children": True,
        "depth": 3,
        "registry": (),
        "proof": USUAL,
        "timeout": 9.0,
    }


@pytest.mark.parametrize(
    "options",
    [
        ["--json", "--mermaid"],
        ["--mermaid", "--dot"],
        ["--dot", "--html", "x.html"],
        ["--html", "x.html", "--json"],
        ["--json", "--mermaid", "--dot", "--html", "-"],
    ],
)
def test_forms_exclude_each_other(command: Command, fake_api: FakeApi, options: list[str]) -> None:
    done = command("lineage", REF, *options)
    assert done.code == 2
    assert "exclude each other" in done.err
    assert fake_api.calls == []


@pytest.mark.parametrize("depth", ["0", "-1", "65", "many"])
def test_depth_is_bounded(command: Command, fake_api: FakeApi, depth: str) -> None:
    done = command("lineage", REF, f"--depth={depth}")
    assert done.code == 2
    assert "--depth" in done.err
    assert fake_api.calls == []


def test_place_of_the_page_is_checked_before_any_work(
    command: Command, fake_api: FakeApi, tmp_path: Path
) -> None:
    for name in ("", str(tmp_path), str(tmp_path / "absent" / "x.html")):
        assert command("lineage", REF, "--html", name).code == 2
    assert fake_api.calls == []


def test_page_that_cannot_be_written_is_told(command: Command, tmp_path: Path) -> None:
    done = command("lineage", REF, "--html", str(tmp_path / ("x" * 300)))
    assert done.code == 2
    assert "cannot be written" in done.err


def test_contradiction_is_an_answer(command: Command, fake_api: FakeApi) -> None:
    fake_api.answer = make_contradicted()
    assert command("lineage", REF).code == 0


def test_failure_has_its_code_and_writes_no_page(
    command: Command, fake_api: FakeApi, tmp_path: Path
) -> None:
    fake_api.answer = NotFoundError("m", hint="do this")
    path = tmp_path / "page.html"
    assert command("lineage", REF, "--html", str(path)).code == 3
    assert not path.exists()
    done = command("lineage", REF, "--json")
    assert done.document["error"]["code"] == "not-found"


def test_candidates_are_looked_at_by_weights(command: Command) -> None:
    done = command("lineage", REF, "--candidate", "acme/base")
    assert done.code == 2
    assert "add --verify" in done.err
