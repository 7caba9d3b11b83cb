"""A conversion that is a function of its parent is computed again, byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gguf.constants import GGMLQuantizationType

import packed_models
import tiny_models
from examining import open_weights
from famtree.sources.local import LocalSource
from famtree.types.checkpoint import CheckpointRef
from famtree.weights.draw import make_draw
from famtree.weights.open import Weights
from famtree.weights.re_derivation import derive_again
from packed_models import make_gguf
from tiny_models import Arrays, make_model, open_model, to_bfloat16, tune


def open_gguf(path: Path, arrays: Arrays, kind: str) -> Weights:
    path.write_bytes(make_gguf(arrays, kind=GGMLQuantizationType[kind]))
    return open_weights(LocalSource(CheckpointRef(str(path), path=str(path))))


@pytest.fixture
def base() -> Arrays:
    return {name: to_bfloat16(values) for name, values in make_model(1).items()}


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> Arrays:
    """Return a base whose rows hold whole blocks of 256."""
    for name, value in {"HIDDEN": 256, "FFN": 512, "WIDTH": 64}.items():
        for module in (tiny_models, packed_models):
            monkeypatch.setattr(module, name, value)
    sizes = {"hidden_size": 256, "intermediate_size": 512, "head_dim": 64}
    monkeypatch.setattr(tiny_models, "CONFIG", tiny_models.CONFIG | sizes)
    return {name: to_bfloat16(values) for name, values in make_model(1).items()}


@pytest.mark.parametrize("kind", ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"])
def test_k_types_are_computed_again(tmp_path: Path, wide: Arrays, kind: str) -> None:
    parent = open_model(tmp_path / "parent", wide)
    child = open_gguf(tmp_path / "child.gguf", wide, kind)
    found = derive_again(child, parent, make_draw(child, parent))
    assert found is not None
    assert found.type == kind
    assert found.blocks > 20
    tuned = open_gguf(tmp_path / "tuned.gguf", tune(wide, 3, 0.05), kind)
    assert derive_again(tuned, parent, make_draw(tuned, parent)) is None


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "F16"])
def test_conversions_are_computed_again(tmp_path: Path, base: Arrays, kind: str) -> None:
    parent = open_model(tmp_path / "parent", base)
    child = open_gguf(tmp_path / "child.gguf", base, kind)
    found = derive_again(child, parent, make_draw(child, parent))
    assert found is not None
    assert found.type == kind
    assert found.blocks > 50


def test_a_quantized_fine_tune_is_not_the_base_converted(tmp_path: Path, base: Arrays) -> None:
    parent = open_model(tmp_path / "parent", base)
    child = open_gguf(tmp_path / "child.gguf", tune(base, 3, 0.05), "Q8_0")
    assert derive_again(child, parent, make_draw(child, parent)) is None


def test_altered_blocks_are_noticed(tmp_path: Path, base: Arrays) -> None:
    parent = open_model(tmp_path / "parent", base)
    edited = {name: values.copy() for name, values in base.items()}
    for values in edited.values():
        if values.ndim == 2:
            values[:, 3] += np.float32(0.02)  # one value of every row
    child = open_gguf(tmp_path / "child.gguf", edited, "Q4_0")
    assert derive_again(child, parent, make_draw(child, parent)) is None


@pytest.mark.parametrize("part", ["lm_head.weight", "model.embed_tokens.weight"])
def test_a_new_part_is_no_conversion(tmp_path: Path, base: Arrays, part: str) -> None:
    parent = open_model(tmp_path / "parent", base)
    child = open_gguf(tmp_path / "child.gguf", base | {part: make_model(2)[part]}, "Q8_0")
    assert derive_again(child, parent, make_draw(child, parent)) is None


def test_a_cast_is_computed_again(tmp_path: Path) -> None:
    arrays = make_model(1)
    parent = open_model(tmp_path / "parent", arrays, "F32")
    child = open_model(tmp_path / "child", arrays, "F16")
    found = derive_again(child, parent, make_draw(child, parent))
    assert found is not None
    assert found.type == "F16"
