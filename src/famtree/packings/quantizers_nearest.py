"""GGUF's types of few fixed values, from values: each takes the nearest, under a scale of its own.

After ggml's reference formulas (ggml/src/ggml-quants.c) without importance matrix; order of sums
and products as in `quantizers_k`, whose helpers take groups as columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from famtree.packings.ggml_blocks import E2M1, NON_LINEAR
from famtree.packings.quantizers_k import (
    Bytes,
    Floats,
    add_up,
    find_extreme,
    find_nearest,
    round_outward,
    store_half,
)

_LEAST = np.float32(1e-15)
_ONE, _ZERO = np.float32(1), np.float32(0)
_SHIFTS = 7
"""How many levels the greatest value is tried at on either side of the lowest one."""
_TRITS = np.array([81, 27, 9, 3, 1], np.int64)[:, None]


def quantize_non_linear(blocks: Floats) -> Bytes:
    """Return blocks of IQ4_NL."""
    x = np.ascontiguousarray(blocks.T)
    with np.errstate(all="ignore"):
        scales = _search_non_linear(x)
        codes = _find_level(_invert(scales) * x)
    return np.hstack([store_half(scales), _pack_halves(codes.T)])


def quantize_non_linear_super(blocks: Floats) -> Bytes:
    """Return blocks of IQ4_XS: eight groups with scales of six bits."""
    x = np.ascontiguousarray(blocks.reshape(-1, 32).T)
    with np.errstate(all="ignore"):
        scales = _search_non_linear(x).reshape(-1, 8)
        step = -find_extreme(scales.T) / np.float32(32)
        steps = np.clip(find_nearest(_invert(step)[:, None] * scales), -32, 31)
        inverse = _invert((step[:, None] * steps.astype(np.float32)).reshape(-1))
        codes = _find_level(inverse * x)
    small = (steps + 32).astype(np.uint16)
    high = (small >> 4) << np.arange(0, 16, 2, dtype=np.uint16)
    low = small[:, ::2] & 15 | (small[:, 1::2] & 15) << 4
    tops = np.bitwise_or.reduce(high, axis=1).astype("<u2").view(np.uint8).reshape(-1, 2)
    packed = _pack_halves(codes.T).reshape(-1, 128)
    return np.hstack([store_half(step), tops, low.astype(np.uint8), packed])


def _search_non_linear(x: Floats) -> Floats:
    """Return the scale of each group (`quantize_row_iq4_nl_impl`)."""
    extreme, lowest = find_extreme(x), NON_LINEAR[0]
    weights = x * x

    def weigh(inverse: Floats) -> tuple[Floats, Floats]:
        weighted = weights * (levels := NON_LINEAR[_find_level(inverse * x)])
        return add_up(weighted * x), add_up(weighted * levels)

    along, square = weigh(_ONE / (-extreme / lowest))
    scales = np.where(square > 0, along / square, _ZERO)
    best = scales * along
    for shift in range(-_SHIFTS, _SHIFTS + 1):
        along, square = weigh((np.float32(shift) + lowest) / extreme)
        better = (square > 0) & (along * along > best * square)
        scales = np.where(better, along / square, scales)
        best = np.where(better, scales * along, best)
    return np.where(np.abs(extreme) < _LEAST, _ZERO, scales)


def _find_level(values: Floats) -> NDArray[np.intp]:
    """Return the place of the nearest level, of two equally near ones the higher."""
    above = np.clip(np.searchsorted(NON_LINEAR, values, side="right"), 1, 15)
    nearer = values - NON_LINEAR[above - 1] < NON_LINEAR[above] - values
    found = np.where(nearer, above - 1, above)
    found = np.where(values <= NON_LINEAR[0], 0, found)
    return np.where(values >= NON_LINEAR[15], 15, found)


def quantize_microscaling(blocks: Floats) -> Bytes:
    """Return blocks of MXFP4: a power of two, and E2M1 codes of half of it."""
    with np.errstate(divide="ignore"):
        power = np.log2(np.abs(blocks).max(axis=1).astype(np.float64)).astype(np.float32)
        exponent = np.where(np.isfinite(power), np.floor(power) + 125, 0).astype(np.int64) & 255
    codes = _find_e2m1(blocks, np.ldexp(_ONE, exponent - 128).astype(np.float32))
    return np.hstack([exponent.astype(np.uint8)[:, None], _pack_halves(codes)])


def quantize_nvfp4(blocks: Floats) -> Bytes:
    """Return blocks of NVFP4: four unsigned E4M3 scales, each for 16 E2M1 codes."""
    groups = blocks.reshape(-1, 16)
    scale = np.minimum(np.abs(groups).max(axis=1) / np.float32(6), np.float32(448))
    bits = np.ascontiguousarray(scale).view(np.uint32)
    # Three bits of the mantissa are kept, halves go up; below 2^-6 steps of 2^-9.
    usual = ((bits >> 20) + ((bits >> 19) & 1)).astype(np.int64) - (120 << 3)
    tiny = np.minimum((scale * np.float32(512) + np.float32(0.5)).astype(np.int64), 7)
    # The highest exponent has one code.
    usual = np.where(usual >= 15 << 3, 0x7E, usual)
    codes = np.where(bits >> 23 <= 120, tiny, usual)
    exponent, mantissa = codes >> 3, (codes & 7).astype(np.float64)
    value = np.where(
        exponent == 0, np.ldexp(mantissa, -10), np.ldexp(1 + mantissa / 8, exponent - 8)
    )
    packed = _pack_halves(_find_e2m1(groups, value.astype(np.float32))).reshape(-1, 32)
    return np.hstack([codes.astype(np.uint8).reshape(-1, 4), packed])


def _find_e2m1(groups: Floats, halves: Floats) -> NDArray[np.intp]:
    """Return the first code whose value times two times `halves` is nearest."""
    levels = (2 * E2M1) * halves[:, None]
    found: NDArray[np.intp] = np.abs(levels[:, None, :] - groups[:, :, None]).argmin(axis=2)
    return found


def quantize_ternary_fractions(blocks: Floats) -> Bytes:
    """Return blocks of TQ1_0: five ternary digits a byte, as a fraction of 256."""
    scale, codes = _round_to_greatest(blocks)
    digits = codes + 1
    last = np.concatenate(
        [digits[:, 240:].reshape(-1, 4, 4), np.zeros((len(digits), 1, 4), np.int64)], axis=1
    )
    parts = (digits[:, :160].reshape(-1, 5, 32), digits[:, 160:240].reshape(-1, 5, 16), last)
    packed = [(((part * _TRITS).sum(axis=1) * 256 + 242) // 243) for part in parts]
    return np.hstack([*packed, store_half(scale)]).astype(np.uint8)


def quantize_ternary_pairs(blocks: Floats) -> Bytes:
    """Return blocks of TQ2_0: four ternary digits a byte."""
    scale, codes = _round_to_greatest(blocks)
    quarters = ((codes + 1) & 3).reshape(-1, 2, 4, 32) << np.array([0, 2, 4, 6])[:, None]
    packed = np.bitwise_or.reduce(quarters, axis=2).reshape(-1, 64)
    return np.hstack([packed.astype(np.uint8), store_half(scale)])


def quantize_two_codes(blocks: Floats) -> Bytes:
    """Return blocks of Q1_0: signs, and the mean magnitude."""
    scale = add_up(np.ascontiguousarray(np.abs(blocks).T)) / np.float32(128)
    return np.hstack([store_half(scale), np.packbits(blocks >= 0, axis=1, bitorder="little")])


def quantize_four_codes(blocks: Floats) -> Bytes:
    """Return blocks of Q2_0: -1, 0, 1 or 2 times the greatest magnitude."""
    scale, codes = _round_to_greatest(blocks)
    quarters = np.clip(codes + 1, 0, 3).reshape(-1, 16, 4) << np.array([0, 2, 4, 6])
    packed = np.bitwise_or.reduce(quarters, axis=2)
    return np.hstack([store_half(scale), packed.astype(np.uint8)])


def _round_to_greatest(blocks: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return each block's greatest magnitude and its values in units of that, halves outward."""
    scale = np.abs(blocks).max(axis=1)
    return scale, round_outward(blocks * _invert(scale)[:, None]).astype(np.int64)


def _invert(scale: Floats) -> Floats:
    with np.errstate(divide="ignore", over="ignore"):
        found: Floats = np.where(scale != 0, _ONE / scale, _ZERO)
    return found


def _pack_halves(codes: NDArray[np.integer]) -> Bytes:
    """Return rows of four-bit codes, the first half of each in low nibbles."""
    half = codes.shape[1] // 2
    return (codes[:, :half] | codes[:, half:] << 4).astype(np.uint8)
