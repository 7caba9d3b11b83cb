"""What a reader learns from the first lines, on real shapes and at every width."""

from __future__ import annotations

import json
from contextlib import chdir
from pathlib import Path

import pytest

import famtree
from conftest import ROOT
from famtree.types.comparison import Comparison
from loading import load_module
from rendering import show

LLAMA, AWQ, QWEN, LORA = "llama-3.1-8b", "llama-3.1-8b-awq", "qwen2.5-7b", "hard-adapter-only"
NOVEL, LIAR = "novel", "liar"
MADE = (LLAMA, AWQ, QWEN, LORA, "hard-llava-wrapper", "hard-disguised-config")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    makers = load_module(ROOT / "fixtures" / "make_fixtures.py")
    for name in MADE:
        makers.build_fixture(name, place / name)
    makers.build_fixture(QWEN, place / LIAR)
    (place / LIAR / "README.md").write_text("---\nbase_model: meta-llama/Llama-3.1-8B\n---\n")
    (place / NOVEL).mkdir()
    config = {"model_type": "novel", "hidden_size": 1560, "vocab_size": 61000}
    (place / NOVEL / "config.json").write_text(json.dumps(config))
    return place


@pytest.mark.parametrize("width", [60, 80, 120, None])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        (LLAMA, "Llama 3.1 8B, base model; no parent is declared"),
        (AWQ, "Llama 3.1 8B, quantized to 4 bit; parent inferred, not declared"),
        (LORA, "A LoRA adapter for Llama 3.1; base declared, and the adapter fits it"),
        (
            LIAR,
            "It names meta-llama/Llama-3.1-8B as its parent, which is ruled out: layers 28 here",
        ),
        (NOVEL, "Unknown: no family on record has this design"),
        ("hard-llava-wrapper", "Llama 2 7B with a vision tower; parent of its language model"),
        ("hard-disguised-config", "Unknown: no family on record has this design; its files"),
    ],
)
def test_what_it_is_stands_in_the_first_five_lines(
    folder: Path, name: str, said: str, width: int | None
) -> None:
    result = famtree.identify(folder / name, offline=True)
    options = {} if width is None else {"width": width, "color": False}
    lines = show("identification", "text", result, **options).splitlines()[:5]
    assert said in " ".join(" ".join(line.strip("│ ") for line in lines).split())


@pytest.fixture(scope="module")
def strangers(folder: Path) -> Comparison:
    with chdir(folder):  # paths of another length would need other lines
        return famtree.compare(f"./{QWEN}", f"./{LLAMA}", offline=True)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_an_unlike_pair_fits_a_screen(strangers: Comparison, width: int) -> None:
    lines = show("comparison", "text", strangers, width=width, color=False).splitlines()
    assert len(lines) <= (45 if width >= 100 else 48)
    assert " ".join(lines[:3]).startswith("b cannot replace a: another class")
    assert "of different families" in " ".join(" ".join(lines[:4]).split())
    engines = {one.engine for one in strangers.interchange if one.engine is not None}
    words = {word.strip(",") for line in lines for word in line.split()}
    assert engines <= words, "an engine's name is broken"


@pytest.mark.parametrize(("a", "b"), [(LLAMA, LORA), (LORA, LLAMA)])
def test_an_adapter_and_its_base_take_no_place_of_each_other(folder: Path, a: str, b: str) -> None:
    found = famtree.compare(folder / a, folder / b, offline=True)
    assert found.verdict is not None
    assert found.verdict.replace == "no"
    assert "is an adapter" in found.verdict.text


def test_first_pages_ask_of_published_names() -> None:
    for page in ("README.md", "docs/index.md"):
        assert "acme/" not in (ROOT / page).read_text(encoding="utf-8"), page


def test_no_page_promises_less_than_is_read() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        assert "some tens of kilobytes" not in page.read_text(encoding="utf-8"), page


def test_nobody_is_told_to_install_famtree_from_an_index() -> None:
    """Whoever takes the name there would be installed."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("*.1")]
    for page in pages:
        text = " ".join(page.read_text(encoding="utf-8").split())
        assert "install 'famtree[" not in text, page
