"""famtree's quantizers write the bytes that ggml's own write."""

from __future__ import annotations

import numpy as np
import pytest
from gguf.constants import GGMLQuantizationType
from gguf.quants import quantize

from famtree.packings.ggml_types import BLOCKS
from famtree.packings.quantizers import FUNCTIONS, encode_floats, quantize_blocks
from ggml_blocks import VALUES, load_blocks


@pytest.mark.parametrize("kind", sorted(FUNCTIONS))
def test_every_byte_is_as_ggml_recorded_it(kind: str) -> None:
    assert np.array_equal(quantize_blocks(VALUES, kind), load_blocks(kind, BLOCKS[kind][1]))


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"])
def test_every_byte_is_that_of_the_gguf_package(kind: str) -> None:
    draw = np.random.default_rng(5)
    values = draw.standard_t(3, (256, 128)).astype(np.float32) * np.float32(0.05)
    values[3] = 0
    values[4, :32] = 0.25
    values[5] = np.round(values[5], 1)
    expected = quantize(values, GGMLQuantizationType[kind])
    found = quantize_blocks(values, kind)
    assert np.array_equal(found.reshape(-1), np.asarray(expected).reshape(-1))


def test_bfloat16_is_rounded_to_even() -> None:
    values = np.random.default_rng(6).normal(size=(64, 128)).astype(np.float32)
    expected = quantize(values, GGMLQuantizationType.BF16)
    assert np.array_equal(encode_floats(values, "BF16").reshape(-1), expected.reshape(-1))
