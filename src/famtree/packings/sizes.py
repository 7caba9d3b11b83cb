"""Terms in which the size of a packed module is told, and what shares a scale.

N are output rows, K inputs, g weights a scale, b bits a weight.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from msgspec import Struct

from famtree.types.checkpoint import TensorInfo
from famtree.types.quantization import Granularity

Leaves = Mapping[str, TensorInfo | None]
"""Stored parts of one module by leaf name; None where only the name is known."""
FLOATS = frozenset({"F16", "BF16", "F32", "F64"})
"""Dtypes of plain weights."""
WIDTHS = (2, 3, 4, 5, 6, 8)
"""Bits a weight of integer layouts."""
GROUPS = (8, 16, 32, 64, 128, 256, 512, 1024)
_BLOCKS = (16, 32, 64, 128, 256, 512)
TYPES = {
    "F8_E4M3": "e4m3", "F8_E4M3FNUZ": "e4m3", "F8_E5M2": "e5m2", "F8_E5M2FNUZ": "e5m2",
    "I8": "int", "U8": "int",
}  # fmt: skip


class Hints(Struct, frozen=True):
    """What is known from elsewhere about one module."""

    inputs: int | None = None
    """K, where the module's place in the model tells it."""
    groups: Collection[int] = ()
    """Group sizes that other modules have, or that are declared for this one."""
    bits: Collection[float] = ()
    """The same for bits."""
    note: str | None = None
    """What the header's metadata says of the module (torchao)."""


NO_HINTS = Hints()


class Unpacked(Struct, frozen=True):
    """Logical size of one module's weight; None where it cannot be told."""

    weights: int | None = None
    bits: float | None = None
    group_size: int | None = None
    granularity: Granularity | None = None
    block: tuple[int, int] | None = None
    type: str | None = None


def dimension(tensor: TensorInfo | None, place: int) -> int | None:
    """Return one size of a tensor, None where it has no such dimension or was not read."""
    if tensor is None or not -len(tensor.shape) <= place < len(tensor.shape):
        return None
    return tensor.shape[place]


def find_shared(
    shape: list[int], scale: TensorInfo | None
) -> tuple[Granularity | None, int | None, tuple[int, int] | None]:
    """Return what shares a scale: granularity, group size, block."""
    if scale is None or not shape or scale.numel == 0:
        return None, None, None
    sizes = list(scale.shape)
    if len(sizes) == 4 and len(shape) == 2 and sizes[1] == sizes[3] == 1:
        sizes = [sizes[0], sizes[2]]  # ModelOpt keeps the blocks' own dimensions
    experts = shape[0] if len(shape) > 2 else 1
    if math.prod(sizes) == experts or math.prod(sizes) == 1:
        return "tensor", None, None
    rows, columns = shape[-2] if len(shape) > 1 else 1, shape[-1]
    if len(sizes) == 1:
        return ("channel", None, None) if sizes[0] in (rows, columns) else (None, None, None)
    high, wide = sizes[-2], sizes[-1]
    if (high, wide) in ((rows, 1), (1, columns)):
        return "channel", None, None
    if high == rows and columns % wide == 0:
        return "group", columns // wide, None
    block = _block(rows, high), _block(columns, wide)
    if block[0] and block[1]:
        return "block", None, (block[0], block[1])
    return None, None, None


def _block(size: int, count: int) -> int | None:
    """Return the smallest usual block that covers `size` in `count` pieces."""
    return next((one for one in _BLOCKS if -(-size // one) == count), None)
