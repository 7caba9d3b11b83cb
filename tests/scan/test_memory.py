"""What one process remembers of earlier checkpoints never shows in the answer of another."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from conftest import ROOT
from famtree.registry.load import load_registry
from famtree.scan.checkpoint import scan_checkpoint
from famtree.scan.settings import ScanSettings
from famtree.types.recent import Recent

EXAMPLE = ROOT / "fixtures" / "example"


def answer(folder: Path) -> str:
    row = scan_checkpoint(str(folder), load_registry(), ScanSettings())
    document = json.loads(row["document"])
    del document["cost"], document["checkpoint"]["ref"]
    return json.dumps(document, sort_keys=True)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"tie_word_embeddings": True},
        {"tie_word_embeddings": 1},
        {"rope_theta": 1234567.0},
        {"num_hidden_layers": 3},
        {"model_type": "another"},
        {"bos_token_id": True},
    ],
)
def test_an_answer_is_that_of_a_new_process(
    change: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "one")
    config = json.loads((EXAMPLE / "config.json").read_text())
    (tmp_path / "one" / "config.json").write_text(json.dumps(config | change))
    answer(EXAMPLE)
    remembered = answer(tmp_path / "one")
    monkeypatch.setattr(Recent, "find", lambda self, key, make, size=1: make())
    assert remembered == answer(tmp_path / "one")
