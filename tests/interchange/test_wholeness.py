"""What lacks a part of its class is served on a condition at most, and takes no place."""

from __future__ import annotations

from pathlib import Path

import pytest

import faults_of_weights as weights
import faults_of_words as words
from checkpoint.consistency.test_planted_faults import Plant
from famtree.api import compare, fit
from famtree.interchange.wholeness import WHOLE
from healthy_checkpoints import HEALTHY

LACKS: list[tuple[str, Plant]] = [
    ("dense-sharded", weights.named_shard_missing),
    ("dense-sharded", weights.middle_layer_missing),
    ("dense-sharded", weights.down_missing),
    ("dense-sharded", words.untied_without_a_head),
    ("vision", weights.tower_missing),
]


@pytest.mark.parametrize(("design", "plant"), LACKS, ids=[one[1].__name__ for one in LACKS])
def test_no_engine_runs_it_without_a_condition(design: str, plant: Plant, tmp_path: Path) -> None:
    whole, parts = HEALTHY[design]().write(tmp_path / "whole"), HEALTHY[design]()
    assert plant(parts) is not False
    lacking = parts.write(tmp_path / "lacking")
    asked = ["vllm", "sglang", "transformers"]
    for one in fit(lacking, engines=asked).engines:
        assert one.answer != "yes"
        if one.answer == "conditional":
            assert (one.condition or "").startswith(WHOLE)
            assert "not whole" in one.reason
    assert not any("not whole" in one.reason for one in fit(whole, engines=asked).engines)
    found = compare(whole, lacking, engines=asked)
    turned = compare(lacking, whole, engines=asked)
    assert found.verdict is not None
    assert turned.verdict is not None
    assert found.verdict.replace == "no"
    assert "not whole" in found.verdict.text
    assert all(one.answer != "yes" for one in found.interchange if one.question == "serve")
    assert "not whole" not in turned.verdict.text
