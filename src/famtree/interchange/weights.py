"""How many bytes the weights of a checkpoint take, from the best witness there is.

Tensor headers are exact. The listed sizes of the weight files are that and the headers, less than
a thousandth more. Where neither is known the size is worked out of the parameters, and errs
upwards: what is quantized has scales, and embeddings and what a declaration leaves out do not
shrink.
"""

from __future__ import annotations

from math import ceil
from typing import Literal

from msgspec import Struct

from famtree.interchange.side import Side
from famtree.types.quantization import Quantization

_TYPE_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "fp32": 4, "bf16": 2}
"""Bytes of the dtype words of config.json."""
ASSUMED = 2
"""Bytes a weight where no dtype is stated; nearly all released checkpoints have 16-bit floats."""
SMALLEST_GROUP = 32
"""Weights that share a scale where nothing tells how many: as few as in any common layout."""
SCALE_BITS = {"mxfp4": 8, "mxfp8": 8, "nvfp4": 8}
"""Bits of a scale by method or scheme; 16 of a scale and as many of a zero point elsewhere."""
MARGIN = 1.02
"""What an estimate is raised by for biases, norms and what else no formula sees."""
_ATTENTION = ("attn", "attention")

WeightsSource = Literal["files", "headers", "estimate"]


class WeightSize(Struct, frozen=True):
    """Bytes of all weights, and what they were read from."""

    bytes: int
    source: WeightsSource
    how: str
    """Completes `weights of 16.06 GB (...)`."""

    @property
    def exact(self) -> bool:
        """Whether it was read and not worked out."""
        return self.source != "estimate"


def measure_weights(side: Side) -> WeightSize | None:
    """Return the size of the weights as stored, or None where nothing tells it."""
    index = side.index
    if index.complete and index.tensors and not side.missing_files:
        total = sum(tensor.nbytes for tensor in index.tensors.values())
        if total:
            return WeightSize(total, "headers", "from the tensor headers")
    sizes = [entry.size for entry in side.weight_files]
    known = [size for size in sizes if size]
    if known and len(known) == len(sizes) and not side.missing_files:
        return WeightSize(sum(known), "files", "sizes of its files")
    if index.total_size and index.total_size > 0:
        return WeightSize(index.total_size, "headers", "total of the index file")
    return _estimate(side)


def _estimate(side: Side) -> WeightSize | None:
    parameters = side.identification.parameters
    if not parameters:
        return None
    found = side.identification.quantization
    if found is not None:
        return _estimate_quantized(side, found, parameters)
    stated = (side.recipe.dtype or "").removeprefix("torch.")
    width = _TYPE_BYTES.get(stated, ASSUMED)
    note = stated if stated in _TYPE_BYTES else "16 bits, assumed"
    return WeightSize(parameters * width, "estimate", f"estimate: parameters x {note}")


def _estimate_quantized(side: Side, found: Quantization, parameters: int) -> WeightSize | None:
    if found.effective_bits_per_weight:
        width = found.effective_bits_per_weight
        size = ceil(parameters * width / 8)
        return WeightSize(size, "estimate", f"estimate: parameters x {width:g} bits")
    if not found.bits:
        return None
    width = min(16.0, found.bits + _scale_bits(found))
    plain = min(parameters, _count_plain(side, found))
    size = ceil(((parameters - plain) * width + plain * 16) / 8 * MARGIN)
    told = f"estimate: parameters x {found.bits:g} bits with scales, the rest in 16"
    return WeightSize(size, "estimate", told)


def _scale_bits(found: Quantization) -> float:
    """Return the bits a weight that its share of scale and zero point takes."""
    if found.block_shape:
        rows, columns = found.block_shape
        return 32 / max(1, rows * columns)
    word = (found.scheme or "").lower()
    own = SCALE_BITS.get(found.method) or SCALE_BITS.get(word)
    if found.granularity in ("tensor", "channel") or found.group_size == -1:
        return 0.05
    group = found.group_size if found.group_size and found.group_size > 0 else None
    if group is None and found.bits is not None and found.bits >= 8 and own is None:
        return 0.05  # one scale a tensor or row
    return (own or 32) / (group or SMALLEST_GROUP)


def _count_plain(side: Side, found: Quantization) -> int:
    """Return how many parameters stay as they are: embeddings, head, and ignored attention."""
    a = side.architecture
    rows, hidden = a.vocab_rows or 0, a.hidden_size or 0
    plain = rows * hidden * (1 if a.tied else 2)
    if any(word in path for path in found.ignored for word in _ATTENTION):
        heads, kv, width = a.heads or 0, a.kv_heads or a.heads or 0, a.head_dim or 0
        plain += (a.layers or 0) * hidden * width * 2 * (heads + kv)
    return plain
