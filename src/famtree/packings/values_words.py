"""GPTQ and AWQ: eight 4-bit weights (or sixteen, or four) to a 32-bit word, zeros beside them.

Layouts after their writers: AutoGPTQ/GPTQModel (`qweight` along inputs) and AutoAWQ (along
outputs, interleaved).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from famtree.packings.floats import SIZES, decode_floats
from famtree.packings.packing import Packing
from famtree.packings.stored import Form, Load, Stored, StoredParts, UnreadableWeightError

_AWQ_PLACES = (0, 4, 1, 5, 2, 6, 3, 7)
"""Nibble of each of a word's eight outputs."""


@dataclass(frozen=True, slots=True)
class Words:
    """32-bit words of consecutive inputs (GPTQ) or outputs (AWQ), zeros always along outputs."""

    qweight: Stored
    """[inputs * bits / 32, outputs], or [inputs, outputs * bits / 32]."""
    qzeros: Stored
    scales: Stored
    """[groups, outputs]."""
    rows: int
    columns: int
    group: int
    kind: str
    bits: int = 4
    order: Stored | None = None
    """Group of each input, where they are not consecutive."""
    offset: int = 0
    """Added to stored zeros: 1 for GPTQ's original format."""
    places: tuple[int, ...] | None = None
    """Where a word has its outputs, for words along outputs."""
    fast: str = "rows"

    def load(self, rows: Sequence[int], columns: tuple[int, int]) -> Load:
        """Ask for the order of groups where it is stored, then for codes, scales and zeros."""
        per, start = 32 // self.bits, columns[0]
        low, high = min(rows) // per * per, max(rows) + 1
        groups = np.arange(*columns) // self.group
        if self.order is not None:
            (order,) = yield [self.order.span(columns[0] * 4, columns[1] * 4)]
            groups = np.frombuffer(order, "<i4")
        if groups.size and not 0 <= groups.min() <= groups.max() < self.scales.shape[0]:
            raise UnreadableWeightError(f"{self.qweight.name}: group index out of range")
        used = np.unique(groups)
        zeros = self.qzeros.lines(used, self.rows // per, low // per, -(-high // per), 4)
        if self.places is None:
            start = columns[0] // per * per
            lines = range(start // per, -(-columns[1] // per))
            codes = self.qweight.lines(lines, self.rows, low, high, 4)
        else:
            codes = self.qweight.lines(
                range(*columns), self.rows // per, low // per, -(-high // per), 4
            )
        scales = self.scales.lines(used, self.rows, low, high, SIZES[self.scales.dtype])
        parts = yield [*codes, *scales, *zeros]
        count, last = len(codes), len(codes) + len(scales)
        values = self._unpack(parts[:count], along_outputs=self.places is not None)
        zero = self._unpack(parts[last:], along_outputs=True) + self.offset & (1 << self.bits) - 1
        scale = decode_floats(b"".join(parts[count:last]), self.scales.dtype).reshape(len(used), -1)
        at, pick = np.searchsorted(used, groups), [row - low for row in rows]
        values = values[columns[0] - start :][: len(groups), pick].astype(np.float32)
        shifted = values - zero[:, pick][at].astype(np.float32)
        return np.ascontiguousarray((shifted * scale[:, pick][at]).T)

    def _unpack(self, parts: list[bytes], *, along_outputs: bool) -> NDArray[np.int64]:
        """Return the codes of words, lowest first, one line a row of words."""
        words = np.frombuffer(b"".join(parts), "<u4").reshape(len(parts), -1)
        shifts = np.arange(0, 32, self.bits, dtype=np.uint32)
        codes = (words[..., None] >> shifts) & np.uint32((1 << self.bits) - 1)
        if not along_outputs:
            return codes.transpose(0, 2, 1).reshape(len(parts) * len(shifts), -1).astype(np.int64)
        ordered = codes if self.places is None else codes[..., list(self.places)]
        return ordered.reshape(len(parts), -1).astype(np.int64)


def make_gptq(_packing: Packing, parts: StoredParts) -> Form:
    """Return the form of GPTQ; raises UnreadableWeightError for widths that cross words."""
    qweight, scales, qzeros = _require(parts)
    bits, (groups, rows) = parts.unpacked.bits, scales.shape
    if bits not in (2, 4, 8) or qweight.shape[1] != rows:
        raise UnreadableWeightError(f"{parts.path}: GPTQ of {bits} bits is not read")
    columns = qweight.shape[0] * 32 // int(bits)
    size, order = _find_group_size(parts, columns, groups), parts.leaves.get("g_idx")
    if size is None and order is None:
        raise UnreadableWeightError(f"{parts.path}: the size of its groups is not known")
    ordered = size is not None and (parts.act_order is False or order is None)
    return Words(
        qweight, qzeros, scales, rows, columns, size or columns, f"gptq-{bits}", int(bits),
        order=None if ordered else order, offset=0 if parts.format == "gptq_v2" else 1,
    )  # fmt: skip


def make_awq(_packing: Packing, parts: StoredParts) -> Form:
    """Return the form of AWQ's usual layout (`gemm`)."""
    qweight, scales, qzeros = _require(parts)
    columns, (groups, rows) = qweight.shape[0], scales.shape
    if parts.unpacked.bits != 4:
        raise UnreadableWeightError(f"{parts.path}: AWQ of {parts.unpacked.bits} bits is not read")
    size = _find_group_size(parts, columns, groups)
    if size is None:
        raise UnreadableWeightError(f"{parts.path}: the size of its groups is not known")
    return Words(qweight, qzeros, scales, rows, columns, size, "awq-4", places=_AWQ_PLACES)


def _require(parts: StoredParts) -> list[Stored]:
    """Return codes, scales and zeros; the zeros of one group fill words as the weights do."""
    found = parts.require("qweight", "scales", "qzeros")
    if 32 * found[2].shape[1] != found[1].shape[1] * (parts.unpacked.bits or 0):
        raise UnreadableWeightError(f"{parts.path}: zeros and scales do not fit each other")
    return found


def _find_group_size(parts: StoredParts, columns: int, groups: int) -> int | None:
    """Return how many inputs share a scale; the last group may hold fewer.

    What is declared counts where it gives as many groups as there are scales; else the inputs
    have to be shared out evenly. None where neither says it.
    """
    size = parts.group_size
    if size and -(-columns // size) == groups:
        return size
    return columns // groups if groups and columns % groups == 0 else None
