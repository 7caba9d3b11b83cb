"""How many weights integer and float codes of a packed module stand for.

Every formula is the layout of the library that writes it (`fixtures/quantized` has what each
writes). Where sizes alone leave several answers, hints decide; without them the answer is None.
"""

from __future__ import annotations

import math

from famtree.fingerprints.packing_sizes import GROUPS, TYPES, WIDTHS, Hints, Unpacked, find_shared
from famtree.fingerprints.packings import Leaves, Packing, dimension
from famtree.types.quantization import Granularity


def unpack_elements(packing: Packing, leaves: Leaves, _hints: Hints) -> Unpacked:
    """A fixed number of weights in each element."""
    codes = leaves.get(packing.leaf)
    if codes is None:
        return Unpacked(bits=packing.bits, group_size=packing.group, type=packing.type)
    shape = list(codes.shape)
    if len(shape) >= -packing.along:
        shape[packing.along] *= packing.times
    kind = packing.type or TYPES.get(codes.dtype)
    weights = codes.numel * packing.times
    if packing.group is not None:
        return Unpacked(weights, packing.bits, packing.group, "group", None, kind)
    if packing.name.startswith("awq"):  # scales are padded: the group is that of the zeros
        return Unpacked(weights, packing.bits, _padded_group(leaves), "group", None, kind)
    granularity, group, block = find_shared(shape, leaves.get(packing.scale or ""))
    return Unpacked(weights, packing.bits, group, granularity, block, kind)


