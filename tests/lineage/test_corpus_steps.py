"""The ancestry of real checkpoints, case by case, where their metadata is at hand."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from famtree.api import identify, lineage

TABLE: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("corpus_steps.toml").read_text(encoding="utf-8")
)["checkpoint"]
CLAIMING = ("README.md", "adapter_config.json", "mergekit_config.yml")


@pytest.fixture(scope="module")
def checkpoints(shared: Path) -> Path:
    return shared / "corpus" / "checkpoints"


@pytest.mark.corpus
@pytest.mark.parametrize("case", TABLE, ids=lambda case: case["folder"])
def test_steps(checkpoints: Path, case: dict[str, Any]) -> None:
    folder = checkpoints / case["folder"]
    if not folder.is_dir():
        pytest.skip("not in this corpus")
    found = lineage(str(folder), offline=True)
    assert [f"{e.parent} {e.relation} {e.status}" for e in found.edges] == case["steps"]
    assert found.roots == case.get("roots", [])
    assert found.complete == case.get("complete", bool(case.get("roots")))
    chain = identify(str(folder), offline=True).lineage.chain
    assert [(one.child, one.parent, one.relation, one.status, one.confidence) for one in chain] == [
        (e.child, e.parent, e.relation, e.status, e.confidence) for e in found.edges
    ]


@pytest.mark.corpus
def test_every_checkpoint_that_could_claim_is_in_the_table(checkpoints: Path) -> None:
    listed = {case["folder"] for case in TABLE}
    claiming = {
        folder.name
        for folder in checkpoints.iterdir()
        if any((folder / name).exists() for name in CLAIMING)
    }
    assert claiming <= listed
    assert len(listed) >= 40
