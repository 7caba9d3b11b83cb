"""How many bytes the weights of a checkpoint take, from the best witness there is."""

from __future__ import annotations

from math import ceil

from msgspec import Struct

from famtree.interchange.side import Side

_TYPE_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "fp32": 4, "bf16": 2}
"""Bytes of the dtype words of config.json."""
ASSUMED = 2
"""Bytes a weight where no dtype is stated; nearly all released checkpoints have 16-bit floats."""


class WeightSize(Struct, frozen=True):
    """Bytes of all weights, and what they were read from."""

    bytes: int
    exact: bool
    how: str
    """Completes `weights of 16.06 GB (...)`."""


def measure_weights(side: Side) -> WeightSize | None:
    """Return the size of the weights as stored, or None where nothing tells it."""
    index = side.index
    if index.complete and index.tensors:
        total = sum(tensor.nbytes for tensor in index.tensors.values())
        return WeightSize(total, exact=True, how="from the tensor headers")
    if index.total_size:
        return WeightSize(index.total_size, exact=True, how="total of the index file")
    parameters = side.identification.parameters
    if not parameters:
        return None
    quantization = side.identification.quantization
    if quantization is not None:
        width = quantization.effective_bits_per_weight or quantization.bits
        if width is None:
            return None
        size = ceil(parameters * width / 8)
        return WeightSize(size, exact=False, how=f"parameters x {width:g} bits, scales not counted")
    stated = (side.recipe.dtype or "").removeprefix("torch.")
    width = _TYPE_BYTES.get(stated, ASSUMED)
    note = stated if stated in _TYPE_BYTES else "16 bits, assumed"
    return WeightSize(parameters * int(width), exact=False, how=f"parameters x {note}")
