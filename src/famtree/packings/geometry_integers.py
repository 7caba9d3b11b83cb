"""How many weights integer and float codes of a packed module stand for.

Every formula is the layout of the library that writes it (`fixtures/quantized` has what each
writes). Where sizes alone leave several answers, hints decide; without them the answer is None.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from famtree.packings.sizes import GROUPS, TYPES, WIDTHS, Unpacked, dimension, find_shared

if TYPE_CHECKING:
    from famtree.packings.packing import Packing
    from famtree.packings.sizes import Hints, Leaves


def unpack_elements(packing: Packing, leaves: Leaves, _hints: Hints) -> Unpacked:
    """A fixed number of weights in each element."""
    codes = packing.find_codes(leaves)
    if codes is None:
        return Unpacked(bits=packing.bits, group_size=packing.group)
    kind = packing.type or TYPES.get(codes.dtype)
    weights = codes.numel * packing.times
    if packing.group is not None:
        return Unpacked(weights, packing.bits, packing.group, "group", None, kind)
    shape = list(codes.shape)
    if len(shape) >= -packing.along:
        shape[packing.along] *= packing.times
    granularity, group, block = find_shared(shape, packing.find_scale(leaves))
    return Unpacked(weights, packing.bits, group, granularity, block, kind)


def unpack_padded(packing: Packing, leaves: Leaves, _hints: Hints) -> Unpacked:
    """AWQ's row-major kernels pad scales to whole words of eight; only bounds follow for g.

    autoawq rounds groups / 8 up to a multiple of 1, 2 or 4 for g of 128, 64 or 32 and more.
    """
    codes, scales = packing.find_codes(leaves), leaves.get("scales")
    if codes is None:
        return Unpacked(bits=packing.bits)
    fits: list[int] = []
    if scales is not None and len(codes.shape) == len(scales.shape) == 2:
        gemv = codes.dtype != "I16"
        inputs = codes.shape[1] * 8 if gemv else codes.shape[1]
        stored = scales.shape[1] if gemv else scales.shape[0]
        fits = [
            group
            for group, multiple in ((128, 1), (64, 2), (32, 4))
            if inputs % group == 0
            and 8 * multiple * math.ceil(math.ceil(inputs // group / 8) / multiple) == stored
        ]
    group = fits[0] if len(fits) == 1 else None
    return Unpacked(codes.numel * packing.times, packing.bits, group, "group")


def unpack_blocks(packing: Packing, leaves: Leaves, _hints: Hints) -> Unpacked:
    """Two weights a byte, whatever dtype holds the bytes; one scale a run of the flat matrix."""
    codes, scales = packing.find_codes(leaves), leaves.get("weight.absmax")
    kind = next((leaf.rpartition("__")[2] for leaf in leaves if "bitsandbytes__" in leaf), None)
    if codes is None:
        return Unpacked(bits=packing.bits, type=kind)
    weights = codes.nbytes * 2
    sizes = (32, *GROUPS[3:], 2048, 4096)
    group = find_covering(weights, scales.numel, sizes) if scales is not None else None
    return Unpacked(weights, packing.bits, group, "group", None, kind)


def find_covering(size: int, count: int, groups: tuple[int, ...]) -> int | None:
    """Return the first group size of which `count` cover `size`; the last may be short."""
    return next((one for one in groups if -(-size // one) == count), None)


def unpack_by_zeros(packing: Packing, leaves: Leaves, hints: Hints) -> Unpacked | None:
    """GPTQ packs K, AWQ packs N into 32-bit words; zeros, group index or K tell the bits."""
    codes, scales = leaves.get("qweight"), leaves.get("scales")
    rows, columns = dimension(codes, -2), dimension(codes, -1)
    if codes is None or rows is None or columns is None:
        return None
    held, over = _find_ratio(packing, leaves, hints, 32 * rows, 32 * columns)
    bits, odd = divmod(held, over) if over else (0, 0)
    if odd or bits not in WIDTHS:
        return None
    weights, groups = codes.numel * 32 // bits, dimension(scales, -2)
    if not groups:
        return Unpacked(weights, bits)
    if groups == 1:
        return Unpacked(weights, bits, None, "channel")
    inputs = rows * 32 // bits if packing.along == -2 else rows
    group = find_covering(inputs, groups, GROUPS) if inputs % groups else inputs // groups
    return Unpacked(weights, bits, group, "group" if group else None)


def _find_ratio(
    packing: Packing, leaves: Leaves, hints: Hints, high: int, wide: int
) -> tuple[int, int]:
    """Return bits held along one side, and the weights of that side; (0, 0) where not told."""
    outputs, zeros = dimension(leaves.get("scales"), -1), leaves.get("qzeros")
    if packing.along == -1 and outputs:
        return wide, outputs
    packed, order = dimension(zeros, -1), leaves.get("g_idx")
    if outputs and packed and zeros is not None and zeros.dtype in ("I32", "U32"):
        return 32 * packed, outputs
    if order is not None and order.numel:
        return high, order.numel
    return (high, hints.inputs) if hints.inputs else (0, 0)


def unpack_words(packing: Packing, leaves: Leaves, hints: Hints) -> Unpacked | None:
    """N rows of 32-bit words (or bytes): sizes give b x g, hints or zeros tell the two apart."""
    codes, groups = packing.find_codes(leaves), dimension(packing.find_scale(leaves), -1)
    columns = dimension(codes, -1)
    if codes is None or not columns or not groups:
        return None
    held = columns * 8 * codes.nbytes // max(codes.numel, 1)
    packed, rows = dimension(leaves.get(packing.zeros), -2), dimension(codes, -2)
    if hints.inputs and held % hints.inputs == 0:
        fits = {held // hints.inputs}
    elif packed and rows and 32 * packed % rows == 0:
        fits = {32 * packed // rows}
    else:
        fits = _list_widths(held, groups, hints)
    usable = fits.intersection(WIDTHS)
    if len(usable) != 1:
        return None
    bits = usable.pop()
    weights = codes.nbytes * 8 // bits
    if groups == 1:
        return Unpacked(weights, bits, None, "channel")
    return Unpacked(weights, bits, held // bits // groups, "group")


def _list_widths(held: int, groups: int, hints: Hints) -> set[int]:
    """Return the widths that rows of `held` bits in `groups` may have."""
    stated = {int(one) for one in hints.bits}
    if stated and (groups == 1 or not hints.groups):
        return {one for one in stated if held % (one * groups) == 0}
    sizes = hints.groups or (() if stated else GROUPS)
    fits = {held // (groups * size) for size in sizes
            if groups > 1 and held % (groups * size) == 0}  # fmt: skip
    return fits & stated if stated and len(fits) > 1 else fits


def unpack_tiles(packing: Packing, leaves: Leaves, _hints: Hints) -> Unpacked | None:
    """Marlin: 16 x 16 tiles, codes [K/16, 16 N b / 32], scales [K/g, N].

    Its 2:4 form keeps half of all weights, with metadata beside them.
    """
    codes, scales = packing.find_codes(leaves), packing.find_scale(leaves)
    tall, wide = dimension(codes, -2), dimension(codes, -1)
    groups, outputs = dimension(scales, -2), dimension(scales, -1)
    if codes is None or not tall or not wide or not groups or not outputs:
        return None
    bits, odd = divmod(2 * wide, outputs)
    if odd or bits not in WIDTHS:
        return None
    weights = codes.nbytes * 8 // bits * packing.times
    if groups == 1:
        return Unpacked(weights, bits, None, "channel")
    return Unpacked(weights, bits, tall * 16 * packing.times // groups, "group")


def unpack_bitmask(packing: Packing, leaves: Leaves, _hints: Hints) -> Unpacked | None:
    """One bit a weight says whether it is kept; what is kept is stored as it is."""
    mask, kept = leaves.get("bitmask"), packing.find_codes(leaves)
    if mask is None or kept is None:
        return None
    bits = 8 * kept.nbytes // max(kept.numel, 1)
    return Unpacked(mask.nbytes * 8, bits, type=TYPES.get(kept.dtype))
