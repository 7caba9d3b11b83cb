"""Does a LoRA adapter fit a model? Module by module, in logical (unpacked) sizes."""

from __future__ import annotations

import re
from typing import Any

from famtree.fingerprints.tensor_names import Module, organise
from famtree.interchange.side import Side
from famtree.interchange.structure import Shape, list_shapes

_WRAPPER = "base_model.model."
_BLOCK = re.compile(r"\.(\d+\.)")
CONFIG = "adapter_config.json"
_CLASSIFIERS = frozenset({"classifier", "score"})
"""Modules that servers take saved whole (vllm/lora/peft_helper.py)."""


def is_adapter(side: Side) -> bool:
    """Return whether the checkpoint is an adapter and no model by itself."""
    return side.identification.checkpoint.format == "adapter"


def read_adapter(side: Side) -> dict[str, Any]:
    """Return adapter_config.json of an adapter, empty where there is none."""
    table = side.side_files.get(CONFIG)
    return table if isinstance(table, dict) else {}


def highest_rank(side: Side) -> int | None:
    """Return the largest rank any module has: `r`, or a value of `rank_pattern`."""
    adapter = read_adapter(side)
    pattern = adapter.get("rank_pattern")
    ranks = [adapter.get("r"), *(pattern.values() if isinstance(pattern, dict) else ())]
    known = [rank for rank in ranks if type(rank) is int and rank > 0]
    return max(known, default=None)


def saves_whole_modules(side: Side) -> bool | None:
    """Return whether it holds whole modules besides a classifier's; None without its config."""
    adapter = read_adapter(side)
    if not adapter:
        return None
    saved = adapter.get("modules_to_save")
    names = saved if isinstance(saved, list) else []
    return any(not isinstance(name, str) or name not in _CLASSIFIERS for name in names)


def fits_model(adapter: Side, model: Side) -> bool | None:
    """Return whether every pair of LoRA matrices has a module of its size in `model`.

    None where the tensors of either were not seen, or where the model names its parts in another
    way (GGUF), so that a missing name proves nothing.
    """
    layout = organise(adapter.index)
    modules = [module for module in layout.modules if "lora_A" in module.leaves]
    if not modules or not adapter.index.complete:
        return None
    shapes = list_shapes(model)
    if shapes is None:
        return None
    unsure = False
    for module in modules:
        target = next((shapes[name] for name in _names(module) if name in shapes), None)
        fit = _fits(module, target)
        if target is None:
            # Embedding and head are compared by their rows, elsewhere.
            renamed = model.identification.checkpoint.format == "gguf"
            fit = None if renamed or module.block is None else False
        if fit is False:
            return False
        unsure = unsure or fit is None
    return None if unsure else True


def _names(module: Module) -> tuple[str, str]:
    """Return the names the model may list the module under: whole, and within its tower.

    PEFT puts its own wrapper's name in front (peft/utils/save_and_load.py).
    """
    whole = module.path.removeprefix(_WRAPPER)
    found = _BLOCK.search(whole)
    return whole, whole[found.start(1) :] if found else whole


def _fits(module: Module, target: tuple[int, Shape | None] | None) -> bool | None:
    """LoRA stores A as [rank, in] and B as [out, rank]; the weight is [out, in], or transposed."""
    low, high = module.leaves.get("lora_A"), module.leaves.get("lora_B")
    if target is None or low is None or high is None or len(low.shape) < 2 or len(high.shape) < 2:
        return None
    wide, tall = low.shape[-1], high.shape[0]
    numel, shape = target
    if shape is not None and len(shape) == 2:
        return shape in ((tall, wide), (wide, tall))
    return numel == wide * tall
