"""How many weights codebook, trellis and tool-specific codes of a packed module stand for.

Formulas as in `famtree.packings.geometry_integers`.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from famtree.packings.geometry_integers import find_covering
from famtree.packings.sizes import GROUPS, TYPES, Hints, Leaves, Unpacked, dimension, find_shared

if TYPE_CHECKING:
    from famtree.packings.packing import Packing


def unpack_trellis(_packing: Packing, leaves: Leaves, _hints: Hints) -> Unpacked | None:
    """exllamav3: tiles of 16 x 16 weights, each of 16 b words of 16 bits."""
    codes = leaves.get("trellis")
    if codes is None or len(codes.shape) != 3:
        return None
    tall, wide, words = codes.shape
    return Unpacked(tall * wide * 256, words / 16, None, "codebook")


def unpack_rows(_packing: Packing, leaves: Leaves, _hints: Hints) -> Unpacked | None:
    """exllamav2: rows of mixed widths; b is their mean. K is the length of the permutation."""
    codes = leaves.get("q_weight")
    order = leaves.get("q_invperm") or leaves.get("q_perm")
    groups = leaves.get("q_scale_max")
    if codes is None or order is None or len(codes.shape) != 2 or not order.numel:
        return None
    inputs, outputs = order.numel, codes.shape[1]
    group = find_covering(inputs, groups.numel, GROUPS) if groups is not None else None
    bits = round(32 * codes.shape[0] / inputs, 4)
    return Unpacked(inputs * outputs, bits, group, "group")


def unpack_hqq(_packing: Packing, leaves: Leaves, hints: Hints) -> Unpacked | None:
    """HQQ flattens to runs of g and packs several runs into an element.

    Runs are rows of `W_q` (axis 1, scales [n, 1]) or its columns (axis 0, scales [1, n]), where
    sizes give b x g only.
    """
    codes, scales = leaves.get("W_q"), leaves.get("scale")
    if codes is None or scales is None or len(codes.shape) != 2 or not scales.numel:
        return None
    runs = scales.numel
    if scales.shape[-1] == 1:
        group = codes.shape[1]
        bits = 3 if codes.dtype == "I32" else 8 * codes.shape[0] / runs  # ten of 3 bits in a word
        return Unpacked(runs * group, bits, group, "group")
    held = codes.shape[0] * (10 * 3 if codes.dtype == "I32" else 8)
    fits = {held // size for size in hints.groups if held % size == 0}
    fits |= {int(one) for one in hints.bits if held % one == 0}
    if len(fits) != 1:
        return None
    group = held // (width := fits.pop())
    return Unpacked(runs * group, width, group, "group")


def unpack_codes(_packing: Packing, leaves: Leaves, _hints: Hints) -> Unpacked | None:
    """AQLM: codes [N/o, K/i, books] into codebooks [books, entries, o, i]."""
    codes, books = leaves.get("codes"), leaves.get("codebooks")
    if codes is None or books is None or len(codes.shape) != 3 or len(books.shape) != 4:
        return None
    count, entries, out, inner = books.shape
    if not books.numel:
        return None
    bits = count * math.ceil(math.log2(entries)) / (out * inner) if entries > 1 else None
    weights = codes.shape[0] * codes.shape[1] * out * inner
    return Unpacked(weights, bits, inner, "codebook")


def unpack_vectors(_packing: Packing, leaves: Leaves, _hints: Hints) -> Unpacked | None:
    """VPTQ: vectors of v rows, entries c = v 2^i and r = v 2^j, words of i + j bits a vector.

    Sizes give c, r and i + j, so v^2 = c r / 2^(i + j); without residual v = c / 2^i.
    """
    codes, main = leaves.get("indices"), leaves.get("centroids.weight")
    residual, order = leaves.get("res_centroids.weight"), leaves.get("perm")
    scale = leaves.get("weight_scale")
    known = order if order is not None else scale
    if codes is None or main is None or known is None or len(codes.shape) != 3:
        return None
    if residual is not None and len(residual.shape) != 2:
        return None
    if len(main.shape) != 2 or "outlier_indices" in leaves or codes.dtype not in ("I32", "U32"):
        return None
    books, vectors, words = codes.shape
    size = known.numel // books if books else 0
    width = 32 * words // size if size else 0
    square = (main.shape[1] * residual.shape[-1] if residual else main.shape[1] ** 2) >> (
        width if residual else 2 * width
    )
    length = math.isqrt(square)
    if not 0 < width <= 64 or length == 0 or length * length != square:
        return None
    weights = known.numel * vectors * length
    return Unpacked(weights, width / length, None, "codebook")


def unpack_quip(packing: Packing, leaves: Leaves, _hints: Hints) -> Unpacked | None:
    """QuIP#: 2-bit E8P codes, eight weights in 16 bits, held in words of any width."""
    codes = leaves.get("Qidxs")
    weights = None if codes is None else codes.nbytes * 4
    return Unpacked(weights, packing.bits, None, "codebook")


