"""Weights packed several to a word, with scales beside them: the forms of common quantizers.

Layouts after their writers: AutoGPTQ/GPTQModel (`qweight` along inputs), AutoAWQ (along outputs,
interleaved), bitsandbytes (`quant_state`), OCP microscaling as in transformers' `mxfp4`, ModelOpt
and compressed-tensors. A variant that is not handled raises `UnreadableWeightError`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from famtree.weights.floats import SIZES, decode_floats
from famtree.weights.ggml_blocks import E2M1
from famtree.weights.storage import Floats, Load, Stored, UnreadableWeightError

_AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)
"""Output k of a word of eight lies in nibble AWQ_ORDER.index(k)."""
MAX_STATE = 1 << 16
"""Longest `quant_state` that is parsed, bytes; released ones have about 100."""


@dataclass(frozen=True, slots=True)
class Gptq:
    """`qweight` [inputs * bits / 32, outputs]: words hold consecutive inputs of one output."""

    qweight: Stored
    qzeros: Stored
    scales: Stored
    g_idx: Stored | None
    rows: int
    columns: int
    bits: int
    group: int
    offset: int
    """1 for the original format, which stores zeros less one; 0 for `gptq_v2`."""
    ordered: bool
    """Groups are consecutive inputs; else `g_idx` says which."""
    fast: str = "rows"

    @property
    def kind(self) -> str:
        """Method and bits."""
        return f"gptq-{self.bits}"

    def load(self, rows: Sequence[int], columns: tuple[int, int]) -> Load:
        """Ask for the order of groups where it is not consecutive, then for codes and scales."""
        per = 32 // self.bits
        start, stop = columns[0] // per, -(-columns[1] // per)
        low, high = min(rows) // per * per, max(rows) + 1
        if self.ordered or self.g_idx is None:
            groups = np.arange(*columns) // self.group
        else:
            (order,) = yield [self.g_idx.span(columns[0] * 4, columns[1] * 4)]
            groups = np.frombuffer(order, "<i4")
        if groups.size and not 0 <= groups.min() <= groups.max() < self.scales.shape[0]:
            raise UnreadableWeightError(f"{self.qweight.name}: group index out of range")
        used = np.unique(groups)
        width = SIZES[self.scales.dtype]
        spans = [
            self.qweight.span((line * self.rows + low) * 4, (line * self.rows + high) * 4)
            for line in range(start, stop)
        ]
        spans += [
            self.scales.span((g * self.rows + low) * width, (g * self.rows + high) * width)
            for g in used.tolist()
        ]
        words, first, last = self.rows // per, low // per, -(-high // per)
        spans += [
            self.qzeros.span((g * words + first) * 4, (g * words + last) * 4) for g in used.tolist()
        ]
        parts = yield spans
        lines, count = stop - start, len(used)
        packed = _words(parts[:lines]).reshape(lines, -1)
        codes = _unpack(packed, self.bits).transpose(0, 2, 1).reshape(lines * per, -1)
        codes = codes[columns[0] - start * per :][: columns[1] - columns[0]]
        scale = decode_floats(b"".join(parts[lines : lines + count]), self.scales.dtype)
        zeros = _unpack(_words(parts[lines + count :]).reshape(count, -1), self.bits)
        at = np.searchsorted(used, groups)
        pick = [row - low for row in rows]
        zero = (zeros.reshape(count, -1)[:, pick] + self.offset) & ((1 << self.bits) - 1)
        values = codes[:, pick].astype(np.float32) - zero[at].astype(np.float32)
        return np.ascontiguousarray((values * scale.reshape(count, -1)[:, pick][at]).T)


@dataclass(frozen=True, slots=True)
class Awq:
    """`qweight` [inputs, outputs / 8]: words hold eight outputs of one input, interleaved."""

    qweight: Stored
    qzeros: Stored
    scales: Stored
    rows: int
    columns: int
    group: int
    kind: str = "awq-4"
    fast: str = "rows"

    def load(self, rows: Sequence[int], columns: tuple[int, int]) -> Load:
        """Ask for the words of the needed outputs, their zeros and their scales."""
        words, first, last = self.rows // 8, min(rows) // 8, max(rows) // 8 + 1
        used = range(columns[0] // self.group, (columns[1] - 1) // self.group + 1)
        width = SIZES[self.scales.dtype]
        spans = [
            self.qweight.span((c * words + first) * 4, (c * words + last) * 4)
            for c in range(*columns)
        ]
        spans += [self.qzeros.span((g * words + first) * 4, (g * words + last) * 4) for g in used]
        spans += [
            self.scales.span((g * self.rows + first * 8) * width,
                             (g * self.rows + last * 8) * width)
            for g in used
        ]  # fmt: skip
        parts = yield spans
        lines, count = columns[1] - columns[0], len(used)
        codes = self._outputs(_words(parts[:lines]).reshape(lines, -1))
        zeros = self._outputs(_words(parts[lines : lines + count]).reshape(count, -1))
        scale = decode_floats(b"".join(parts[lines + count :]), self.scales.dtype)
        at = np.arange(*columns) // self.group - used.start
        pick = [row - first * 8 for row in rows]
        values = codes[:, pick] - zeros[at][:, pick]
        return np.ascontiguousarray((values * scale.reshape(count, -1)[at][:, pick]).T)

    @staticmethod
    def _outputs(words: NDArray[np.uint32]) -> Floats:
        nibbles = _unpack(words, 4)
        place = [_AWQ_ORDER.index(k) for k in range(8)]
        return nibbles[:, :, place].reshape(len(words), -1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class BitsAndBytes4:
    """bitsandbytes' NF4 and FP4: two weights a byte of the flat matrix, high nibble first."""

    weight: Stored
    leaves: Mapping[str, Stored]
    rows: int
    columns: int
    kind: str = "bnb-4"
    fast: str = "columns"

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
    """Codes of 4 or 8 bits along rows, with one scale a group of columns.

    `codes` is `int4` (offset binary in 32-bit words, low nibble first) or `e2m1` (two a byte, low
    nibble first). `scale_kind` `exponent` means powers of two (E8M0). Global scales cancel in
    every test and are applied as `factor` only where they are known.
    """

    weight: Stored
    scale: Stored
    rows: int
    columns: int
    group: int
    codes: str
    kind: str
    first: int = 0
    exponent: bool = False
    fast: str = "columns"

    def load(self, rows: Sequence[int], columns: tuple[int, int]) -> Load:
        """Ask for the codes of the window and their scales."""
        start, stop = columns[0] // 8 * 8, -(-columns[1] // 8) * 8
        line, groups = self.columns // 2, self.columns // self.group
        low, high = columns[0] // self.group, (columns[1] - 1) // self.group + 1
        size = 1 if self.exponent else SIZES[self.scale.dtype]
        spans = [
            self.weight.span((self.first + r) * line + start // 2,
                             (self.first + r) * line + min(stop // 2, line))
            for r in rows
        ]  # fmt: skip
        spans += [
            self.scale.span(((self.first + r) * groups + low) * size,
                            ((self.first + r) * groups + high) * size)
            for r in rows
        ]  # fmt: skip
        parts = yield spans
        raw = np.frombuffer(b"".join(parts[: len(rows)]), np.uint8).reshape(len(rows), -1)
        nibbles = np.stack([raw & 15, raw >> 4], axis=2).reshape(len(rows), -1)
        nibbles = nibbles[:, columns[0] - start :][:, : columns[1] - columns[0]]
        values = E2M1[nibbles] if self.codes == "e2m1" else nibbles.astype(np.float32) - 8
        data = b"".join(parts[len(rows) :])
        if self.exponent:
            scale = np.exp2(np.frombuffer(data, np.uint8).astype(np.float32) - 127)
        else:
            scale = decode_floats(data, self.scale.dtype)
        at = np.arange(*columns) // self.group - low
        return np.asarray(values * scale.reshape(len(rows), -1)[:, at], np.float32)


def _words(parts: list[bytes]) -> NDArray[np.uint32]:
    return np.frombuffer(b"".join(parts), "<u4")


def _unpack(words: NDArray[np.uint32], bits: int) -> NDArray[np.int64]:
    """Return the codes of each word, lowest first, on a new last axis."""
    shifts = np.arange(0, 32, bits, dtype=np.uint32)
    return ((words[..., None] >> shifts) & np.uint32((1 << bits) - 1)).astype(np.int64)


def _parse_state(data: bytes, name: str) -> Mapping[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as fault:
        raise UnreadableWeightError(f"{name}: its quantization state is not JSON") from fault
    if not isinstance(found, dict):
        raise UnreadableWeightError(f"{name}: its quantization state is no table")
    return found


def _positive(value: object, name: str) -> int:
    if not isinstance(value, int) or value <= 0:
        raise UnreadableWeightError(f"{name}: its quantization state names no block size")
    return value
