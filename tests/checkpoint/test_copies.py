"""What the files of a local copy claim, they claim of the repository it was copied from."""

from __future__ import annotations

import json
from pathlib import Path

from famtree.checkpoint.checkpoint import Checkpoint
from famtree.registry.load import load_registry
from famtree.sources.open import open_source
from famtree.sources.reference import parse_reference

CARD = "---\nbase_model: a/base\nbase_model_relation: finetune\n---\n"


def _claims(folder: Path) -> set[tuple[str, str, bool]]:
    folder.mkdir(parents=True)
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    source = open_source(parse_reference(str(folder)), offline=True)
    node = Checkpoint(source, load_registry()).node
    return {(one.source, one.parent, one.of_parent) for one in node.claims if one.source != "name"}


def test_a_copy_says_what_its_original_says(tmp_path: Path) -> None:
    claims = _claims(tmp_path / "models--a--tuned" / "snapshots" / ("c" * 40))
    assert ("download", "a/tuned", False) in claims
    assert {one[1:] for one in claims if one[0] != "download"} == {("a/base", True)}


def test_a_folder_speaks_for_itself(tmp_path: Path) -> None:
    claims = _claims(tmp_path / "tuned")
    assert {one[1:] for one in claims} == {("a/base", False)}
