"""Which packing the tensors themselves show, module by module."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from famtree.fingerprints.tensor_names import Layout, Leaves, organise
from famtree.fingerprints.tensor_packing import (
    BYTES,
    FLOATS,
    logical_numel,
    packed_bits,
)
from famtree.fingerprints.tensors import find_packed_group, observe_tensors
from famtree.types.checkpoint import TensorIndex

_BY_LEAF = (
    ("weight_scale_2", "nvfp4"), ("weight_global_scale", "nvfp4"), ("SCB", "bnb-int8"),
    ("weight_format", "bnb-int8"), ("blocks", "mxfp4"), ("trellis", "exl3"),
    ("q_weight", "exl2"), ("W_q", "hqq"), ("codebooks", "aqlm"), ("res_indices", "vptq"),
    ("dense_weights", "spqr"), ("_weight_qdata", "torchao"), ("weight_scale_inv", "fp8-block"),
    ("weight_scales", "eetq"), ("weight._data", "quanto"),
)  # fmt: skip
"""Leaves that one packing alone has, the most telling first."""


@dataclass(frozen=True, slots=True)
class ObservedLayout:
    """The commonest packing of the checkpoint's modules; `layout` is None for plain floats."""

    layout: str | None
    bits: float | None = None
    group_size: int | None = None
    scheme: str | None = None
    certain: bool = False
    """False when part of the names or no weight matrix was seen, so that None proves nothing."""


def observe_layout(index: TensorIndex) -> ObservedLayout:
    """Return the packing that most modules show."""
    layout = organise(index)
    counts: Counter[str] = Counter()
    examples: dict[str, Leaves] = {}
    dense = matrices = 0
    for module in layout.modules:
        found = recognise(module.leaves)
        if found is not None:
            counts[found] += 1
            examples.setdefault(found, module.leaves)
            continue
        weight = module.leaves.get("weight", module.leaves.get(""))
        if weight is not None and len(weight.shape) >= 2:
            matrices += 1
            dense += weight.dtype in FLOATS
    if not counts:
        certain = layout.names_known and matrices > 0 and dense == matrices
        return ObservedLayout(None, certain=certain)
    kind = counts.most_common(1)[0][0]
    bits, group, scheme = _widths(kind, examples[kind], layout, index)
    return ObservedLayout(kind, bits, group, scheme, certain=True)


def recognise(leaves: Leaves) -> str | None:
    """Return the packing of one module, or None for plain (or unrecognised) weights."""
    for leaf, kind in _BY_LEAF:
        if leaf in leaves:
            return kind
    if any(leaf.startswith(("weight.quant_state", "weight.absmax")) for leaf in leaves):
        return "bnb-4bit"
    if "qweight" in leaves:
        packed, scales = leaves["qweight"], leaves.get("scales")
        if "g_idx" in leaves:
            return "gptq"
        if packed is None or scales is None:
            return None
        return "gptq" if packed.shape[-1:] == scales.shape[-1:] else "awq"
    if "weight_packed" in leaves:
        packed = leaves["weight_packed"]
        return "mxfp4" if packed is not None and packed.dtype == "U8" else "packed-int"
    if "scales" in leaves and "weight" in leaves:
        return "packed-words"
    scale, weight = leaves.get("weight_scale"), leaves.get("weight")
    if weight is None or "weight_scale" not in leaves:
        return None
    if weight.dtype == "I8":
        return "int8"
    if weight.dtype in BYTES:
        return "mxfp8" if scale is not None and scale.dtype in ("U8", "F8_E8M0") else "fp8"
    if weight.dtype == "U8" and scale is not None and scale.numel == 1:
        return "ternary"
    if weight.dtype == "U8" and scale is not None and scale.dtype == "U8":
        return "mxfp4"
    return None


def _widths(
    kind: str, leaves: Leaves, layout: Layout, index: TensorIndex
) -> tuple[float | None, int | None, str | None]:
    """Return bits, group size and scheme where the layout itself does not fix them."""
    if kind in ("gptq", "awq"):
        bits = packed_bits(leaves)
        packed, scales = leaves.get("qweight"), leaves.get("scales")
        if packed is None or scales is None or not bits or len(scales.shape) != 2:
            return bits, None, None
        rows = packed.shape[0] * 32 // bits if kind == "gptq" else packed.shape[0]
        groups = scales.shape[0]
        return bits, (rows // groups if groups and rows % groups == 0 else None), None
    if kind in ("packed-words", "packed-int"):
        hidden = observe_tensors(index).get("hidden_size")
        group = find_packed_group(layout, layout.main, hidden) if layout.main else None
        packed = leaves.get("weight_packed") or leaves.get("weight")
        numel = logical_numel(leaves, group)
        bits = packed.numel * 32 // numel if packed and numel else None
        return bits, group, "affine" if "biases" in leaves else None
    if kind == "bnb-4bit":
        state = next((leaf for leaf in leaves if leaf.startswith("weight.quant_state")), "")
        return None, None, state.rpartition("__")[2] or None
    if kind == "exl3":
        trellis = leaves.get("trellis")
        return (trellis.shape[-1] / 16 if trellis and trellis.shape else None), None, None
    return None, None, None


def effective_bits(index: TensorIndex) -> float | None:
    """Return stored bits a logical weight over the whole checkpoint; None unless exact."""
    if not index.complete:
        return None
    layout = organise(index)
    hidden = observe_tensors(index).get("hidden_size")
    group = find_packed_group(layout, layout.main, hidden) if layout.main else None
    stored = logical = 0
    for module in layout.modules:
        stored += sum(leaf.nbytes for leaf in module.leaves.values() if leaf is not None)
        bias = module.leaves.get("bias")
        logical += bias.numel if bias is not None else 0
        if set(module.leaves) == {"bias"}:
            continue
        numel = logical_numel(module.leaves, group)
        if numel is None:
            return None
        logical += numel
    return round(8 * stored / logical, 4) if logical else None
