"""Blocks of GGUF's types below four bits: points of a grid (IQ1 to IQ3), ternary and binary codes.

Written from the block layouts of ggml's `ggml-common.h`; every type is tested bit for bit
against the gguf package or what ggml itself read. `data/ggml_grids.json` has the grids.
"""

from __future__ import annotations

from base64 import b64decode
from functools import cache
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from famtree.files import PACKAGE

Bytes = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]

_PAIRS = np.array([0, 2, 4, 6], np.uint8)[:, None]
_SEVENS = np.array([0, 7, 14, 21], np.uint32)
_THREES = np.array([1, 3, 9, 27, 81], np.uint8)[:, None]
_BITS = np.arange(8, dtype=np.uint8)


def _half(part: Bytes) -> Floats:
    return np.ascontiguousarray(part).view(np.float16).astype(np.float32)


def _words(part: Bytes, kind: str) -> NDArray[np.unsignedinteger[Any]]:
    return np.ascontiguousarray(part).view(kind)


@cache
def load_grid(kind: str) -> NDArray[np.float32]:
    """Return the points of a type: 8 coordinates each, 4 of IQ3's."""
    table = msgspec.json.decode((PACKAGE / "packings/data/ggml_grids.json").read_bytes())
    found = table["grids"][kind]
    packed = np.frombuffer(b64decode(found["codes"]), np.uint8)
    codes = np.stack([packed & 15, packed >> 4], axis=1).reshape(-1, found["length"])
    return np.array(found["levels"], np.float32)[codes]


def _negate(signs: Bytes) -> Floats:
    """Return -1 where a bit is set, else 1, eight to a byte."""
    found: Floats = 1 - 2 * ((signs[..., None] >> _BITS) & 1).astype(np.float32)
    return found


def _complete(sevens: Bytes) -> Bytes:
    """Return seven signs with an eighth that makes their number even."""
    signs = (sevens & 127).astype(np.uint8)
    odd = signs ^ signs >> 4
    odd = odd ^ odd >> 2
    return signs | ((odd ^ odd >> 1) & 1) << 7


def _nibbles(part: Bytes) -> Bytes:
    return np.stack([part & 15, part >> 4], axis=-1).reshape(len(part), -1)


def read_iq2_xxs(b: Bytes) -> Floats:
    """Two bits: four points, their signs and one scale in eight bytes."""
    pairs = _words(b[:, 2:], "<u4").reshape(-1, 8, 2)
    points = load_grid("IQ2_XXS")[b[:, 2:].reshape(-1, 8, 8)[:, :, :4]]
    step = _half(b[:, :2]) * (0.5 + (pairs[..., 1] >> 28).astype(np.float32)) * 0.25
    signs = _negate(_complete(pairs[..., 1:] >> _SEVENS))
    return np.asarray((step[..., None, None] * points * signs).reshape(-1, 256))


def read_iq2_xs(b: Bytes) -> Floats:
    """Two bits and a third: a point and its signs in 16 bits, a scale for two."""
    codes = _words(b[:, 2:66], "<u2")
    step = _half(b[:, :2]) * (0.5 + _nibbles(b[:, 66:]).astype(np.float32)) * 0.25
    values = load_grid("IQ2_XS")[codes & 511] * _negate(_complete(codes >> 9))
    return np.asarray((step[..., None] * values.reshape(-1, 16, 16)).reshape(-1, 256))


def read_iq2_s(b: Bytes) -> Floats:
    """Two bits and a half: points of ten bits, all eight signs."""
    high = ((b[:, 66:74, None] >> _PAIRS[:, 0]) & 3).reshape(-1, 32).astype(np.int64)
    step = _half(b[:, :2]) * (0.5 + _nibbles(b[:, 74:]).astype(np.float32)) * 0.25
    values = load_grid("IQ2_S")[b[:, 2:34] | high << 8] * _negate(b[:, 34:66])
    return np.asarray((step[..., None] * values.reshape(-1, 16, 16)).reshape(-1, 256))


