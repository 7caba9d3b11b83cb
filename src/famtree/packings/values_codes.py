"""Whole-number codes of any width along rows: compressed-tensors with zero points, MLX, HQQ.

Layouts after their writers: compressed-tensors' `pack_to_int32` (zero points packed along outputs),
MLX's `quantize` (affine: codes times scale plus bias, bits of a row in one stream), HQQ's
`BitPack` (runs of a flat matrix, of which parts that lie far apart share bytes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from famtree.packings.floats import SIZES, Floats, decode_floats
from famtree.packings.packing import Packing
from famtree.packings.sizes import FLOATS
from famtree.packings.stored import Form, Load, Stored, StoredParts, UnreadableWeightError


@dataclass(frozen=True, slots=True)
class RowCodes:
    """Codes that follow each other bit by bit along a row, low bits first."""

    weight: Stored
    scale: Stored
    rows: int
    columns: int
    group: int
    bits: int
    kind: str
    shift: Stored | None = None
    """Packed zero points of eight (32 / bits) rows a word, or biases shaped as the scales."""
    fast: str = "columns"

    def load(self, rows: Sequence[int], columns: tuple[int, int]) -> Load:
        """Ask for the codes of the window, their scales, and zero points or biases."""
        start, stop = columns[0] // 8 * 8, min(-(-columns[1] // 8) * 8, self.columns)
        line, groups = self.columns * self.bits // 8, self.columns // self.group
        low, high = columns[0] // self.group, (columns[1] - 1) // self.group + 1
        spans = self.weight.lines(rows, line, start * self.bits // 8, stop * self.bits // 8, 1)
        size = SIZES[self.scale.dtype]
        spans += self.scale.lines(rows, groups, low, high, size)
        per = 32 // self.bits
        biased = self.shift is not None and self.shift.dtype in FLOATS
        if self.shift is not None and biased:
            spans += self.shift.lines(rows, groups, low, high, SIZES[self.shift.dtype])
        elif self.shift is not None:
            spans += self.shift.lines([row // per for row in rows], groups, low, high, 4)
        parts, count = (yield spans), len(rows)
        at = np.arange(*columns) // self.group - low
        codes = unpack_stream(b"".join(parts[:count]), count, self.bits)
        values = codes[:, columns[0] - start :][:, : columns[1] - columns[0]].astype(np.float32)
        data = b"".join(parts[count : 2 * count])
        scale = decode_floats(data, self.scale.dtype).reshape(count, -1)[:, at]
        rest = b"".join(parts[2 * count :])
        if self.shift is None:
            return np.asarray((values - (1 << self.bits - 1)) * scale, np.float32)
        if biased:
            bias = decode_floats(rest, self.shift.dtype).reshape(count, -1)[:, at]
            return np.asarray(values * scale + bias, np.float32)
        words = np.frombuffer(rest, "<u4").reshape(count, -1)
        shifts = np.array([row % per * self.bits for row in rows], np.uint32)[:, None]
        zeros = (words >> shifts) & np.uint32((1 << self.bits) - 1)
        return np.asarray((values - zeros[:, at].astype(np.float32)) * scale, np.float32)


@dataclass(frozen=True, slots=True)
class Runs:
    """HQQ along axis 1: a flat matrix in runs; the first part of them has the high bits."""

    weight: Stored
    """[runs * bits / 8, group]."""
    scale: Stored
    zero: Stored
    rows: int
    columns: int
    group: int
    bits: int
    kind: str
    fast: str = "columns"

    def load(self, rows: Sequence[int], columns: tuple[int, int]) -> Load:
        """Ask for every run of the window with its scale and zero."""
        low, high = columns[0] // self.group, (columns[1] - 1) // self.group + 1
        each = self.columns // self.group
        runs = [row * each + run for row in rows for run in range(low, high)]
        packed = self.weight.shape[0]
        spans = self.weight.lines([r % packed for r in runs], self.group, 0, self.group, 1)
        for part in (self.scale, self.zero):
            spans += part.lines(runs, 1, 0, 1, SIZES[part.dtype])
        parts, count = (yield spans), len(runs)
        data = np.frombuffer(b"".join(parts[:count]), np.uint8).reshape(count, self.group)
        places = np.array([8 - self.bits * (1 + run // packed) for run in runs], np.uint8)
        codes = (data >> places[:, None]) & np.uint8((1 << self.bits) - 1)
        scale = decode_floats(b"".join(parts[count : 2 * count]), self.scale.dtype)
        zero = decode_floats(b"".join(parts[2 * count :]), self.zero.dtype)
        values = (codes.astype(np.float32) - zero[:, None]) * scale[:, None]
        window: Floats = values.reshape(len(rows), -1)[:, columns[0] - low * self.group :]
        return window[:, : columns[1] - columns[0]]


def unpack_stream(data: bytes, rows: int, bits: int) -> NDArray[np.uint8]:
    """Return codes of `bits` bits, which follow each other in rows of whole bytes."""
    stream = np.unpackbits(np.frombuffer(data, np.uint8).reshape(rows, -1), axis=1,
                           bitorder="little")  # fmt: skip
    places = (1 << np.arange(bits)).astype(np.uint8)
    return np.asarray((stream.reshape(rows, -1, bits) * places).sum(axis=2), np.uint8)


def make_row_codes(packing: Packing, parts: StoredParts) -> Form:
    """Return the form of codes along rows, with zero points, with biases, or with neither."""
    weight, scale = parts.require(packing.leaf[0], packing.scale[0])
    bits, shift = parts.unpacked.bits, parts.leaves.get(packing.shift)
    if "weight_g_idx" in parts.leaves or bits not in (2, 3, 4, 5, 6, 8):
        raise UnreadableWeightError(f"{parts.path}: {bits or 'unknown'} bits a weight are not read")
    rows, groups, width = weight.shape[0], scale.shape[1], int(bits)
    columns, odd = divmod(weight.shape[1] * 32, width)
    if packing.shift == "biases" and shift is None:
        raise UnreadableWeightError(f"{parts.path}: its biases are not there")
    if weight.dtype not in ("I32", "U32") or odd or columns % max(groups, 1):
        raise UnreadableWeightError(f"{parts.path}: its words are not understood")
    wanted = scale.shape if packing.shift == "biases" else (-(-rows * width // 32), groups)
    if shift is not None and shift.shape != wanted:
        raise UnreadableWeightError(f"{parts.path}: zeros and scales do not fit each other")
    if shift is None and 32 % width:
        raise UnreadableWeightError(f"{parts.path}: {width} bits a weight are not read")
    kind = f"{packing.name}-{width}"
    return RowCodes(weight, scale, rows, columns, columns // groups, width, kind, shift)


def make_runs(_packing: Packing, parts: StoredParts) -> Form:
    """Return the form of HQQ's runs, where each is a piece of a row."""
    codes, scale, zero = parts.require("W_q", "scale", "zero")
    bits, group, columns = parts.unpacked.bits, parts.unpacked.group_size, parts.inputs
    if scale.shape[-1] != 1 or zero.shape != scale.shape or zero.dtype not in FLOATS:
        raise UnreadableWeightError(f"{parts.path}: HQQ's runs along columns are not read")
    if bits not in (2, 4, 8) or not group or not columns or columns % group:
        raise UnreadableWeightError(f"{parts.path}: HQQ of {bits} bits is not read")
    if codes.dtype != "U8" or codes.shape != (scale.shape[0] * int(bits) // 8, group):
        raise UnreadableWeightError(f"{parts.path}: its runs do not fit its scales")
    rows = scale.shape[0] * group // columns
    return Runs(codes, scale, zero, rows, columns, group, int(bits), f"hqq-{bits}")
