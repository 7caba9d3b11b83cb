from __future__ import annotations

from hashlib import sha256

import numpy as np
import pytest
from gguf.constants import GGMLQuantizationType
from gguf.quants import dequantize

from famtree.packings.floats import bfloat16_share, decode_floats, encode_eight_bits
from famtree.packings.ggml_blocks import dequantize_blocks, reads_type
from famtree.packings.ggml_types import TENSOR_TYPES
from ggml_blocks import TYPES, load_blocks, load_hash

BLOCK_BYTES = {name: size for name, _, size in TENSOR_TYPES.values()}
READ = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL",
        "IQ4_XS", "MXFP4", "NVFP4", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ1_S",
        "IQ1_M", "TQ1_0", "TQ2_0"]  # fmt: skip


@pytest.mark.parametrize("kind", READ)
def test_blocks_are_read_as_the_gguf_package_reads_them(kind: str) -> None:
    draw = np.random.default_rng(3)
    blocks = draw.integers(0, 256, (500, BLOCK_BYTES[kind]), dtype=np.uint8)
    if kind == "MXFP4":
        blocks[:, 0] = draw.integers(2, 250, 500)  # the smallest scales are subnormal
    with np.errstate(all="ignore"):
        expected = dequantize(blocks, GGMLQuantizationType[kind])
    np.testing.assert_array_equal(dequantize_blocks(blocks, kind), expected)


@pytest.mark.parametrize("kind", TYPES)
def test_blocks_are_read_as_ggml_reads_its_own(kind: str) -> None:
    found = dequantize_blocks(load_blocks(kind, BLOCK_BYTES[kind]), kind) + np.float32(0)
    assert sha256(found.tobytes()).hexdigest() == load_hash(kind)


def test_types_that_are_not_read_say_so() -> None:
    assert not reads_type("Q8_K")
    with pytest.raises(KeyError):
        dequantize_blocks(np.zeros((1, 292), np.uint8), "Q8_K")


@pytest.mark.parametrize(
    ("kind", "codes", "values"),
    [
        # OCP 8-bit floating point specification, tables 1 and 2.
        ("F8_E4M3", [0x00, 0x01, 0x08, 0x38, 0x7E, 0xFE], [0, 2**-9, 2**-6, 1, 448, -448]),
        ("F8_E5M2", [0x00, 0x01, 0x04, 0x3C, 0x7B, 0x7C], [0, 2**-16, 2**-14, 1, 57344, np.inf]),
    ],
)
def test_eight_bit_floats(kind: str, codes: list[int], values: list[float]) -> None:
    assert decode_floats(bytes(codes), kind).tolist() == values


def test_eight_bit_floats_are_rounded_to_even() -> None:
    # 1 and 1.125 are neighbours, so 1.0625 is a middle; so is 1.1875 between 1.125 and 1.25.
    values = np.array([1.0625, 1.1875, -1.0625, 500, 0, 2**-10], np.float32)
    assert encode_eight_bits(values).tolist() == [0x38, 0x3A, 0xB8, 0x7E, 0, 0]


def test_eight_bit_floats_without_value_are_nan() -> None:
    assert np.isnan(decode_floats(b"\x7f\xff", "F8_E4M3")).all()
    assert np.isnan(decode_floats(b"\x7d\x7f", "F8_E5M2")).all()


def test_wider_floats() -> None:
    values = np.array([1.5, -2.25, 0.0078125], np.float32)
    assert decode_floats(values.astype("<f2").tobytes(), "F16").tolist() == values.tolist()
    assert decode_floats(values.tobytes(), "F32").tolist() == values.tolist()
    upper = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
    assert decode_floats(upper, "BF16").tolist() == values.tolist()


def test_bfloat16_share() -> None:
    assert bfloat16_share(np.array([1.5, 1.0 + 2**-20], np.float32)) == 0.5
