"""Conversions that are functions: from values to the very bytes that are stored.

ggml's own reference formulas (`quantize_row_q8_0_ref` and kin of ggml/src/ggml-quants.c), used
where no importance matrix is given; casts to 16 bits round to nearest even. All arithmetic is
float32, as it is there, and products are rounded before they are added, as ggml's own builds for
x86 do.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from famtree.packings import quantizers_nearest as nearest
from famtree.packings.floats import decode_floats
from famtree.packings.ggml_types import BLOCKS
from famtree.packings.quantizers_k import (
    Bytes,
    Floats,
    find_extreme,
    quantize_five_bits,
    quantize_four_bits,
    quantize_six_bits,
    quantize_three_bits,
    quantize_two_bits,
    round_outward,
    store_half,
)

CASTS = frozenset({"F16", "BF16"})
"""Formats that `encode_floats` rounds to."""


def round_bfloat16(values: Floats) -> NDArray[np.uint16]:
    """Return bfloat16 bits, rounded to nearest even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return (rounded >> np.uint32(16)).astype(np.uint16)


def encode_floats(values: Floats, kind: str) -> Bytes:
    """Return values as stored in F32, F16 or BF16. Raises KeyError for another."""
    if kind == "BF16":
        return round_bfloat16(values).astype("<u2").view(np.uint8)
    with np.errstate(over="ignore"):
        stored = np.ascontiguousarray(values, {"F16": "<f2", "F32": "<f4"}[kind])
    return stored.view(np.uint8)


def pass_through(values: Floats, kind: str) -> Floats:
    """Return values after they were stored in F16 or BF16 on the way."""
    return decode_floats(encode_floats(values, kind).tobytes(), kind).reshape(values.shape)


def _inverse(scale: Floats) -> Floats:
    with np.errstate(divide="ignore", over="ignore"):
        found: Floats = np.where(scale != 0, np.float32(1) / scale, np.float32(0))
    return found


def _nibbles(codes: NDArray[np.uint8]) -> Bytes:
    packed = (codes[:, :16] & 15) | ((codes[:, 16:] & 15) << 4)
    return packed.astype(np.uint8)


def _fifth_bits(codes: NDArray[np.uint8]) -> Bytes:
    bits = (codes >> 4) & 1
    return np.packbits(bits, axis=1, bitorder="little")


def _q8_0(blocks: Floats) -> Bytes:
    scale = np.abs(blocks).max(axis=1) / np.float32(127)
    codes = round_outward(blocks * _inverse(scale)[:, None]).astype(np.int8)
    return np.hstack([store_half(scale), codes.view(np.uint8)])


def _symmetric(blocks: Floats, levels: int) -> tuple[Floats, NDArray[np.uint8]]:
    scale = find_extreme(blocks.T) / np.float32(-levels)
    shifted = blocks * _inverse(scale)[:, None] + np.float32(levels + 0.5)
    codes = np.minimum(np.trunc(shifted), 2 * levels - 1).astype(np.int8).view(np.uint8)
    return scale, codes


def _affine(blocks: Floats, levels: int) -> tuple[Floats, Floats, NDArray[np.uint8]]:
    # The first of equal ones: zero has two signs, and the sign is stored.
    least: Floats = np.take_along_axis(blocks, blocks.argmin(axis=1)[:, None], axis=1)[:, 0]
    scale = (blocks.max(axis=1) - least) / np.float32(levels)
    shifted = (blocks - least[:, None]) * _inverse(scale)[:, None] + np.float32(0.5)
    return scale, least, np.minimum(np.trunc(shifted), levels).astype(np.uint8)


def _q4_0(blocks: Floats) -> Bytes:
    scale, codes = _symmetric(blocks, 8)
    return np.hstack([store_half(scale), _nibbles(codes)])


def _q5_0(blocks: Floats) -> Bytes:
    scale, codes = _symmetric(blocks, 16)
    return np.hstack([store_half(scale), _fifth_bits(codes), _nibbles(codes)])


def _q4_1(blocks: Floats) -> Bytes:
    scale, least, codes = _affine(blocks, 15)
    return np.hstack([store_half(scale), store_half(least), _nibbles(codes)])


def _q5_1(blocks: Floats) -> Bytes:
    scale, least, codes = _affine(blocks, 31)
    return np.hstack([store_half(scale), store_half(least), _fifth_bits(codes), _nibbles(codes)])


_QUANTIZERS: dict[str, Callable[[Floats], Bytes]] = {
    "Q8_0": _q8_0, "Q4_0": _q4_0, "Q4_1": _q4_1, "Q5_0": _q5_0, "Q5_1": _q5_1,
    "Q2_K": quantize_two_bits, "Q3_K": quantize_three_bits, "Q4_K": quantize_four_bits,
    "Q5_K": quantize_five_bits, "Q6_K": quantize_six_bits,
    "IQ4_NL": nearest.quantize_non_linear, "IQ4_XS": nearest.quantize_non_linear_super,
    "MXFP4": nearest.quantize_microscaling, "NVFP4": nearest.quantize_nvfp4,
    "TQ1_0": nearest.quantize_ternary_fractions, "TQ2_0": nearest.quantize_ternary_pairs,
    "Q1_0": nearest.quantize_two_codes, "Q2_0": nearest.quantize_four_codes,
}  # fmt: skip
FUNCTIONS = frozenset(_QUANTIZERS)
"""ggml types whose bytes are a function of the values."""


def quantize_blocks(values: Floats, kind: str) -> Bytes:
    """Return the stored bytes of finite `values`, whole blocks of them, blocks x bytes.

    Raises KeyError for a type that is not in `FUNCTIONS`.
    """
    blocks = np.ascontiguousarray(values, np.float32).reshape(-1, BLOCKS[kind][0])
    return _QUANTIZERS[kind](blocks)
