"""A new family file changes no answer about another family, but for how the last digit rounds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, load_module
from documentation.world import fill_folder, fill_hub, load_examples
from famtree.api import identify
from famtree.errors import FamtreeError
from famtree.registry import load
from famtree.registry.load import load_registry
from hub.server import HubServer
from registry.guide import KEY, find_block

FIXTURES = load_module(ROOT / "fixtures" / "make_fixtures.py")

NEIGHBOUR = """
schema = "famtree/family/1"
key = "newcomer"
name = "Newcomer"
maker = "Acme"
sources = ["https://example.org/newcomer"]

[[generation]]
key = "newcomer-1"
name = "Newcomer 1"

[[generation.rule]]
[generation.rule.when]
architecture.model_type = "newcomer"
architecture.class_name = "NewcomerForCausalLM"
architecture.vocab_rows = 32000
architecture.qk_norm = false
architecture.qkv_bias = false
architecture.tied = false
recipe.rope_theta = {one_of = [10000.0, 500000.0, 1000000.0]}
recipe.norm_eps = 1e-5
recipe.activation = "silu"
recipe.context = {one_of = [4096, 8192, 32768]}
recipe.bos_id = 1

[[generation.size]]
name = "7B"
layers = 32
hidden_size = 4096
heads = 32
kv_heads = 8
ffn = 14336
"""
"""Of values that many designs share, and a shape that several do; its names are its own."""
LAST_DIGIT = 1e-4
"""Of a printed confidence or share."""


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the registry with two more families."""
    folder = tmp_path_factory.mktemp("registry") / "data"
    shutil.copytree(load.DATA, folder)
    (folder / "newcomer.toml").write_text(NEIGHBOUR, encoding="utf-8")
    (folder / f"{KEY}.toml").write_text(find_block("toml", f'key = "{KEY}"'), encoding="utf-8")
    return folder


def _ask(reference: str) -> dict[str, Any]:
    try:
        document = identify(reference).model_dump(mode="json")
    except FamtreeError as fault:
        return {"error": fault.code}
    del document["cost"], document["registry"]  # which is another, and says so
    return document


def _ask_both(reference: str, grown: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    before = _ask(reference)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "DATA", grown)
        assert {KEY, "newcomer"} <= load_registry().by_key.keys()
        return before, _ask(reference)


def list_changes(before: Any, after: Any, place: str = "") -> list[str]:
    """Return what differs, but for how the last digit rounds: newcomers hold a millionth."""
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        pairs = [(f"{place}.{key}", before[key], after[key]) for key in before]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = [(f"{place}[{at}]", *two) for at, two in enumerate(zip(before, after, strict=True))]
    elif isinstance(before, float) and isinstance(after, float):
        return [f"{place}: {before} {after}"] if abs(after - before) > 1.5 * LAST_DIGIT else []
    else:
        return [] if before == after else [f"{place}: {before} {after}"]
    return [change for where, one, two in pairs for change in list_changes(one, two, where)]


@pytest.mark.parametrize("name", FIXTURES.fixture_names())
def test_no_fixture_is_answered_otherwise(
    name: str, fixture_checkpoints: dict[str, Path], grown: Path
) -> None:
    before, after = _ask_both(str(fixture_checkpoints[name]), grown)
    assert list_changes(before, after) == []


def test_no_example_of_the_pages_is_answered_otherwise(
    hub: HubServer, grown: Path, tmp_path: Path
) -> None:
    fill_hub(hub)
    fill_folder(tmp_path / "folder")
    examples = load_examples()
    folders = [str(tmp_path / "folder" / name) for name in examples["folder"]]
    for reference in [*examples["repository"], *folders]:
        before, after = _ask_both(reference, grown)
        assert list_changes(before, after, reference) == []