def _padded_group(leaves: Leaves) -> int | None:
    """AWQ's row-major kernels pad scales to whole words of eight; only bounds follow for g.

    autoawq rounds groups / 8 up to a multiple of 1, 2 or 4 for g of 128, 64 or 32 and more.
    """
    codes, scales = leaves.get("qweight"), leaves.get("scales")
    if codes is None or scales is None or len(codes.shape) != 2 or len(scales.shape) != 2:
        return None
    gemv = codes.dtype != "I16"
    inputs = codes.shape[1] * 8 if gemv else codes.shape[1]
    stored = scales.shape[1] if gemv else scales.shape[0]
    fits = [
        group
        for group, multiple in ((128, 1), (64, 2), (32, 4))
        if inputs % group == 0
        and 8 * multiple * math.ceil(math.ceil(inputs // group / 8) / multiple) == stored
    ]
    return fits[0] if len(fits) == 1 else None


def unpack_blocks(packing: Packing, leaves: Leaves, _hints: Hints) -> Unpacked:
    """Two weights a byte, whatever dtype holds the bytes; one scale a run of the flat matrix."""
    codes, scales = leaves.get("weight"), leaves.get("weight.absmax")
    kind = next((leaf.rpartition("__")[2] for leaf in leaves if "bitsandbytes__" in leaf), None)
    if codes is None:
        return Unpacked(bits=packing.bits, type=kind)
    weights = codes.nbytes * 2
    group = None
    if scales is not None and scales.numel:
        group = next((one for one in (32, *GROUPS[3:], 2048, 4096)
                      if -(-weights // one) == scales.numel), None)  # fmt: skip
    return Unpacked(weights, packing.bits, group, "group", None, kind)


def unpack_by_zeros(packing: Packing, leaves: Leaves, hints: Hints) -> Unpacked:
    """GPTQ packs K, AWQ packs N into 32-bit words; zeros, group index or K tell the bits."""
    codes, scales = leaves.get("qweight"), leaves.get("scales")
    rows, columns = dimension(codes, -2), dimension(codes, -1)
    if codes is None or rows is None or columns is None:
        return Unpacked(type=packing.type)
    bits = _word_bits(packing, leaves, hints)
    if bits is None:
        return Unpacked(type=packing.type)
    inputs = rows * 32 // bits if packing.along == -2 else rows
    groups = dimension(scales, -2)
    group = inputs // groups if groups and inputs % groups == 0 else None
    if groups and group is None:  # the last group is short
        group = next((one for one in GROUPS if -(-inputs // one) == groups), None)
    share: Granularity | None = None if group is None else "channel" if groups == 1 else "group"
    return Unpacked(codes.numel * 32 // bits, bits, group if share != "channel" else None, share,
                    None, packing.type)  # fmt: skip


def _word_bits(packing: Packing, leaves: Leaves, hints: Hints) -> int | None:
    codes, scales, zeros = leaves.get("qweight"), leaves.get("scales"), leaves.get("qzeros")
    order = leaves.get("g_idx")
    outputs, packed = dimension(scales, -1), dimension(zeros, -1)
    rows = dimension(codes, -2) or 0
    if packing.along == -1 and outputs:
        found = divmod(32 * (dimension(codes, -1) or 0), outputs)
    elif outputs and packed and zeros is not None and zeros.dtype in ("I32", "U32"):
        found = divmod(32 * packed, outputs)
    elif order is not None and order.numel:
        found = divmod(32 * rows, order.numel)
    elif hints.inputs:
        found = divmod(32 * rows, hints.inputs)
    else:
        return None
    return found[0] if found[1] == 0 and found[0] in WIDTHS else None


def unpack_words(packing: Packing, leaves: Leaves, hints: Hints) -> Unpacked:
    """N rows of 32-bit words (or bytes): sizes give b x g, hints or zeros tell the two apart."""
    codes, scales = leaves.get(packing.leaf), leaves.get(packing.scale or "")
    columns, groups = dimension(codes, -1), dimension(scales, -1)
    if codes is None or not columns or not groups:
        return Unpacked(type=packing.type)
    held = columns * 8 * codes.nbytes // max(codes.numel, 1)
    zeros, rows = leaves.get(packing.zeros or ""), dimension(codes, -2)
    packed = dimension(zeros, -2)
    if hints.inputs and held % hints.inputs == 0:
        fits = {held // hints.inputs}
    elif packed and rows and 32 * packed % rows == 0:
        fits = {32 * packed // rows}
    else:
        sizes = hints.groups or (GROUPS if not hints.bits else ())
        fits = {held // (groups * size) for size in sizes
                if groups > 1 and held % (groups * size) == 0}  # fmt: skip
        if hints.bits and (groups == 1 or not hints.groups):
            fits = {int(one) for one in hints.bits if held % (one * groups) == 0}
        elif hints.bits and len(fits) > 1:
            fits &= {int(one) for one in hints.bits}
    usable = [one for one in fits if one in WIDTHS]
    if len(usable) != 1:
        return Unpacked(type=packing.type)
    bits = usable[0]
    share: Granularity = "channel" if groups == 1 else "group"
    group = held // bits // groups if share == "group" else None
    weights = codes.nbytes * 8 // bits
    return Unpacked(weights, bits, group, share, None, packing.type)


def unpack_tiles(packing: Packing, leaves: Leaves, _hints: Hints) -> Unpacked:
    """Marlin: 16 x 16 tiles, codes [K/16, 16 N b / 32], scales [K/g, N]."""
    codes, scales = leaves.get(packing.leaf), leaves.get(packing.scale or "")
    tall, wide = dimension(codes, -2), dimension(codes, -1)
    groups, outputs = dimension(scales, -2), dimension(scales, -1)
    if codes is None or not tall or not wide or not groups or not outputs:
        return Unpacked(type=packing.type)
    bits, odd = divmod(2 * wide, outputs)
    if odd or bits not in WIDTHS:
        return Unpacked(type=packing.type)
    inputs = tall * 16
    group = inputs // groups if groups > 1 else None
    return Unpacked(codes.nbytes * 8 // bits, bits, group, "group" if group else "channel", None,
                    packing.type)  # fmt: skip


def unpack_sparse_tiles(packing: Packing, leaves: Leaves, _hints: Hints) -> Unpacked:
    """Marlin 2:4: codes [K/32, 16 N b / 32] of the kept half, metadata beside them."""
    codes, scales = leaves.get(packing.leaf), leaves.get(packing.scale or "")
    tall, wide = dimension(codes, -2), dimension(codes, -1)
    groups, outputs = dimension(scales, -2), dimension(scales, -1)
    if not tall or not wide or not groups or not outputs:
        return Unpacked(type=packing.type)
    bits, odd = divmod(2 * wide, outputs)
    if odd or bits not in WIDTHS:
        return Unpacked(type=packing.type)
    inputs = tall * 32
    group = inputs // groups if groups > 1 else None
    return Unpacked(inputs * outputs, bits, group, "group" if group else "channel", None,
                    packing.type)  # fmt: skip


def unpack_bitmask(packing: Packing, leaves: Leaves, _hints: Hints) -> Unpacked:
    """One bit a weight says whether it is kept; what is kept is stored as it is."""
    mask, kept = leaves.get("bitmask"), leaves.get(packing.leaf)
    if mask is None or kept is None:
        return Unpacked(type=packing.type)
    bits = 8 * kept.nbytes // max(kept.numel, 1)
    return Unpacked(mask.nbytes * 8, bits, None, None, None, TYPES.get(kept.dtype))
