"""From the stored parts of one module to the form its weights are read by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from famtree.fingerprints.quantization_declaration import Declaration, read_declarations
from famtree.packings.catalog import fits_method, recognise
from famtree.packings.sizes import FLOATS, Hints
from famtree.packings.stored import Form, Stored, StoredParts, UnreadableWeightError
from famtree.packings.values_plain import Transposed, make_plain
from famtree.types.recent import remember

if TYPE_CHECKING:
    from famtree.fingerprints.tensor_names import Module
    from famtree.weights.open import Weights

_CONFIGS_KEPT = 64
"""Declarations that are remembered; every module of a checkpoint asks for the same one."""


def make_form(weights: Weights, module: Module, inputs: int | None, *, expert: int = 0) -> Form:
    """Return how to read `module`, a matrix of outputs x `inputs`; of fused experts, one.

    `inputs` None takes the width the shape shows. Raises UnreadableWeightError.
    """
    leaves = {leaf: store(weights, info.name) for leaf, info in module.leaves.items()
              if info is not None}  # fmt: skip
    packing = recognise(module.leaves)
    if packing is not None:
        told = _read_declared(weights.config)
        if told is None or not fits_method(packing, told.method):
            told = Declaration(packing.methods[0])  # a declaration of another layout tells nothing
        hints = Hints(inputs, told.widths.groups, (told.bits,) if told.bits else ())
        return packing.read(
            StoredParts(
                module.path, leaves, packing.unpack(module.leaves, hints), inputs, expert,
                told.group_size, told.checkpoint_format, told.act_order,
            )
        )  # fmt: skip
    weight = leaves.get("weight", leaves.get(""))
    if weight is None:
        raise UnreadableWeightError(f"{module.path} is stored as {', '.join(sorted(leaves))[:80]}")
    inside = module.block is not None and len(weight.shape) == 2 and weight.dtype in FLOATS
    if inside and is_transposed(weights):
        return Transposed(weight, rows=weight.shape[1], columns=weight.shape[0])
    return make_plain(weight, inputs, expert)


@remember(_CONFIGS_KEPT, lambda _: 1)
def _read_declared(config: dict[str, Any]) -> Declaration | None:
    return next(iter(read_declarations(config, {})), None)


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
