"""Weights of 4 bits along rows: bitsandbytes, ModelOpt, microscaling.

Layouts after their writers: bitsandbytes (`quant_state`), OCP microscaling as in transformers'
`mxfp4`, MLX's and compressed-tensors' MXFP4, ModelOpt's and the latter's NVFP4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from famtree.packings.floats import SIZES, Floats, decode_floats
from famtree.packings.ggml_blocks import E2M1
from famtree.packings.packing import Packing
from famtree.packings.stored import Form, Load, Stored, StoredParts, UnreadableWeightError

MAX_STATE = 1 << 16
"""Longest `quant_state` that is parsed, bytes; released ones have about 100."""


@dataclass(frozen=True, slots=True)
class BitsAndBytes4:
    """bitsandbytes' NF4 and FP4: two weights a byte of the flat matrix, high nibble first."""

    weight: Stored
    leaves: Mapping[str, Stored]
    rows: int
    columns: int
    kind: str = "bnb-4"
    fast: str = "columns"

    @property
    def block(self) -> int | None:
        """Weights a scale, of NF4 whose table is there and whose scales are as many as fit."""
        scale = self.leaves.get("weight.absmax")
        known = any(leaf.endswith("nf4") for leaf in self.leaves) and scale is not None
        if not known or scale is None or "weight.quant_map" not in self.leaves:
            return None
        block, odd = divmod(self.rows * self.columns, scale.nbytes // SIZES.get(scale.dtype, 1))
        return None if odd or block % 2 else block

    def load(self, rows: Sequence[int], columns: tuple[int, int]) -> Load:
        """Ask for the state (block sizes, code values) first, then for codes and scales."""
        named = next((s for leaf, s in self.leaves.items() if "quant_state" in leaf), None)
        codes = self.leaves.get("weight.quant_map")
        scale = self.leaves.get("weight.absmax")
        if named is None or codes is None or scale is None or named.nbytes > MAX_STATE:
            raise UnreadableWeightError(f"{self.weight.name}: its quantization state is not there")
        nested = self.leaves.get("weight.nested_absmax")
        table_of = self.leaves.get("weight.nested_quant_map")
        spans = [named.whole, codes.whole]
        if nested is not None and table_of is not None:
            spans += [nested.whole, table_of.whole]
        fixed = yield spans
        state = _parse_state(fixed[0], self.weight.name)
        block = _positive(state.get("blocksize"), self.weight.name)
        pieces = [(row * self.columns + columns[0], row * self.columns + columns[1])
                  for row in rows]  # fmt: skip
        size = SIZES.get(scale.dtype, 1)
        spans = [self.weight.span(first // 2, -(-last // 2)) for first, last in pieces]
        spans += [
            scale.span(first // block * size, (-(-last // block)) * size) for first, last in pieces
        ]
        parts = yield spans
        table = decode_floats(fixed[1], codes.dtype)
        found = []
        for number, (first, last) in enumerate(pieces):
            raw = np.frombuffer(parts[number], np.uint8)
            nibbles = np.stack([raw >> 4, raw & 15], axis=1).ravel()
            nibbles = nibbles[first % 2 :][: last - first]
            absmax = self._absmax(parts[len(rows) + number], first // block, state, fixed, scale)
            at = np.arange(first, last) // block - first // block
            found.append(table[nibbles] * absmax[at])
        return np.stack(found)

    def _absmax(
        self, data: bytes, first: int, state: Mapping[str, Any], fixed: list[bytes], scale: Stored
    ) -> Floats:
        if scale.dtype in SIZES:
            return decode_floats(data, scale.dtype)
        if len(fixed) < 4:
            raise UnreadableWeightError(f"{self.weight.name}: nested scales are not there")
        outer = decode_floats(fixed[2], self.leaves["weight.nested_absmax"].dtype)
        table = decode_floats(fixed[3], self.leaves["weight.nested_quant_map"].dtype)
        step = _positive(state.get("nested_blocksize"), self.weight.name)
        codes = np.frombuffer(data, np.uint8)
        at = (first + np.arange(len(codes))) // step
        offset = state.get("nested_offset", 0.0)
        if at.max(initial=0) >= len(outer) or not isinstance(offset, int | float):
            raise UnreadableWeightError(f"{self.weight.name}: nested scales do not fit")
        scaled: Floats = table[codes] * outer[at] + np.float32(offset)
        return scaled


@dataclass(frozen=True, slots=True)
class RowPacked:
    """E2M1 codes along rows, low nibble first, with one scale a group of columns.

    `mxfp4` has powers of two for scales (E8M0). Global scales cancel in every test and are left
    out.
    """

    weight: Stored
    scale: Stored
    rows: int
    columns: int
    group: int
    kind: str
    first: int = 0
    fast: str = "columns"

    def load(self, rows: Sequence[int], columns: tuple[int, int]) -> Load:
        """Ask for the codes of the window and their scales."""
        start, stop = columns[0] // 8 * 8, -(-columns[1] // 8) * 8
        line, groups = self.columns // 2, self.columns // self.group
        low, high = columns[0] // self.group, (columns[1] - 1) // self.group + 1
        size = SIZES.get(self.scale.dtype, 1)
        lines = [self.first + row for row in rows]
        spans = self.weight.lines(lines, line, start // 2, min(stop // 2, line), 1)
        spans += self.scale.lines(lines, groups, low, high, size)
        parts = yield spans
        raw = np.frombuffer(b"".join(parts[: len(rows)]), np.uint8).reshape(len(rows), -1)
        nibbles = np.stack([raw & 15, raw >> 4], axis=2).reshape(len(rows), -1)
        nibbles = nibbles[:, columns[0] - start :][:, : columns[1] - columns[0]]
        values = E2M1[nibbles]
        data = b"".join(parts[len(rows) :])
        if self.kind == "mxfp4":
            scale = np.exp2(np.frombuffer(data, np.uint8).astype(np.float32) - 127)
        else:
            scale = decode_floats(data, self.scale.dtype)
        at = np.arange(*columns) // self.group - low
        return np.asarray(values * scale.reshape(len(rows), -1)[:, at], np.float32)


def make_blockwise(_packing: Packing, parts: StoredParts) -> Form:
    """Return the form of bitsandbytes' 4-bit codes, whatever dtype holds their bytes."""
    weight, columns = parts.leaves.get("weight"), parts.inputs
    if weight is None or not columns or weight.nbytes * 2 % columns:
        raise UnreadableWeightError(f"{parts.path}: its width is not known")
    return BitsAndBytes4(weight, parts.leaves, weight.nbytes * 2 // columns, columns)


def make_pairs(packing: Packing, parts: StoredParts) -> Form:
    """Return the form of two E2M1 codes a byte, with an FP8 scale a group."""
    weight, scale = parts.require(packing.leaf[0], packing.scale[0])
    columns = weight.shape[1] * 2
    if weight.dtype != "U8" or scale.dtype != "F8_E4M3" or columns % max(scale.shape[1], 1):
        raise UnreadableWeightError(f"{parts.path}: its scales are not understood")
    group = columns // scale.shape[1]
    return RowPacked(weight, scale, weight.shape[0], columns, group, "nvfp4")


def make_microscaling(packing: Packing, parts: StoredParts) -> Form:
    """Return the form of E2M1 codes, however wide their elements, with a power of two for 32."""
    weight, scale = parts.require(packing.leaf[0], packing.scale[0])
    columns = weight.nbytes * 2 // weight.shape[0] if weight.shape[0] else 0
    if scale.dtype not in ("U8", "F8_E8M0") or scale.shape != (weight.shape[0], columns // 32):
        raise UnreadableWeightError(f"{parts.path}: its scales are not understood")
    return RowPacked(weight, scale, weight.shape[0], columns, 32, "mxfp4")


def make_experts(_packing: Packing, parts: StoredParts) -> Form:
    """Return the form of one of fused experts in MXFP4: blocks [experts, N, K/32, 16]."""
    blocks, scales = parts.leaves["blocks"], parts.leaves.get("scales")
    shape = blocks.shape
    if len(shape) != 4 or scales is None or scales.shape != shape[:3] or scales.dtype != "U8":
        raise UnreadableWeightError(f"{parts.path}: its blocks are not understood")
    group = shape[3] * 2
    first = parts.expert * shape[1]
    return RowPacked(blocks, scales, shape[1], shape[2] * group, group, "mxfp4", first)


def _parse_state(data: bytes, name: str) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, RecursionError) as fault:
        raise UnreadableWeightError(f"{name}: its quantization state is no JSON table") from fault


def _positive(value: object, name: str) -> int:
    if not isinstance(value, int) or value <= 0:
        raise UnreadableWeightError(f"{name}: its quantization state names no block size")
    return value
