"""Does an adapter fit a model? Every tensor of it, in logical (unpacked) sizes."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

from famtree.fingerprints.tensor_names import organise
from famtree.interchange.adapters import (
    WRAPPER,
    MatrixPair,
    is_adapter,
    is_in_tower,
    sort_tensors,
)
from famtree.interchange.side import Side
from famtree.interchange.structure import Shape, list_shapes

_BLOCK = re.compile(r"\.(\d+\.)")
_EXPERT = re.compile(r"(?P<stack>.*\.experts)\.\d+\.(?P<part>[^.]+)")
_TOWERS = ("language_model.", "text_model.", "thinker.")
"""Parts of names that only a language tower within a larger model has."""
Misfit = Literal["none", "size", "missing", "prefix"]
"""none: all fits. size: a module has another size. missing: some of its modules are not there.
prefix: none is, because names begin in another way: it would load and change nothing."""


class AdapterFit(Struct, frozen=True):
    """How an adapter's tensors meet a model's."""

    misfit: Misfit | None
    """None where it cannot be told."""
    missing: int = 0
    """Modules it changes that the model lacks."""
    saved_same: bool | None = None
    """Whole weights it brings have the model's sizes; None where there are none, or unseen."""

    @property
    def fits(self) -> bool | None:
        """Whether all modules are there in their sizes."""
        return None if self.misfit is None else self.misfit == "none"


class _Model(Struct, frozen=True):
    shapes: dict[str, tuple[int, Shape | None]]
    outer: dict[str, Shape | None]
    """Last part of the names of embedding and head -> shape, rows first."""
    renamed: bool
    experts: int | None
    widths: frozenset[int]
    """Sizes that a matrix of an expert may have on either side, fused or apart."""
    tower: bool
    """The language tower stands within a larger model."""


def fit_adapter(adapter: Side, model: Side) -> AdapterFit:
    """Hold every tensor of an adapter against a model's.

    Nothing is told where the tensors of either were not seen; and a missing name proves nothing
    where the model names its parts in another way (GGUF).
    """
    tensors, held = sort_tensors(adapter), _read_model(model)
    if is_adapter(model):
        return AdapterFit("missing")
    if tensors is None or held is None or not tensors.pairs:
        return AdapterFit(None)
    judged = [_judge(pair, held) for pair in tensors.pairs]
    missing = judged.count("missing")
    saved = [same for tensor in tensors.saved
             if (same := _same_outer(tensor.name, tensor.shape, held)) is not None]  # fmt: skip
    whole = all(saved) if saved else None
    if "size" in judged:
        return AdapterFit("size", missing, whole)
    if missing == len(judged) or any(_is_astray(pair.path, held) for pair in tensors.pairs):
        return AdapterFit("prefix", missing, whole)
    if missing:
        return AdapterFit("missing", missing, whole)
    return AdapterFit(None if None in judged else "none", 0, whole)


def _read_model(model: Side) -> _Model | None:
    shapes = list_shapes(model)
    if shapes is None:
        return None
    found = model.architecture
    rows, width = found.vocab_rows, found.hidden_size
    table = (rows, width) if rows and width else None
    layout = organise(model.index)
    tables = [one for role in ("embedding", "head") for one in layout.outside.get(role, ())]
    outer = {module.path.rpartition(".")[2]: table for module in tables}
    sizes = [one for one in (found.expert_ffn, found.ffn) if one]
    widths = frozenset(filter(None, (width, *sizes, *(2 * one for one in sizes))))
    return _Model(
        shapes, {"lm_head": table, **outer}, model.identification.checkpoint.format == "gguf",
        found.experts, widths, _has_tower(model),
    )  # fmt: skip


def _has_tower(model: Side) -> bool:
    found = model.architecture
    nested = found.text_model_type is not None and found.text_model_type != found.model_type
    return nested or any(word in name for word in _TOWERS for name in model.index.names)


def _is_astray(path: str, model: _Model) -> bool:
    """A wrapper twice, or a tower's name where there is none, and the other way round."""
    whole = path.removeprefix(WRAPPER)
    if whole.startswith("base_model."):
        return True
    if is_in_tower(whole):
        return False  # an image's or a sound's: its names are its own
    towered = any(word in f"{whole}." for word in _TOWERS)
    return not model.renamed and _BLOCK.search(whole) is not None and towered != model.tower


def _judge(pair: MatrixPair, model: _Model) -> Misfit | None:
    """LoRA stores A as [rank, in] and B as [out, rank]; the weight is [out, in], or transposed."""
    low, high = pair.low, pair.high
    if low is None or high is None or len(low.shape) < 2 or len(high.shape) < 2:
        return None
    wide, tall = low.shape[-1], high.shape[0]
    target = next((model.shapes[name] for name in _names(pair.path) if name in model.shapes), None)
    if target is not None:
        numel, shape = target
        if shape is not None and len(shape) == 2:
            return "none" if shape in ((tall, wide), (wide, tall)) else "size"
        return "none" if numel == wide * tall else "size"
    last = pair.path.rpartition(".")[2]
    if last in model.outer:
        table = model.outer[last]
        return None if table is None else "none" if {*table} == {wide, tall} else "size"
    if pair.path.endswith((".experts", ".experts.base_layer")) or _EXPERT.fullmatch(pair.path):
        return _judge_expert(pair, wide, tall, model)
    return None if model.renamed or _BLOCK.search(pair.path) is None else "missing"


def _judge_expert(pair: MatrixPair, wide: int, tall: int, model: _Model) -> Misfit | None:
    """Experts stand apart or stacked, in files and in memory; their widths are the same.

    PEFT reads a stack [experts, a, b] as a by b for each expert, and stores A and B of all of them
    in one matrix each (peft/tuners/lora/layer.py, ParamWrapper).
    """
    if model.renamed or model.experts is None:
        return None
    if not any(".experts" in name for name in model.shapes):
        return "missing"
    if not _EXPERT.fullmatch(pair.path) and pair.low and pair.low.shape[0] % model.experts:
        return "size"
    return "none" if {wide, tall} <= model.widths else "size"


def _same_outer(name: str, shape: Shape, model: _Model) -> bool | None:
    """Compare a whole embedding or head with the model's."""
    path = name.removesuffix(".weight").replace(".modules_to_save", "").removesuffix(".default")
    table = model.outer.get(path.rpartition(".")[2])
    return None if table is None else tuple(shape) == table


def _names(path: str) -> tuple[str, str]:
    """Return the names the model may list the module under: whole, and within its tower.

    PEFT puts its own wrapper's name in front (peft/utils/save_and_load.py).
    """
    whole = path.removeprefix(WRAPPER)
    found = _BLOCK.search(whole)
    return whole, whole[found.start(1) :] if found else whole
