"""What is told of a repository, and what is said not to have been looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from checkpoint.folders import RecordingSource, identify_recorded
from examining import identify_source
from famtree.sources.local import LocalSource
from famtree.types.checkpoint import CheckpointRef
from famtree.types.identification import Identification
from healthy_checkpoints import HEALTHY, INDEX, Parts, build, make_config, make_dense

TOKENIZER = "tokenizer.json"


def serve(parts: Parts, folder: Path) -> Identification:
    """Return the answer for the same files on a Hub."""
    parts.write(folder)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return identify_recorded(RecordingSource(files))


def list_codes(result: Identification) -> list[str]:
    return [one.code for one in result.warnings if one.expected is not None]


def test_the_index_of_few_shards_is_checked(tmp_path: Path) -> None:
    parts = HEALTHY["dense-sharded"]()
    assert list_codes(serve(parts, tmp_path / "healthy")) == []

    assert parts.index is not None
    parts.index["metadata"]["total_size"] *= 2
    result = serve(parts, tmp_path / "doubled")

    assert list_codes(result) == ["total-size-wrong"]
    warning = next(one for one in result.warnings if one.code == "total-size-wrong")
    assert warning.expected == str(parts.index["metadata"]["total_size"])
    assert warning.seen == str(parts.index["metadata"]["total_size"] // 2)


def test_a_total_is_held_against_sizes_where_headers_are_unread(tmp_path: Path) -> None:
    parts = Parts(make_config(), build(make_dense), 9)
    result = serve(parts, tmp_path / "healthy")
    assert list_codes(result) == []
    assert "headers" in [one.part for one in result.unchecked]

    assert parts.index is not None
    parts.index["metadata"]["total_size"] *= 2

    assert list_codes(serve(parts, tmp_path / "doubled")) == ["total-size-wrong"]


def test_a_file_that_may_belong_to_few_shards_is_asked_of_the_index(tmp_path: Path) -> None:
    parts = HEALTHY["dense-sharded"]()
    tensors: dict[str, Any] = {"model.extra.weight": ("F32", (4,))}
    parts.files["model_extra.safetensors"] = tensors
    parts.renew()
    result = serve(parts, tmp_path / "named")
    assert list_codes(result) == []

    assert parts.index is not None
    del parts.index["weight_map"]["model.extra.weight"]
    parts.index["metadata"]["total_size"] -= 16

    assert list_codes(serve(parts, tmp_path / "stray")) == ["stray-weights"]


def test_a_vocabulary_that_was_not_needed_is_named_with_its_codes(tmp_path: Path) -> None:
    result = _read_without_vocabulary(tmp_path)

    told = {one.part: one for one in result.unchecked}
    assert TOKENIZER in told["tokenizer"].reason
    assert "tokens-beyond-rows" in told["tokenizer"].codes


def _read_without_vocabulary(folder: Path) -> Identification:
    parts = HEALTHY["dense-sharded"]()
    path = parts.write(folder)
    files = {one.name: one.read_bytes() for one in path.iterdir()}
    # Longer than is ever fetched.
    source = RecordingSource(files, sizes={TOKENIZER: 80 << 20})
    return identify_recorded(source)


def test_a_folder_leaves_nothing_unchecked(tmp_path: Path) -> None:
    path = HEALTHY["dense-sharded"]().write(tmp_path)
    source = LocalSource(CheckpointRef(str(path), path=str(path)))

    assert identify_source(source).unchecked == []


def test_a_model_and_an_adapter_are_both_told(tmp_path: Path) -> None:
    parts = HEALTHY["dense-sharded"]()
    parts.json["adapter_config.json"] = {"peft_type": "LORA", "base_model_name_or_path": "org/b"}
    parts.files["adapter_model.safetensors"] = {"base_model.x.lora_A.weight": ("F32", (4, 64))}
    parts.index = json.loads((HEALTHY["dense-sharded"]().write(tmp_path / "x") / INDEX).read_text())
    result = serve(parts, tmp_path / "both")

    assert list_codes(result) == ["model-and-adapter"]
    assert result.kind == "model"
    assert [step.relation for step in result.lineage.chain] == ["unknown"]
    assert "org/b" in next(one.message for one in result.warnings if one.expected is not None)
