"""From the stored parts of one module to the form its weights are read by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from famtree.weights.floats import SIZES
from famtree.weights.packed import Awq, BitsAndBytes4, Gptq, RowPacked
from famtree.weights.storage import (
    Form,
    Plain,
    Stored,
    Transposed,
    UnreadableWeightError,
    make_plain,
)

if TYPE_CHECKING:
    from famtree.fingerprints.tensor_names import Module
    from famtree.weights.open import Weights

_SCALES = ("weight_scale_inv", "weight_scale", "SCB", "scale_inv", "scale", "weight_scales")
_PACKED_WIDTHS = frozenset({2, 3, 4, 8})
_FLOATS = frozenset({"F64", "F32", "F16", "BF16"})


def make_form(weights: Weights, module: Module, inputs: int | None, *, expert: int = 0) -> Form:
    """Return how to read `module`, a matrix of outputs x `inputs`; of fused experts, one.

    `inputs` None takes the width the shape shows. Raises UnreadableWeightError.
    """
    leaves = {leaf: store(weights, info.name) for leaf, info in module.leaves.items()
              if info is not None}  # fmt: skip
    if "qweight" in leaves:
        return _gptq_or_awq(weights, module, leaves)
    if "weight_packed" in leaves:
        return _compressed(module.path, leaves, inputs)
    if "blocks" in leaves and "scales" in leaves:
        return _microscaling(module.path, leaves, expert)
    weight = leaves.get("weight", leaves.get(""))
    if weight is None:
        raise UnreadableWeightError(f"{module.path} is stored as {', '.join(sorted(leaves))[:80]}")
    if weight.dtype == "U8":
        return _bytes(module.path, weight, leaves, inputs)
    if weight.dtype == "U32":
        raise UnreadableWeightError(f"{module.path}: weights packed for MLX are not read")
    shape = weight.shape
    if len(shape) == 3:
        if inputs is not None and shape[2] != inputs:
            raise UnreadableWeightError(f"{module.path}: experts stored inputs first are not read")
        return make_plain(weight, rows=shape[1], columns=shape[2], first=expert * shape[1])
    if len(shape) != 2:
        raise UnreadableWeightError(f"{module.path} has {len(shape)} dimensions")
    if is_transposed(weights) and weight.dtype in _FLOATS and module.block is not None:
        return Transposed(weight, rows=shape[1], columns=shape[0])
    scale = next((leaves[leaf] for leaf in _SCALES if leaf in leaves), None)
    if weight.dtype in SIZES and weight.dtype not in _FLOATS:
        return _scaled(weight, scale, "SCB" in leaves)
    return make_plain(weight, rows=shape[0], columns=shape[1])


def store(weights: Weights, name: str) -> Stored:
    """Return where the tensor `name` lies in its file, once its header was read."""
    info = weights.tensors[name]
    start = weights.data_start[info.file] + info.begin
    return Stored(name, info.file, start, info.dtype, info.shape, info.nbytes)


def is_transposed(weights: Weights) -> bool:
    """Return whether block matrices are stored inputs x outputs, as `Conv1D` modules are.

    The fused and the wide matrix are not square, so their shape tells.
    """
    main, hidden = weights.layout.main, weights.hidden
    if main is None or weights.format != "safetensors":
        return False
    for module in main.of("qkv", "wide"):
        weight = module.leaves.get("weight")
        if weight is not None and len(weight.shape) == 2 and weight.shape[0] != weight.shape[1]:
            return weight.shape[0] == hidden
    return False


def _scaled(weight: Stored, scale: Stored | None, by_127: bool) -> Form:
    rows, columns = weight.shape
    if scale is None:
        if weight.dtype == "I8":
            raise UnreadableWeightError(f"{weight.name}: integers without a scale")
        return Plain(weight, rows, columns)
    if scale.dtype not in SIZES or scale.dtype == "I8":
        raise UnreadableWeightError(f"{scale.name}: scales of type {scale.dtype} are not read")
    count = scale.nbytes // SIZES[scale.dtype]
    if count in (1, rows):
        divisor = 127.0 if by_127 else 1.0
        return Plain(weight, rows, columns, scale=scale, divisor=divisor)
    if len(scale.shape) == 2 and scale.shape[0] and scale.shape[1]:
        # Blocks need not divide the matrix; released ones are square powers of two.
        for side in (128, 64, 32, 16):
            if scale.shape == (-(-rows // side), -(-columns // side)):
                return Plain(weight, rows, columns, scale=scale, block=(side, side))
        width, odd = divmod(columns, scale.shape[1])
        if scale.shape[0] == rows and not odd:
            return Plain(weight, rows, columns, scale=scale, block=(1, width))
    raise UnreadableWeightError(f"{scale.name}: scales of shape {scale.shape} are not understood")


def _gptq_or_awq(weights: Weights, module: Module, leaves: Mapping[str, Stored]) -> Form:
    qweight, scales, qzeros = leaves["qweight"], leaves.get("scales"), leaves.get("qzeros")
    if scales is None or qzeros is None or len(scales.shape) != 2 or len(qzeros.shape) != 2:
        raise UnreadableWeightError(f"{module.path}: scales or zeros are missing")
    # The zeros of one group fill 32-bit words as the weights do.
    bits, odd = divmod(32 * qzeros.shape[1], max(scales.shape[1], 1))
    if odd or bits not in _PACKED_WIDTHS:
        raise UnreadableWeightError(f"{module.path}: zeros and scales do not fit each other")
    stated = weights.config.get("quantization_config")
    stated = stated if isinstance(stated, dict) else {}
    groups, rows = scales.shape
    if qweight.shape[1] == rows:
        if 32 % bits:
            raise UnreadableWeightError(f"{module.path}: GPTQ of {bits} bits is not read")
        columns = qweight.shape[0] * 32 // bits
        second = stated.get("checkpoint_format") == "gptq_v2"
        size = _group_size(stated, columns, groups)
        if size is None and "g_idx" not in leaves:
            raise UnreadableWeightError(f"{module.path}: the size of its groups is not known")
        return Gptq(
            qweight, qzeros, scales, leaves.get("g_idx"), rows, columns, bits,
            group=size or columns,
            offset=0 if second else 1,
            ordered=size is not None
            and (stated.get("desc_act") is False or "g_idx" not in leaves),
        )  # fmt: skip
    if bits != 4 or qweight.shape[1] * 8 != rows:
        raise UnreadableWeightError(f"{module.path}: AWQ of {bits} bits is not read")
    columns = qweight.shape[0]
    size = _group_size(stated, columns, groups)
    if size is None:
        raise UnreadableWeightError(f"{module.path}: the size of its groups is not known")
    return Awq(qweight, qzeros, scales, rows, columns, size)


def _group_size(stated: Mapping[str, object], columns: int, groups: int) -> int | None:
    """Return how many inputs share a scale; the last group may hold fewer.

    The config's `group_size` counts where it gives as many groups as there are scales; else the
    inputs have to be shared out evenly. None where neither says it.
    """
    size = stated.get("group_size")
    if isinstance(size, int) and size > 0 and -(-columns // size) == groups:
        return size
    return columns // groups if groups and columns % groups == 0 else None


def _compressed(path: str, leaves: Mapping[str, Stored], inputs: int | None) -> Form:
    packed, scale = leaves["weight_packed"], leaves.get("weight_scale")
    if scale is None or len(packed.shape) != 2 or len(scale.shape) != 2:
        raise UnreadableWeightError(f"{path}: scales are missing")
    rows = packed.shape[0]
    if packed.dtype == "U8":
        return _pairs(path, packed, scale, "nvfp4")
    if "weight_zero_point" in leaves or "weight_g_idx" in leaves:
        raise UnreadableWeightError(f"{path}: packed weights with zero points are not read")
    columns = packed.shape[1] * 8
    if packed.dtype != "I32" or columns != (inputs or columns) or columns % scale.shape[1]:
        raise UnreadableWeightError(f"{path}: packed weights of other than 4 bits are not read")
    return RowPacked(packed, scale, rows, columns, columns // scale.shape[1], "int4", "int4")


def _pairs(path: str, weight: Stored, scale: Stored, kind: str) -> Form:
    columns = weight.shape[1] * 2
    if scale.dtype != "F8_E4M3" or len(scale.shape) != 2 or columns % max(scale.shape[1], 1):
        raise UnreadableWeightError(f"{path}: its scales are not understood")
    group = columns // scale.shape[1]
    return RowPacked(weight, scale, weight.shape[0], columns, group, "e2m1", kind)


def _microscaling(path: str, leaves: Mapping[str, Stored], expert: int) -> Form:
    blocks, scales = leaves["blocks"], leaves["scales"]
    shape = blocks.shape
    if len(shape) != 4 or scales.shape != shape[:3] or scales.dtype != "U8":
        raise UnreadableWeightError(f"{path}: its blocks are not understood")
    group = shape[3] * 2
    return RowPacked(blocks, scales, shape[1], shape[2] * group, group, "e2m1", "mxfp4",
                     first=expert * shape[1], exponent=True)  # fmt: skip


def _bytes(path: str, weight: Stored, leaves: Mapping[str, Stored], inputs: int | None) -> Form:
    if any("quant_state" in leaf for leaf in leaves):
        if not inputs or weight.nbytes * 2 % inputs:
            raise UnreadableWeightError(f"{path}: its width is not known")
        return BitsAndBytes4(weight, leaves, weight.nbytes * 2 // inputs, inputs)
    scale = leaves.get("weight_scale")
    if "weight_scale_2" in leaves and scale is not None and len(weight.shape) == 2:
        return _pairs(path, weight, scale, "nvfp4")
    raise UnreadableWeightError(f"{path}: bytes of an unknown packing")
