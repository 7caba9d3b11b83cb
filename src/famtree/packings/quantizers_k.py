"""GGUF's K types from values: ggml's reference search for scales, step by step in float32.

After `quantize_row_q2_K_ref` to `quantize_row_q6_K_ref` (ggml/src/ggml-quants.c), which run where
there is no importance matrix. Sums go from the first value to the last and products from left to
right as there, since one rounding that differs can change a code. Groups are columns here, so
that all are searched at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Codes = NDArray[np.int32]
Bytes = NDArray[np.uint8]

SUPER = 256
"""Values of a block of every K type."""
_MAGIC = np.float32(12582912)
_LEAST = np.float32(1e-15)
"""Greatest magnitude below which a group counts as zeros (`GROUP_MAX_EPS`)."""
_ONE, _ZERO = np.float32(1), np.float32(0)


class _Search(NamedTuple):
    """How an affine group's scale and minimum are searched for."""

    size: int
    """Values of a group."""
    levels: int
    """Greatest code."""
    first: float
    steps: int
    """Scales tried: (levels + first + step / 10) / range."""
    absolute: bool
    """Errors are magnitudes rather than squares, and weights the values' own magnitudes."""


def store_half(values: Floats) -> Bytes:
    """Return numbers as two bytes each, one row a number."""
    with np.errstate(over="ignore"):
        return values.astype("<f2").view(np.uint8).reshape(len(values), 2)


def load_half(stored: Bytes) -> Floats:
    """Return what `store_half` left of a number."""
    return np.ascontiguousarray(stored).view("<f2").astype(np.float32)[:, 0]


def find_nearest(values: Floats) -> Codes:
    """Return nearest integers, halves to even; beyond 2^22 what the trick with the bits gives."""
    return ((values + _MAGIC).view(np.int32) & 0x007FFFFF) - 0x00400000


def round_outward(values: Floats) -> Floats:
    """Return nearest whole numbers, halves away from zero."""
    whole = np.trunc(values)
    beyond = np.abs(values - whole) >= np.float32(0.5)
    return np.where(beyond, whole + np.copysign(_ONE, values), whole)


def add_up(terms: Floats) -> Floats:
    """Return sums over the first axis, one term after the other."""
    found: Floats = np.add.accumulate(terms, axis=0, dtype=np.float32)[-1]
    return found


def find_extreme(groups: Floats) -> Floats:
    """Return the first value of greatest magnitude of each column, with its sign."""
    found: Floats = np.take_along_axis(groups, np.abs(groups).argmax(axis=0)[None], axis=0)[0]
    return found


def quantize_two_bits(blocks: Floats) -> Bytes:
    """Return blocks of Q2_K."""
    codes, (scales, step), (least, low) = _quantize_affine(
        blocks, _Search(16, 3, -0.5, 15, absolute=True), 15
    )
    return np.hstack([scales & 15 | least << 4, _pack_pairs(codes), step, low])


def quantize_four_bits(blocks: Floats) -> Bytes:
    """Return blocks of Q4_K."""
    codes, (scales, step), (least, low) = _quantize_affine(
        blocks, _Search(32, 15, -1.0, 20, absolute=False), 63
    )
    return np.hstack([step, low, _pack_six_bits(scales, least), _pack_nibbles(codes)])


def quantize_five_bits(blocks: Floats) -> Bytes:
    """Return blocks of Q5_K."""
    codes, (scales, step), (least, low) = _quantize_affine(
        blocks, _Search(32, 31, -0.5, 15, absolute=False), 63
    )
    fifths = np.packbits(codes.reshape(-1, 8, 32) >> 4, axis=1, bitorder="little")[:, 0]
    return np.hstack([step, low, _pack_six_bits(scales, least), fifths, _pack_nibbles(codes)])


