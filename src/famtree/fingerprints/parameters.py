"""Exact parameter counts: from headers where there are any, from the config's shapes otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from famtree.files import load_data
from famtree.fingerprints.quantization_layout import StoredModule, Widths, observe_storage
from famtree.fingerprints.tensor_names import (
    NAMES_KEPT,
    Layout,
    Module,
    count_names,
    in_tower,
    organise,
)
from famtree.packings.sizes import FLOATS
from famtree.types.checkpoint import TensorIndex
from famtree.types.fingerprint import Architecture
from famtree.types.quantization import Quantization
from famtree.types.recent import remember

_ROUTED = ".experts."
"""In the paths of experts of which each token gets a few; shared ones are called otherwise."""
_UNEVEN = (
    "text_config", "llm_config", "mlp_only_layers", "interleave_moe_layer_step", "moe_layers",
    "expert_layer_period", "hybrid_override_pattern", "layers_block_type", "moe_layer_start_index",
    "moe_latent_size", "mlp_layer_types", "use_moe",
)  # fmt: skip
"""Terms of a config by which some layers are dense, or experts no three matrices of the width."""
_FLOAT_BYTES = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8}


def count_parameters(
    index: TensorIndex, quantization: Quantization | None, tied: bool | None
) -> int | None:
    """Return the number of distinct parameters, or None where it cannot be told exactly.

    Counted are weights (unpacked) and biases of all towers; not counted are scales, rotary tables
    and masks, an output head that is tied to the embedding, and multi-token-prediction blocks,
    which makers state apart. With an incomplete index the stated `total_size` serves where every
    header read shows one float dtype and nothing that would have to be left out.
    """
    layout = organise(index)
    if layout.adapter:
        return None
    if not index.complete:
        return _from_total_size(index, layout, quantization, tied)
    if quantization is None:
        return _count_stored(index, tied)
    return _count_stored(index, tied, quantization.bits, quantization.group_size)


@remember(NAMES_KEPT, count_names)
def _count_stored(
    index: TensorIndex, tied: bool | None, bits: float | None = None, group: int | None = None
) -> int | None:
    layout = organise(index)
    stored = observe_storage(index, Widths(bits, (group,) if group else ())).modules
    genuine = _biases_are_real(stored, layout)
    skipped = _prediction_paths(layout)
    total = 0
    for one in stored:
        if (skipped or "mtp" in one.module.path) and _is_prediction(one.module, layout, skipped):
            continue
        bias = one.module.leaves.get("bias")
        if one.unpacked.weights is None or (bias is not None and one.packing and not genuine):
            return None
        total += one.unpacked.weights + (bias.numel if bias is not None else 0)
    return total - _duplicates(layout, stored, tied)


def count_active(
    index: TensorIndex,
    quantization: Quantization | None,
    architecture: Architecture,
    config: Mapping[str, Any],
    parameters: int | None,
) -> int | None:
    """Return how many of all `parameters` one token uses, where routed experts leave some idle.

    None where nothing is routed, or what is cannot be counted: routed experts are those of the
    headers, else three matrices each in every layer but the first ones that a config calls dense.
    """
    a = architecture
    if not parameters or not a.experts or not a.experts_per_token:
        return None
    idle = a.experts - a.experts_per_token
    routed: int | None = None
    if index.complete:
        bits = quantization.bits if quantization else None
        group = quantization.group_size if quantization else None
        routed = _count_routed(index, bits, group)
    elif a.gated_mlp is not False and not any(config.get(name) for name in _UNEVEN):
        dense = config.get("first_k_dense_replace")
        layers = (a.layers or 0) - (dense if type(dense) is int else 0)
        routed = layers * a.experts * 3 * (a.hidden_size or 0) * (a.expert_ffn or a.ffn or 0)
    if not routed or idle <= 0 or routed >= parameters:
        return None
    return parameters - routed * idle // a.experts


@remember(NAMES_KEPT, count_names)
def _count_routed(index: TensorIndex, bits: float | None, group: int | None) -> int | None:
    layout = organise(index)
    skipped = _prediction_paths(layout)
    total = 0
    for one in observe_storage(index, Widths(bits, (group,) if group else ())).modules:
        if _ROUTED not in one.module.path or _is_prediction(one.module, layout, skipped):
            continue
        if one.unpacked.weights is None:
            return None
        bias = one.module.leaves.get("bias")
        total += one.unpacked.weights + (bias.numel if bias is not None else 0)
    return total


def _biases_are_real(stored: list[StoredModule], layout: Layout) -> bool:
    """Old GPTQ writers gave every module a bias of zeros, which the model does not have.

    A bias is the model's own where some packed modules have none, or where norms have one too.
    """
    packed = [one for one in stored if one.packing is not None]
    if not any("qweight" in one.module.leaves for one in packed):
        return True
    if not all("bias" in one.module.leaves for one in packed):
        return True
    norms = layout.main.of("norm") if layout.main else []
    return any("bias" in module.leaves for module in norms)


def _prediction_paths(layout: Layout) -> set[int]:
    return layout.main.extra_blocks() if layout.main else set()


def _is_prediction(module: Module, layout: Layout, extra: set[int]) -> bool:
    if "mtp" in module.path and in_tower(module.path, ("mtp",)):
        return True
    return (
        bool(extra)
        and layout.main is not None
        and module.block in extra
        and module.path.startswith(f"{layout.main.path}.")
    )


def _duplicates(layout: Layout, stored: list[StoredModule], tied: bool | None) -> int:
    """Count what is stored twice: a tied head, and embeddings an encoder-decoder shares."""
    embeddings, heads = (layout.outside.get(role, []) for role in ("embedding", "head"))
    asked = {module.path for module in (*embeddings, *heads)}
    sizes = {
        one.module.path: one.unpacked.weights or 0 for one in stored if one.module.path in asked
    }
    tables = [sizes[module.path] for module in embeddings]
    repeated = 0
    shared = [module for module in embeddings if module.path.rsplit(".", 1)[-1] == "shared"]
    if shared and len(tables) > 1:
        repeated += sum(tables) - max(tables)
    if tied:
        repeated += sum(sizes[module.path] for module in heads)
    return repeated


def _from_total_size(
    index: TensorIndex,
    layout: Layout,
    quantization: Quantization | None,
    tied: bool | None,
) -> int | None:
    if index.total_size is None or quantization is not None or not index.tensors:
        return None
    dtypes = {tensor.dtype for tensor in index.tensors.values()}
    dtype = dtypes.pop()
    if dtypes or dtype not in FLOATS or len(index.names) == len(index.tensors):
        return None
    stored = sum(len(module.leaves) for module in layout.modules)
    if stored != len(index.names):
        return None  # buffers are in total_size too
    if _prediction_paths(layout) or any(_is_prediction(m, layout, set()) for m in layout.modules):
        return None
    if tied and layout.outside.get("head"):
        return None
    total, odd = divmod(index.total_size, _FLOAT_BYTES[dtype])
    return None if odd else total


def estimate_parameters(architecture: Architecture) -> int | None:
    """Return the exact parameter count of a plain gated decoder of these shapes, else None.

    For checkpoints whose headers cannot be read. Counted are embedding and head, attention with
    grouped queries, gated MLP or routed experts with their router, norms and biases. What a class
    has beside its matrices is data (`data/decoder_designs.json`); a class that the table lacks,
    a wrapper, or a missing shape gives None.
    """
    a = architecture
    design = load_designs().get(a.text_model_type or "")
    if not isinstance(design, dict) or a.wrapper or a.vision_layers or a.kv_lora_rank:
        return None
    values = (a.layers, a.hidden_size, a.heads, a.kv_heads, a.head_dim, a.vocab_rows)
    if any(value is None or value <= 0 for value in values) or a.tied is None or a.shared_experts:
        return None
    layers, hidden, heads, kv_heads, head_dim, rows = (value or 0 for value in values)
    query, key = heads * head_dim, kv_heads * head_dim
    mlp = _estimate_mlp(a, hidden)
    if mlp is None:
        return None
    attention = 2 * hidden * (query + key)
    attention += {"none": 0, "head": 2 * head_dim, "all": query + key}[design["qk_norm"]]
    if a.qkv_bias if design["qkv_bias"] == "config" else design["qkv_bias"]:
        attention += query + 2 * key
    stated = a.o_bias if a.o_bias is not None else a.qkv_bias
    if stated if design["o_bias"] == "config" else design["o_bias"]:
        attention += hidden
    norms: int = design["norms"]
    block: int = attention + mlp + norms * hidden
    return layers * block + rows * hidden * (1 if a.tied else 2) + hidden


def _estimate_mlp(a: Architecture, hidden: int) -> int | None:
    if a.experts:
        width = a.expert_ffn or a.ffn
        return None if width is None else a.experts * (3 * hidden * width + hidden)
    if a.ffn is None:
        return None
    return 3 * hidden * a.ffn + (2 * a.ffn + hidden if a.mlp_bias else 0)


@cache
def load_designs() -> dict[str, Any]:
    """Return model_type -> what its blocks have beside the matrices."""
    table: dict[str, Any] = load_data("fingerprints/data/decoder_designs.json")
    return table
