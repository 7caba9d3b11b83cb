"""Folders that lack files: what is absent, and what it costs in confidence."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from famtree.api import identify
from famtree.formats.text_report import describe_completeness
from famtree.types.identification import Completeness

BROUGHT = {
    "weights": {"model.safetensors", "model.safetensors.index.json"},
    "config": {"config.json", "generation_config.json"},
}


def parts(completeness: Completeness | None) -> list[str]:
    return [one.part for one in completeness.missing] if completeness else []


def without(folder: Path, target: Path, names: set[str]) -> Path:
    shutil.copytree(
        folder,
        target,
        ignore=lambda _, found: [one for one in found if one in names],
        copy_function=os.link,  # the weights have holes that a copy would fill
    )
    return target


@pytest.mark.parametrize("part", BROUGHT)
def test_an_absent_part_is_named(
    tmp_path: Path, fixture_checkpoints: dict[str, Path], part: str
) -> None:
    whole = fixture_checkpoints["gpt2"]
    before = identify(str(whole))
    assert part not in parts(before.completeness)
    result = identify(str(without(whole, tmp_path / "gpt2", BROUGHT[part])))
    assert part in parts(result.completeness)


def test_the_cost_is_what_the_files_could_add(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        '{"model_type": "qwen3", "hidden_size": 4096, "num_hidden_layers": 36}'
    )
    completeness = identify(str(tmp_path)).completeness
    assert parts(completeness) == ["weights", "tokenizer"]
    assert completeness is not None
    result = identify(str(tmp_path))
    if completeness.confidence_if_complete is None:
        assert result.family is None
    else:
        assert completeness.confidence_cost is not None
        assert completeness.confidence_if_complete >= result.confidence
        assert completeness.confidence_if_complete - result.confidence == pytest.approx(
            completeness.confidence_cost, abs=1e-4
        )


def test_more_files_cost_no_more(tmp_path: Path, fixture_checkpoints: dict[str, Path]) -> None:
    whole = fixture_checkpoints["llama-3.1-8b"]
    partial = without(whole, tmp_path / "x", {"model.safetensors.index.json"})
    for shard in partial.glob("*.safetensors"):
        shard.unlink()
    left = identify(str(partial))
    assert "weights" in parts(left.completeness)
    assert left.completeness is not None
    assert left.completeness.confidence_cost is not None
    assert 0 <= left.completeness.confidence_cost < 0.5


def test_a_missing_shard_is_counted(fixture_checkpoints: dict[str, Path]) -> None:
    result = identify(str(fixture_checkpoints["hard-shard-missing"]))
    assert "shards" in parts(result.completeness)


def test_words() -> None:
    told = Completeness.model_validate(
        {
            "missing": [{"part": "tokenizer", "message": "no vocabulary file"}],
            "confidence_if_complete": 0.97,
            "confidence_cost": 0.1,
        }
    )
    assert describe_completeness(told) == (
        "no vocabulary file (with it the confidence could be 0.97)"
    )
    silent = told.model_copy(update={"confidence_cost": 0.0})
    assert describe_completeness(silent) == "no vocabulary file"
