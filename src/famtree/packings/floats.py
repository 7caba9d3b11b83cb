"""Plain number formats, turned into float32."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_BY_NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I8": "i1"}
_FORMATS = {"F8_E4M3": (4, 3), "F8_E5M2": (5, 2)}
SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1}
"""Bytes an element of the formats that are read by value."""


def decode_floats(data: bytes, kind: str) -> Floats:
    """Return the numbers in `data`, of safetensors' dtype `kind`, as float32.

    Raises KeyError for a dtype that is not in `SIZES`.
    """
    if kind == "BF16":
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    if kind in _FORMATS:
        return _table(kind)[np.frombuffer(data, np.uint8)]
    with np.errstate(over="ignore"):
        return np.frombuffer(data, _BY_NUMPY[kind]).astype(np.float32)


@cache
def _table(kind: str) -> Floats:
    """All 256 values of an 8-bit float (OCP FP8: E4M3 has no infinity, E5M2 is IEEE-like)."""
    exponent_bits, mantissa_bits = _FORMATS[kind]
    codes = np.arange(256)
    sign = np.where(codes & 0x80, -1.0, 1.0)
    exponent = (codes >> mantissa_bits) & ((1 << exponent_bits) - 1)
    mantissa = (codes & ((1 << mantissa_bits) - 1)) / (1 << mantissa_bits)
    bias = (1 << (exponent_bits - 1)) - 1
    value = np.where(
        exponent == 0,
        mantissa * 2.0 ** (1 - bias),
        (1 + mantissa) * 2.0 ** (exponent - float(bias)),
    )
    if kind == "F8_E4M3":
        value[(codes & 0x7F) == 0x7F] = np.nan
    else:
        value[(codes & 0x7C) == 0x7C] = np.where(mantissa[(codes & 0x7C) == 0x7C] > 0, np.nan,
                                                np.inf)  # fmt: skip
    return (sign * value).astype(np.float32)


def encode_eight_bits(values: Floats) -> NDArray[np.uint8]:
    """Return values as E4M3, rounded to nearest even, at most 448."""
    levels = _table("F8_E4M3")[:127].astype(np.float64)
    middles = (levels[1:] + levels[:-1]) / 2
    sizes = np.abs(values)
    codes = np.searchsorted(middles, sizes)
    # On a middle the even code is taken; the search has given the lower one.
    tied = (codes < len(middles)) & (middles[np.minimum(codes, len(middles) - 1)] == sizes)
    codes = codes + (tied & (codes % 2 == 1))
    found: NDArray[np.uint8] = np.where(np.signbit(values), codes | 0x80, codes).astype(np.uint8)
    return found


def bfloat16_share(values: Floats) -> float:
    """Return the share of values that are exactly representable in bfloat16."""
    bits = np.ascontiguousarray(values).view(np.uint32) & 0xFFFF
    return float((bits == 0).mean()) if bits.size else 1.0
