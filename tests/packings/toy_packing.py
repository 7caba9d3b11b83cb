"""A layout nobody writes, whole: 4-bit codes in bytes, high nibble first, one step a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from famtree.packings.packing import Method, Packing, Sign
from famtree.packings.stored import Load, Stored, StoredParts


@dataclass(frozen=True)
class ToyRows:
    """Codes less 7, times the step of the row."""

    codes: Stored
    steps: Stored
    rows: int
    columns: int
    kind: str = "toy-4"
    fast: str = "columns"

    def load(self, rows: Sequence[int], columns: tuple[int, int]) -> Load:
        """Ask for whole rows and their steps."""
        width = self.columns // 2
        spans = self.codes.lines(rows, width, 0, width, 1)
        parts = yield spans + self.steps.lines(rows, 1, 0, 1, 4)
        raw = np.frombuffer(b"".join(parts[: len(rows)]), np.uint8).reshape(len(rows), -1)
        codes = np.stack([raw >> 4, raw & 15], axis=2).reshape(len(rows), -1)
        steps = np.frombuffer(b"".join(parts[len(rows) :]), "<f4")
        found: NDArray[np.float32] = (codes.astype(np.float32) - 7) * steps[:, None]
        return found[:, slice(*columns)]


def read_toy(packing: Packing, parts: StoredParts) -> ToyRows:
    """Return the form of one matrix."""
    codes, steps = packing.find_codes(parts.leaves), packing.find_scale(parts.leaves)
    assert codes is not None
    assert steps is not None
    return ToyRows(codes, steps, codes.shape[0], codes.shape[1] * packing.times)


TOY = Packing(
    "toy-nibbles",
    ("toy",),
    (Sign({"toy_codes": "U8", "toy_steps": "F32"}),),
    values=read_toy,
    bits=4,
    type="int",
    leaf=("toy_codes",),
    scale=("toy_steps",),
    parts=("toy_note",),
    times=2,
)
METHOD = Method(bits=("toy_bits",), format=("toy_format",))


def pack(path: str, values: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """Return what the tool would store for one matrix."""
    steps = (np.abs(values).max(axis=1) / 7).astype(np.float32)
    codes = (np.round(values / steps[:, None]) + 7).astype(np.uint8)
    return {
        f"{path}.toy_codes": codes[:, ::2] << 4 | codes[:, 1::2],
        f"{path}.toy_steps": steps,
        f"{path}.toy_note": np.zeros(3, np.uint8),
    }
