"""How many weights a module really has, however they are packed.

Quantized weights are stored as integers that hold several weights each, with scales beside them.
What cannot be told from dtypes and shapes alone stays None.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from famtree.fingerprints.tensor_names import Module
from famtree.packings.catalog import load_parts, recognise
from famtree.packings.sizes import FLOATS, Hints, Leaves
from famtree.types.checkpoint import TensorInfo

_NARROW = frozenset({"F4", "F6_E2M3", "F6_E3M2"})
"""Float types narrower than a byte, of which safetensors counts elements."""


def logical_numel(leaves: Leaves, group_size: int | None = None) -> int | None:
    """Return the number of weights (bias not counted) a module has, or None.

    `group_size` is that of `find_group_size`, for layouts whose bits a module alone does not show.
    """
    if "lora_A" in leaves:
        low, high = leaves["lora_A"], leaves.get("lora_B")
        return low.shape[-1] * high.shape[0] if _matrix(low) and _matrix(high) else None  # type: ignore[union-attr]
    weight = leaves.get("weight")
    if weight is not None and weight.dtype in FLOATS and leaves.keys() <= {"weight", "bias"}:
        return weight.numel
    packing = recognise(leaves)
    if packing is not None:
        known = (group_size,) if group_size else ()
        return packing.unpack(leaves, Hints(groups=known)).weights
    return _count_plain(leaves)


def outline(leaves: Leaves) -> tuple[Hashable, ...]:
    """Return what modules that are stored alike have in common: 45,000 of a large model have some
    fifty outlines.
    """
    if len(leaves) == 1:
        ((leaf, one),) = leaves.items()
        return (leaf, one.dtype, one.shape) if one is not None else (leaf, None)
    parts: list[Hashable] = []
    for leaf, one in leaves.items():
        parts += (leaf, one.dtype, one.shape) if one is not None else (leaf, None)
    return tuple(parts)


def list_numels(modules: Iterable[Module], group_size: int | None = None) -> set[int | None]:
    """Return the numbers of weights that modules of which a tensor is known have."""
    kinds = {outline(module.leaves): module.leaves for module in modules}
    return {
        logical_numel(leaves, group_size)
        for leaves in kinds.values()
        if any(one is not None for one in leaves.values())
    }


def _count_plain(leaves: Leaves) -> int | None:
    weights = [leaves[leaf] for leaf in ("weight", "") if leaf in leaves]
    if not weights and leaves.keys() - {"bias"} <= load_parts().ordinary:
        weights = [one for leaf, one in leaves.items() if leaf != "bias"]
    if not weights or any(one is None or one.dtype not in FLOATS | _NARROW for one in weights):
        return None
    return sum(one.numel for one in weights if one is not None)


def find_group_size(modules: Iterable[Module], hidden: int | None) -> int | None:
    """Return the one group size of modules packed into 32-bit words, or None."""
    found = find_group_sizes(modules, hidden)
    return found.pop() if len(found) == 1 else None


def find_group_sizes(modules: Iterable[Module], hidden: int | None) -> set[int]:
    """Return the group sizes of modules packed into 32-bit words.

    Columns of a packed matrix and of its scales give only bits times group size. Where the input
    width is known to be the hidden size, each follows.
    """
    found = set()
    for module in modules if hidden else ():
        packing = recognise(module.leaves)
        if packing is not None and packing.by_product:
            found.add(packing.unpack(module.leaves, Hints(hidden)).group_size)
    return {one for one in found if one is not None}


def _matrix(tensor: TensorInfo | None) -> bool:
    return tensor is not None and len(tensor.shape) >= 2