def read_iq3_xxs(b: Bytes) -> Floats:
    """Three bits: points of four, signs and scale of 32 values in a word."""
    words = _words(b[:, 66:], "<u4")
    step = _half(b[:, :2]) * (0.5 + (words >> 28).astype(np.float32)) * 0.5
    points = load_grid("IQ3_XXS")[b[:, 2:66]].reshape(-1, 8, 4, 8)
    signs = _negate(_complete(words[..., None] >> _SEVENS))
    return np.asarray((step[..., None, None] * points * signs).reshape(-1, 256))


def read_iq3_s(b: Bytes) -> Floats:
    """Three bits and a half: points of nine bits, all signs, odd scales."""
    high = np.unpackbits(np.ascontiguousarray(b[:, 66:74]), axis=1, bitorder="little")
    step = _half(b[:, :2]) * (1 + 2 * _nibbles(b[:, 106:]).astype(np.float32))
    points = load_grid("IQ3_S")[b[:, 2:66] | high.astype(np.int64) << 8].reshape(-1, 8, 4, 8)
    signs = _negate(b[:, 74:106]).reshape(-1, 8, 4, 8)
    return np.asarray((step[..., None, None] * points * signs).reshape(-1, 256))


def read_iq1_s(b: Bytes) -> Floats:
    """One bit and a half: points of eleven bits, all shifted by an eighth up or down."""
    words = _words(b[:, 34:], "<u2")
    step = _half(b[:, :2]) * (2 * ((words >> 12) & 7) + 1).astype(np.float32)
    shift = np.where(words & 0x8000, np.float32(-0.125), np.float32(0.125))
    high = (words[..., None] >> np.array([0, 3, 6, 9], np.uint16)) & 7
    points = load_grid("IQ1_S")[b[:, 2:34].reshape(-1, 8, 4) | high.astype(np.int64) << 8]
    values = step[..., None, None] * (points + shift[..., None, None])
    return np.asarray(values.reshape(-1, 256))


def read_iq1_m(b: Bytes) -> Floats:
    """One bit and three quarters: the scale's bits lie in the tops of four words of scales."""
    words = _words(b[:, 48:], "<u2")
    tops = (words >> 12).astype(np.uint16) << np.array([0, 4, 8, 12], np.uint16)
    scale = np.bitwise_or.reduce(tops, axis=1).astype(np.uint16).view(np.float16)
    threes = (words[..., None] >> np.array([0, 3, 6, 9], np.uint16)) & 7
    step = scale.astype(np.float32)[:, None] * (2 * threes.reshape(-1, 16) + 1).astype(np.float32)
    high = _nibbles(b[:, 32:48])
    shift = np.where(high & 8, np.float32(-0.125), np.float32(0.125))
    points = load_grid("IQ1_S")[b[:, :32] | (high & 7).astype(np.int64) << 8] + shift[..., None]
    return np.asarray((step[..., None] * points.reshape(-1, 16, 16)).reshape(-1, 256))


def read_tq1_0(b: Bytes) -> Floats:
    """Five ternary digits a byte, as the digits of a fraction of 256."""
    parts = []
    for first, last, digits in ((0, 32, 5), (32, 48, 5), (48, 52, 4)):
        fractions = (b[:, None, first:last] * _THREES[:digits]).astype(np.uint8)
        parts.append((fractions.astype(np.uint16) * 3 >> 8).reshape(len(b), -1))
    values: Floats = _half(b[:, 52:54]) * (np.hstack(parts).astype(np.float32) - 1)
    return values


def read_tq2_0(b: Bytes) -> Floats:
    """Four ternary digits a byte."""
    codes = ((b[:, :64].reshape(-1, 2, 1, 32) >> _PAIRS) & 3).reshape(-1, 256)
    values: Floats = _half(b[:, 64:66]) * (codes.astype(np.float32) - 1)
    return values


def read_q1_0(b: Bytes) -> Floats:
    """Signs of one magnitude."""
    signs = np.unpackbits(np.ascontiguousarray(b[:, 2:]), axis=1, bitorder="little")
    values: Floats = _half(b[:, :2]) * (2 * signs.astype(np.float32) - 1)
    return values


def read_q2_0(b: Bytes) -> Floats:
    """Four codes a byte, of -1, 0, 1 and 2 steps."""
    codes = ((b[:, 2:, None] >> _PAIRS[:, 0]) & 3).reshape(len(b), -1)
    values: Floats = _half(b[:, :2]) * (codes.astype(np.float32) - 1)
    return values
