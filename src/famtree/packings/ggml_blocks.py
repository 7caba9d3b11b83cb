"""Blocks of GGUF's tensor types, turned into float32.

Written from the block layouts of ggml's `ggml-common.h`; every type is tested bit for bit
against the gguf package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from famtree.packings import ggml_grids as grids

Bytes = NDArray[np.integer[Any]]
"""Bytes of blocks, or codes made of them."""
Floats = NDArray[np.floating[Any]]

_NIBBLES = np.array([0, 4], np.uint8).reshape(1, 1, 2, 1)
_PAIRS = np.array([0, 2, 4, 6], np.uint8).reshape(1, 1, 4, 1)
_BITS = np.arange(8, dtype=np.uint8).reshape(1, 1, 8, 1)
NON_LINEAR = np.array(
    [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.float32
)
"""The values of the non-linear 4-bit types (`kvalues_iq4nl`)."""
E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6], np.float32)
"""OCP microscaling E2M1, by code."""


def dequantize_blocks(blocks: Bytes, kind: str) -> NDArray[np.float32]:
    """Return the weights of `blocks` (blocks x bytes a block), blocks x weights a block.

    Raises KeyError for a type that is not read.
    """
    with np.errstate(invalid="ignore", over="ignore"):  # damaged scales may be infinite
        return _READERS[kind](blocks).astype(np.float32, copy=False)


def reads_type(kind: str) -> bool:
    """Return whether blocks of ggml type `kind` can be turned into values."""
    return kind in _READERS


def _half(part: Bytes) -> Floats:
    return np.ascontiguousarray(part).view(np.float16).astype(np.float32)


def _low_high(part: Bytes) -> Bytes:
    """Low nibbles of all bytes, then their high nibbles."""
    return np.concatenate([part & 0x0F, part >> 4], axis=1)


def _fifth_bits(part: Bytes) -> Bytes:
    return np.unpackbits(np.ascontiguousarray(part), axis=1, bitorder="little")


def _q4_0(b: Bytes) -> Floats:
    return _half(b[:, :2]) * (_low_high(b[:, 2:]).astype(np.float32) - 8)


def _q4_1(b: Bytes) -> Floats:
    return _half(b[:, :2]) * _low_high(b[:, 4:]).astype(np.float32) + _half(b[:, 2:4])


def _q5_0(b: Bytes) -> Floats:
    codes = _low_high(b[:, 6:]) | (_fifth_bits(b[:, 2:6]) << 4)
    return _half(b[:, :2]) * (codes.astype(np.float32) - 16)


def _q5_1(b: Bytes) -> Floats:
    codes = _low_high(b[:, 8:]) | (_fifth_bits(b[:, 4:8]) << 4)
    return _half(b[:, :2]) * codes.astype(np.float32) + _half(b[:, 2:4])


def _q8_0(b: Bytes) -> Floats:
    return _half(b[:, :2]) * b[:, 2:].view(np.int8).astype(np.float32)


def _q2_k(b: Bytes) -> Floats:
    scales, codes = b[:, :16], b[:, 16:80]
    step = _half(b[:, 80:82]) * (scales & 0x0F)
    least = _half(b[:, 82:84]) * (scales >> 4)
    pairs = ((codes.reshape(-1, 2, 1, 32) >> _PAIRS) & 3).reshape(-1, 16, 16)
    return np.asarray((step[:, :, None] * pairs - least[:, :, None]).reshape(-1, 256))


def _q3_k(b: Bytes) -> Floats:
    mask, codes, packed = b[:, :32], b[:, 32:96], b[:, 96:108]
    low = np.concatenate([packed[:, :8] & 0x0F, packed[:, :8] >> 4], axis=1)
    high = (packed[:, None, 8:] >> _PAIRS.reshape(1, 4, 1)).reshape(-1, 16) & 3
    scales = (low | (high << 4)).astype(np.float32) - 32
    step = _half(b[:, 108:110]) * scales
    low = ((codes.reshape(-1, 2, 1, 32) >> _PAIRS) & 3).reshape(-1, 16, 16)
    unset = (((mask.reshape(-1, 1, 1, 32) >> _BITS) & 1) ^ 1).reshape(-1, 16, 16)
    return np.asarray((step[:, :, None] * (low.astype(np.float32) - 4 * unset)).reshape(-1, 256))


def _six_bit_pairs(packed: Bytes) -> tuple[Bytes, Bytes]:
    """Return the 8 scales and 8 minima that Q4_K and Q5_K keep in 12 bytes."""
    first, second, rest = packed[:, :4], packed[:, 4:8], packed[:, 8:12]
    scales = np.concatenate([first & 63, (rest & 15) | ((first >> 2) & 48)], axis=1)
    minima = np.concatenate([second & 63, (rest >> 4) | ((second >> 2) & 48)], axis=1)
    return scales, minima


def _q45_k(b: Bytes, codes: Bytes) -> Floats:
    scales, minima = _six_bit_pairs(b[:, 4:16])
    step, least = _half(b[:, :2]) * scales, _half(b[:, 2:4]) * minima
    return np.asarray((step[:, :, None] * codes - least[:, :, None]).reshape(-1, 256))


def _q4_k(b: Bytes) -> Floats:
    return _q45_k(b, ((b[:, 16:].reshape(-1, 4, 1, 32) >> _NIBBLES) & 15).reshape(-1, 8, 32))


def _q5_k(b: Bytes) -> Floats:
    low = ((b[:, 48:].reshape(-1, 4, 1, 32) >> _NIBBLES) & 15).reshape(-1, 8, 32)
    high = ((b[:, 16:48].reshape(-1, 1, 1, 32) >> _BITS) & 1).reshape(-1, 8, 32)
    return _q45_k(b, low | (high << 4))


def _q6_k(b: Bytes) -> Floats:
    low = ((b[:, :128].reshape(-1, 2, 1, 64) >> _NIBBLES) & 15).reshape(-1, 8, 32)
    high = ((b[:, 128:192].reshape(-1, 2, 1, 32) >> _PAIRS) & 3).reshape(-1, 8, 32)
    codes = (low | (high << 4)).astype(np.float32).reshape(-1, 16, 16) - 32
    step = _half(b[:, 208:210]) * b[:, 192:208].view(np.int8).astype(np.float32)
    return np.asarray((step[:, :, None] * codes).reshape(-1, 256))


def _iq4_nl(b: Bytes) -> Floats:
    values: Floats = _half(b[:, :2]) * NON_LINEAR[_low_high(b[:, 2:])]
    return values


def _iq4_xs(b: Bytes) -> Floats:
    high = np.ascontiguousarray(b[:, 2:4]).view(np.uint16)
    high = ((high >> np.arange(0, 16, 2, dtype=np.uint16)) & 3).astype(np.uint8)
    low = ((b[:, 4:8, None] >> np.array([0, 4], np.uint8)) & 15).reshape(-1, 8)
    step = _half(b[:, :2]) * ((low | (high << 4)).astype(np.float32) - 32)
    codes = ((b[:, 8:].reshape(-1, 8, 1, 16) >> _NIBBLES) & 15).reshape(-1, 8, 32)
    return np.asarray((step[:, :, None] * NON_LINEAR[codes]).reshape(-1, 256))


def _mxfp4(b: Bytes) -> Floats:
    scale = np.exp2(b[:, :1].astype(np.float32) - 127)
    values: Floats = scale * E2M1[_low_high(b[:, 1:])]
    return values


def _nvfp4(b: Bytes) -> Floats:
    codes = b[:, :4]
    exponent, mantissa = (codes >> 3) & 15, (codes & 7).astype(np.float32)
    scale = np.where(
        exponent == 0, mantissa * 2.0**-9, (1 + mantissa / 8) * np.exp2(exponent - np.float32(7))
    )
    scale = np.where((codes == 0) | (codes == 0x7F), 0, scale)
    body = b[:, 4:].reshape(-1, 4, 8)
    values = E2M1[np.concatenate([body & 15, body >> 4], axis=2)]
    return np.asarray((scale[:, :, None] * values).reshape(-1, 64))


_READERS: dict[str, Callable[[Bytes], Floats]] = {
    "Q4_0": _q4_0, "Q4_1": _q4_1, "Q5_0": _q5_0, "Q5_1": _q5_1, "Q8_0": _q8_0, "Q2_K": _q2_k,
    "Q3_K": _q3_k, "Q4_K": _q4_k, "Q5_K": _q5_k, "Q6_K": _q6_k, "IQ4_NL": _iq4_nl,
    "IQ4_XS": _iq4_xs, "MXFP4": _mxfp4, "NVFP4": _nvfp4, "IQ2_XXS": grids.read_iq2_xxs,
    "IQ2_XS": grids.read_iq2_xs, "IQ2_S": grids.read_iq2_s, "IQ3_XXS": grids.read_iq3_xxs,
    "IQ3_S": grids.read_iq3_s, "IQ1_S": grids.read_iq1_s, "IQ1_M": grids.read_iq1_m,
    "TQ1_0": grids.read_tq1_0, "TQ2_0": grids.read_tq2_0, "Q1_0": grids.read_q1_0,
    "Q2_0": grids.read_q2_0,
}  # fmt: skip