def _quantize_affine(
    blocks: Floats, search: _Search, top: int
) -> tuple[Bytes, tuple[Bytes, Bytes], tuple[Bytes, Bytes]]:
    """Return codes, then scales and minima, each as whole steps up to `top` of a stored half."""
    groups = np.ascontiguousarray(blocks.reshape(-1, search.size).T)
    with np.errstate(all="ignore"):
        codes, scales, least = _search_affine(groups, search)
        (steps, stored), below = (
            _share(found.reshape(-1, SUPER // search.size), top) for found in (scales, least)
        )
        step = (load_half(stored)[:, None] * steps).reshape(-1)
        low = (load_half(below[1])[:, None] * below[0]).reshape(-1)
        again = np.clip(find_nearest((groups + low) / step), 0, search.levels)
    codes = np.where(step != 0, again, codes)
    return codes.T.reshape(-1, SUPER).astype(np.uint8), (steps, stored), below


def _share(values: Floats, top: int) -> tuple[Bytes, Bytes]:
    """Return the groups' numbers as steps up to `top` of one half a block, and that half."""
    limit, greatest = np.float32(top), np.maximum(values.max(axis=1), _ZERO)
    inverse = np.where(greatest > 0, limit / greatest, _ZERO)[:, None]
    steps = find_nearest(inverse * values).astype(np.uint8)
    return np.minimum(steps, top).astype(np.uint8), store_half(greatest / limit)


def _search_affine(x: Floats, search: _Search) -> tuple[Codes, Floats, Floats]:
    """Return codes, scales and negated minima of groups (`make_qkx2_quants`)."""
    levels = np.float32(search.levels)
    weights = np.abs(x)
    if not search.absolute:
        weights = np.sqrt(add_up(x * x) / np.float32(search.size)) + weights
    total, weighted = add_up(weights), add_up(weights * x)
    least, high = np.minimum(x.min(axis=0), _ZERO), x.max(axis=0)
    flat, low = high == least, least

    def code(inverse: Floats) -> Codes:
        return np.clip(find_nearest(inverse * (x - least)), 0, search.levels)

    def miss(scale: NDArray[np.floating], codes: Codes, least: NDArray[np.floating]) -> Floats:
        apart = scale * codes.astype(np.float32) + least - x
        return add_up(weights * (np.abs(apart) if search.absolute else apart * apart))

    inverse = levels / (high - least)
    scale, codes = _ONE / inverse, code(inverse)
    best = miss(scale, codes, least)
    for step in range(search.steps + 1):
        shifted = np.float32(search.first) + np.float32(0.1) * np.float32(step) + levels
        # The range is that of the best minimum so far.
        tried = code(shifted / (high - least))
        as_floats = tried.astype(np.float32)
        product = weights * as_floats
        first, second, cross = add_up(product), add_up(product * as_floats), add_up(product * x)
        bottom = total * second - first * first
        slope = (total * cross - weighted * first) / bottom
        offset = (second * weighted - first * cross) / bottom
        above = offset > 0
        slope = np.where(above, cross / second, slope)
        offset = np.where(above, _ZERO, offset)
        error = miss(slope, tried, offset)
        better = (bottom > 0) & (error < best)
        codes = np.where(better, tried, codes)
        best = np.where(better, error, best)
        scale, least = np.where(better, slope, scale), np.where(better, offset, least)
    return (
        np.where(flat, 0, codes), np.where(flat, _ZERO, scale), -np.where(flat, low, least),
    )  # fmt: skip


def quantize_three_bits(blocks: Floats) -> Bytes:
    """Return blocks of Q3_K: 16 groups with six-bit scales, the codes' third bits apart."""
    x = np.ascontiguousarray(blocks.reshape(-1, 16).T)
    with np.errstate(all="ignore"):
        codes, scales = _search_three_bits(x)
        by_block = scales.reshape(-1, 16)
        greatest = find_extreme(by_block.T)
        inverse = np.float32(-32) / greatest
        steps = np.clip(find_nearest(inverse[:, None] * by_block), -32, 31) + 32
        empty = greatest == 0
        steps = np.where(empty[:, None], 0, steps)
        stored = store_half(np.where(empty, _ZERO, _ONE / inverse))
        step = (load_half(stored)[:, None] * (steps - 32).astype(np.float32)).reshape(-1)
        again = np.clip(find_nearest(x / step), -4, 3) + 4
        codes = np.where(step != 0, again, codes)
    packed = codes.T.reshape(-1, SUPER).astype(np.uint8)
    thirds = np.packbits(packed.reshape(-1, 8, 32) > 3, axis=1, bitorder="little")[:, 0]
    small = steps.astype(np.uint8)
    low = small[:, :8] & 15 | (small[:, 8:] & 15) << 4
    highs = (small >> 4).reshape(-1, 4, 4) << np.array([0, 2, 4, 6], np.uint8)[:, None]
    high = np.bitwise_or.reduce(highs, axis=1).astype(np.uint8)
    return np.hstack([thirds, _pack_pairs(packed & 3), low, high, stored])


def _search_three_bits(x: Floats) -> tuple[Codes, Floats]:
    """Return codes and scales (`make_q3_quants`): codes change one at a time while that helps."""
    zero = np.abs(x).max(axis=0) < _LEAST
    inverse = np.float32(-4) / find_extreme(x)
    codes = np.clip(find_nearest(inverse * x), -4, 3)
    weights = x * x
    as_floats = codes.astype(np.float32)
    along, square = add_up(weights * x * as_floats), add_up(weights * as_floats * as_floats)
    for _ in range(5):
        for row, weight in zip(range(len(x)), weights, strict=True):
            value, old = x[row], codes[row].astype(np.float32)
            less = along - weight * value * old
            rest = square - weight * old * old
            new = np.clip(find_nearest(value * rest / less), -4, 3)
            code = new.astype(np.float32)
            more, wide = less + weight * value * code, rest + weight * code * code
            better = (less > 0) & (new != codes[row]) & (wide > 0)
            better &= more * more * square > along * along * wide
            codes[row] = np.where(better, new, codes[row])
            along, square = np.where(better, more, along), np.where(better, wide, square)
    scales = np.where(square > 0, along / square, _ZERO)
    return np.where(zero, 0, codes + 4), np.where(zero, _ZERO, scales)


def quantize_six_bits(blocks: Floats) -> Bytes:
    """Return blocks of Q6_K: 16 groups with signed eight-bit scales."""
    x = np.ascontiguousarray(blocks.reshape(-1, 16).T)
    with np.errstate(all="ignore"):
        codes, scales = _search_symmetric(x, 32)
        by_block = scales.reshape(-1, 16)
        greatest = find_extreme(by_block.T)
        inverse = np.float32(-128) / greatest
        steps = np.minimum(find_nearest(inverse[:, None] * by_block), 127).astype(np.int8)
        stored = store_half(_ONE / inverse)
        step = (load_half(stored)[:, None] * steps.astype(np.float32)).reshape(-1)
        again = np.clip(find_nearest(x / step), -32, 31) + 32
        codes = np.where(step != 0, again, codes)
    quarters = codes.T.reshape(-1, 2, 4, 32).astype(np.uint8)
    low = (quarters[:, :, :2] & 15 | (quarters[:, :, 2:] & 15) << 4).reshape(-1, 128)
    high = _pack_pairs((quarters >> 4).reshape(-1, SUPER))
    found = np.hstack([low, high, steps.view(np.uint8), stored])
    found[np.abs(greatest) < _LEAST] = 0
    return found


def _search_symmetric(x: Floats, middle: int) -> tuple[Codes, Floats]:
    """Return codes and scales (`make_qx_quants`), errors weighted by squares of the values."""
    zero, extreme = np.abs(x).max(axis=0) < _LEAST, find_extreme(x)
    weighted = x * x * x
    weights = x * x

    def code(inverse: Floats) -> tuple[Codes, Floats, Floats]:
        found = np.clip(find_nearest(inverse * x), -middle, middle - 1)
        floats = found.astype(np.float32)
        return found, add_up(weighted * floats), add_up(weights * floats * floats)

    codes, along, square = code(np.float32(-middle) / extreme)
    scales = np.where(square != 0, along / square, _ZERO)
    best = scales * along
    for step in (*range(-9, 0), *range(1, 10)):
        shifted = np.float32(middle) + np.float32(0.1) * np.float32(step)
        tried, along, square = code(-shifted / extreme)
        better = (square > 0) & (along * along > best * square)
        codes = np.where(better, tried, codes)
        scales = np.where(better, along / square, scales)
        best = np.where(better, scales * along, best)
    return np.where(zero, 0, codes + middle), np.where(zero, _ZERO, scales)


def _pack_pairs(codes: NDArray[np.integer]) -> Bytes:
    """Return two bits of each value: of every 128 those that lie 32 apart share a byte."""
    quarters = codes.reshape(-1, 2, 4, 32) << np.array([0, 2, 4, 6], np.uint8)[:, None]
    packed: Bytes = np.bitwise_or.reduce(quarters, axis=2).reshape(-1, 64).astype(np.uint8)
    return packed


def _pack_nibbles(codes: NDArray[np.integer]) -> Bytes:
    """Return four bits of each value: of every 64 those that lie 32 apart share a byte."""
    halves = codes.reshape(-1, 4, 2, 32) & 15
    return (halves[:, :, 0] | halves[:, :, 1] << 4).reshape(-1, 128).astype(np.uint8)


def _pack_six_bits(scales: Bytes, least: Bytes) -> Bytes:
    """Return eight scales and eight minima in twelve bytes."""
    first = scales[:, :4] | scales[:, 4:] >> 4 << 6
    second = least[:, :4] | least[:, 4:] >> 4 << 6
    both = scales[:, 4:] & 15 | (least[:, 4:] & 15) << 4
    return np.hstack([first, second, both]).astype(np.uint8)