def unpack_grid(_packing: Packing, leaves: Leaves, _hints: Hints) -> Unpacked | None:
    """HIGGS (FLUTE): weight I16 [N b / 16, K], scales [N, K/g], tables of 2^b entries."""
    codes, scales, table = leaves.get("weight"), leaves.get("scales"), leaves.get("tables")
    columns, groups = dimension(codes, -1), dimension(scales, -1)
    if codes is None or table is None or table.numel < 2 or not columns or not groups:
        return None
    bits = math.log2(table.numel)
    if not bits.is_integer():
        return None
    return Unpacked(codes.nbytes * 8 // int(bits), int(bits), columns // groups, "group")


def unpack_quanto(packing: Packing, leaves: Leaves, _hints: Hints) -> Unpacked | None:
    """Rows of groups, 8 / b of them packed into a byte; a shift goes with every scale."""
    codes, scales = packing.find_codes(leaves), packing.find_scale(leaves)
    if (
        not codes
        or not scales
        or not len(codes.shape) == len(scales.shape) == 2
        or not scales.numel
    ):
        return None
    # Groups are rows (scale [n, 1]) or columns (scale [1, n]) of the packed matrix.
    tall = scales.shape[1] == 1 and scales.numel > 0
    bits, odd = divmod(8 * codes.shape[0], scales.shape[0]) if tall else (0, 1)
    if odd or bits not in (2, 4):
        return None
    weights = codes.numel * 8 // bits
    return Unpacked(weights, bits, weights // scales.numel, "group")


def unpack_torchao(_packing: Packing, leaves: Leaves, hints: Hints) -> Unpacked | None:
    """Metadata has the block a scale covers, and narrow target types."""
    codes, scale = leaves.get("_weight_qdata"), leaves.get("_weight_scale")
    if codes is None:
        return None
    block, target = _read_note(hints.note)
    kind = TYPES.get(codes.dtype, "int")
    weights, bits = codes.numel, 8.0 * codes.nbytes / max(codes.numel, 1)
    if block and scale is not None and scale.numel * math.prod(block) > codes.numel:
        weights = scale.numel * math.prod(block)
        bits = 8 * codes.nbytes / weights
    granularity, group, pair = find_shared(list(codes.shape), scale)
    if block and len(block) == 2 and block[0] == 1:
        whole = scale is not None and scale.numel * block[1] == weights and scale.shape[-1] == 1
        granularity, group = ("channel", None) if whole else ("group", block[1])
    return Unpacked(weights, target or bits, group, granularity, pair, kind)


def _read_note(note: str | None) -> tuple[list[int] | None, float | None]:
    """Return block size and bits of the target type of one tensor's metadata."""
    try:
        table = json.loads(note) if note else None
    except (ValueError, RecursionError):
        return None, None
    data = table.get("_data") if isinstance(table, dict) else None
    if not isinstance(data, dict):
        return None, None
    block = data.get("block_size")
    usable = isinstance(block, list) and block and all(
        type(one) is int and 0 < one < 2**31 for one in block
    )  # fmt: skip
    target = data.get("target_dtype")
    word = target.get("_data") if isinstance(target, dict) else None
    width = word.removeprefix("int") if isinstance(word, str) else ""
    return block if usable else None, int(width) if width in ("1", *map(str, range(2, 9))) else None
