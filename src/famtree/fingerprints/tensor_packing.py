"""How many weights a module really has, however they are packed.

Quantized weights are stored as integers that hold several weights each, with scales beside them.
What cannot be told from dtypes and shapes alone stays None.
"""

from __future__ import annotations

from collections.abc import Iterable

from famtree.fingerprints.packing_geometry import unpack
from famtree.fingerprints.packing_sizes import WIDTHS, Hints
from famtree.fingerprints.packings import load_packings, load_parts, recognise
from famtree.fingerprints.tensor_names import Leaves, Module
from famtree.types.checkpoint import TensorInfo

FLOATS = frozenset({"F16", "BF16", "F32", "F64"})
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
        return unpack(packing, leaves, Hints(groups=known)).weights
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
    width is known to be the hidden size, each follows. Empty where one of them does not fit.
    """
    words = {packing.name for packing in load_packings() if packing.geometry == "words"}
    found: set[int] = set()
    for module in modules:
        packing = recognise(module.leaves)
        if not hidden or packing is None or packing.name not in words:
            continue
        packed, scale = module.leaves.get(packing.leaf), module.leaves.get(packing.scale or "")
        if packed is None or scale is None or not _matrix(packed) or not _matrix(scale):
            continue
        held = packed.shape[-1] * 8 * packed.nbytes // max(packed.numel, 1)
        groups = scale.shape[-1]
        if held % hidden or hidden % max(groups, 1) or held // hidden not in WIDTHS:
            return set()
        if groups > 1:
            found.add(hidden // groups)
    return found


def _matrix(tensor: TensorInfo | None) -> bool:
    return tensor is not None and len(tensor.shape) >= 2
