"""How many weights a module really has, however they are packed.

Quantized weights are stored as integers that hold several weights each, with scales beside them.
The layouts are those of transformers' quantizers, compressed-tensors, ModelOpt, MLX and
exllamav3; what cannot be told from dtypes and shapes alone stays None.
"""

from __future__ import annotations

from collections.abc import Iterable

from famtree.fingerprints.tensor_names import Leaves, Module
from famtree.types.checkpoint import TensorInfo

FLOATS = frozenset({"F16", "BF16", "F32", "F64"})
BYTES = frozenset({"I8", "F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ"})
_BITS = (2, 3, 4, 5, 6, 8)
_GROUPS = (16, 32, 64, 128, 256, 512, 1024)


def logical_numel(leaves: Leaves, group_size: int | None = None) -> int | None:
    """Return the number of weights (bias not counted) a module has, or None.

    `group_size` is that of `find_group_size`, for layouts whose bits a module alone does not show.
    """
    if "lora_A" in leaves:
        low, high = leaves["lora_A"], leaves.get("lora_B")
        return low.shape[-1] * high.shape[0] if _matrix(low) and _matrix(high) else None  # type: ignore[union-attr]
    if "qweight" in leaves:
        return _gptq_or_awq(leaves)
    if "blocks" in leaves:
        return _times(leaves["blocks"], 2)
    if "trellis" in leaves:
        trellis = leaves["trellis"]
        if trellis is None or len(trellis.shape) != 3:
            return None
        return trellis.shape[0] * 16 * trellis.shape[1] * 16
    if "weight_packed" in leaves:
        packed = leaves["weight_packed"]
        if packed is None:
            return None
        if packed.dtype == "U8":
            return packed.numel * 2
        return _by_group(packed, leaves.get("weight_scale"), group_size)
    weight = leaves.get("weight", leaves.get(""))
    if weight is None:
        return None
    return _plain(weight, leaves, group_size)


def _plain(weight: TensorInfo, leaves: Leaves, group_size: int | None) -> int | None:
    if weight.dtype in FLOATS or weight.dtype in ("F4", "F6_E2M3", "F6_E3M2"):
        return weight.numel
    if weight.dtype in BYTES:
        scaled = any("scale" in leaf or leaf == "SCB" for leaf in leaves)
        return weight.numel if scaled or weight.dtype != "I8" else None
    if weight.dtype == "U32" and "scales" in leaves:
        return _by_group(weight, leaves["scales"], group_size)
    if weight.dtype == "U8":
        if any(leaf.startswith("weight.") for leaf in leaves) or "weight_scale_2" in leaves:
            return weight.numel * 2  # two 4-bit weights a byte
        scale = leaves.get("weight_scale")
        if scale is not None and scale.numel == 1:
            return weight.numel * 4  # ternary, four a byte
        if scale is not None and scale.dtype == "U8" and scale.numel * 16 == weight.numel:
            return weight.numel * 2
    return None


def find_group_size(modules: Iterable[Module], hidden: int | None) -> int | None:
    """Return the one group size of modules packed into 32-bit words, or None.

    Columns of a packed matrix and of its scales give only bits times group size. Where the input
    width is known to be the hidden size, each follows.
    """
    found: set[int] = set()
    for module in modules:
        packed = module.leaves.get("weight_packed") or module.leaves.get("weight")
        scale = module.leaves.get("weight_scale") or module.leaves.get("scales")
        if hidden is None or not _matrix(packed) or not _matrix(scale):
            continue
        assert packed is not None  # noqa: S101 - narrowed by _matrix
        assert scale is not None  # noqa: S101
        if packed.dtype not in ("U32", "I32"):
            continue
        columns, groups = packed.shape[-1], scale.shape[-1]
        if 32 * columns % hidden or hidden % max(groups, 1) or 32 * columns // hidden not in _BITS:
            return None
        found.add(hidden // groups)
    return found.pop() if len(found) == 1 else None


def _by_group(packed: TensorInfo, scale: TensorInfo | None, group_size: int | None) -> int | None:
    if scale is None or group_size is None or not scale.shape or not packed.shape:
        return None
    columns, groups = packed.shape[-1], scale.shape[-1]
    if groups == 0 or 32 * columns % (groups * group_size):
        return None
    bits = 32 * columns // (groups * group_size)
    return packed.numel * 32 // bits if bits in _BITS else None


def packed_bits(leaves: Leaves) -> int | None:
    """Return the bits a weight of a GPTQ or AWQ module, read off its zeros or its group index."""
    packed, scales = leaves.get("qweight"), leaves.get("scales")
    zeros, order = leaves.get("qzeros"), leaves.get("g_idx")
    if not _matrix(packed) or packed is None:
        return None
    if _matrix(scales) and _matrix(zeros) and scales is not None and zeros is not None:
        bits, odd = divmod(32 * zeros.shape[1], scales.shape[1] or 1)
    elif order is not None and order.numel:
        bits, odd = divmod(32 * packed.shape[0], order.numel)
    else:
        return None
    return bits if not odd and bits in _BITS else None


def _gptq_or_awq(leaves: Leaves) -> int | None:
    packed, bits = leaves["qweight"], packed_bits(leaves)
    if packed is None or bits is None:
        return None
    return packed.numel * 32 // bits


def _times(tensor: TensorInfo | None, factor: int) -> int | None:
    return None if tensor is None else tensor.numel * factor


def _matrix(tensor: TensorInfo | None) -> bool:
    return tensor is not None and len(tensor.shape) >= 2
