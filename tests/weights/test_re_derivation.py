"""A conversion that is a function of its parent is computed again, byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gguf.constants import GGMLQuantizationType

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


def test_a_cast_is_computed_again(tmp_path: Path) -> None:
    arrays = make_model(1)
    parent = open_model(tmp_path / "parent", arrays, "F32")
    child = open_model(tmp_path / "child", arrays, "F16")
    found = derive_again(child, parent, make_draw(child, parent))
    assert found is not None
    assert found.type == "F16"
