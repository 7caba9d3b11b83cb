"""What tensor names and shapes show of an architecture, and nothing that they only suggest.

Widths are taken from element counts, so that transposed and packed matrices give the same answer.
Absence (no q_norm, no bias, no lm_head) is a fact only where every name is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from famtree.fingerprints.tensor_names import (
    MAX_PARTS,
    NAMES_KEPT,
    Layout,
    Module,
    Stack,
    count_names,
    organise,
)
from famtree.fingerprints.tensor_packing import find_group_size, list_numels, logical_numel
from famtree.types.checkpoint import TensorIndex
from famtree.types.recent import remember

MAX_HEAD_DIM = 512
"""Widest attention head of a released model; a wider q_norm spans all heads."""
_INPUT_IS_HIDDEN = ("q", "k", "v", "qkv", "gate", "up", "gate_up", "embedding", "head")


@remember(NAMES_KEPT, count_names)
def observe_tensors(index: TensorIndex) -> Mapping[str, Any]:
    """Return the values that headers (and the index's names) prove, by Architecture field name.

    Sizes count logical weights, whatever the quantization. Fields that cannot be told are absent.
    """
    layout = organise(index)
    main = layout.main
    found: dict[str, Any] = {}
    if main is None:
        return found
    hidden = _hidden_size(layout, main)
    group = find_packed_group(layout, main, hidden)
    found["hidden_size"] = hidden
    found.update(_widths(main, hidden, group))
    if layout.adapter:
        return {name: value for name, value in found.items() if value is not None}
    found["vocab_rows"] = _rows(layout, hidden, group)
    found.update(_depth(layout, main))
    found.update(_heads(main, hidden, group))
    found.update(_latent(main))
    found.update(_experts(main, hidden, group))
    found.update(_flags(layout, main))
    found.update(_vision(layout))
    return {name: value for name, value in found.items() if value is not None}


def find_packed_group(layout: Layout, main: Stack, hidden: int | None) -> int | None:
    """Return the group size of weights packed into 32-bit words, None where none or unclear."""
    return find_group_size(find_hidden_inputs(layout, main), hidden)


def find_hidden_inputs(layout: Layout, main: Stack) -> list[Module]:
    """Return the modules whose inputs (rows, for an embedding) are as wide as the hidden size."""
    latent = bool(main.of("kv_a"))  # queries then come from a narrower vector
    modules = main.of(*(role for role in _INPUT_IS_HIDDEN if role != "q" or not latent))
    for role in ("embedding", "head"):
        modules += layout.outside.get(role, [])
    return modules


def _hidden_size(layout: Layout, main: Stack) -> int | None:
    """Take the width of block norms, else of the embedding, else of LoRA inputs."""
    width = _only(
        leaf.numel
        for module in main.of("norm")
        for name, leaf in module.leaves.items()
        if name == "weight" and leaf is not None and len(leaf.shape) == 1
    )
    if width is not None:
        return width
    if layout.adapter:
        return _only(
            leaf.shape[-1]
            for module in main.of("q", "k", "v", "qkv", "gate", "up", "gate_up")
            if (leaf := module.leaves.get("lora_A")) is not None and len(leaf.shape) == 2
        )
    if main.of("norm") and any(module.leaves.get("weight") for module in main.of("norm")):
        return None  # norms of several widths: no single answer
    return _only(
        leaf.shape[1]
        for module in layout.outside.get("embedding", [])
        if (leaf := module.leaves.get("weight")) is not None
        and len(leaf.shape) == 2
        and leaf.dtype not in ("U32", "U8", "I8")
    )


def _rows(layout: Layout, hidden: int | None, group: int | None) -> int | None:
    rows: set[int] = set()
    for module in layout.outside.get("embedding", []):
        leaf = module.leaves.get("weight") or module.leaves.get("")
        packed = module.leaves.get("weight_packed")
        numel = logical_numel(module.leaves, group)
        if leaf is not None and len(leaf.shape) == 2 and leaf.dtype != "U8":
            rows.add(leaf.shape[0])
        elif packed is not None and len(packed.shape) == 2:
            rows.add(packed.shape[0])
        elif numel is not None and hidden and numel % hidden == 0:
            rows.add(numel // hidden)
    return rows.pop() if len(rows) == 1 else None


def _depth(layout: Layout, main: Stack) -> dict[str, Any]:
    """Count blocks; only where all names are known and the numbers have no gap."""
    if not layout.names_known:
        return {}
    depth = _count(main)
    if layout.encoder is None:
        return {"layers": depth}
    below = _count(layout.encoder)
    return {
        "encoder_layers": below,
        "decoder_layers": depth,
        "layers": depth if depth == below else None,
    }


def _count(stack: Stack) -> int | None:
    numbers = stack.blocks.keys() - stack.extra_blocks()
    return len(numbers) if numbers and max(numbers) == len(numbers) - 1 else None


def _width(modules: list[Module], hidden: int | None, group: int | None) -> int | None:
    """Return the width of the side that is not `hidden`, equal in all modules."""
    if not hidden:
        return None
    widths = set()
    for numel in list_numels(modules, group):
        if numel is not None:
            width, odd = divmod(numel, hidden)
            if odd:
                return None
            widths.add(width)
    return widths.pop() if len(widths) == 1 else None


def _widths(main: Stack, hidden: int | None, group: int | None) -> dict[str, Any]:
    return {"ffn": _width(main.of("down"), hidden, group)}


def _heads(main: Stack, hidden: int | None, group: int | None) -> dict[str, Any]:
    """Heads, only where a head's own width shows: per-head norms, sinks, position biases."""
    if main.of("kv_a"):
        return {}
    width = _width(main.of("o"), hidden, group)
    keys = _width(main.of("k"), hidden, group)
    heads = _only(
        leaf.numel
        for module in main.of("sinks")
        if (leaf := module.leaves.get("")) is not None and len(leaf.shape) == 1
    ) or _only(
        leaf.shape[1]
        for module in main.of("rel_bias")
        if (leaf := module.leaves.get("weight")) is not None and len(leaf.shape) == 2
    )
    head_dim = None
    if heads and width and width % heads == 0:
        head_dim = width // heads
    else:
        heads = None
        query, key = _norm_width(main.of("q_norm")), _norm_width(main.of("k_norm"))
        if query and query == key and query <= MAX_HEAD_DIM and width and query < width:
            head_dim = query
    if head_dim is None or width is None or width % head_dim:
        return {}
    grouped = keys is not None and keys % head_dim == 0
    return {
        "head_dim": head_dim,
        "heads": width // head_dim,
        "kv_heads": keys // head_dim if grouped and keys else None,
    }


def _norm_width(modules: list[Module]) -> int | None:
    """Return the length of a norm over one head: 1-D, or one row a head."""
    return _only(
        leaf.shape[-1]
        for module in modules
        if (leaf := module.leaves.get("weight")) is not None and leaf.shape
    )


def _latent(main: Stack) -> dict[str, Any]:
    """Ranks of latent attention: compressed keys and values, and the rotary part beside them."""
    rank = _norm_width(main.of("kv_a_norm"))
    both = _plain_rows(main.of("kv_a"))
    query = _plain_rows(main.of("q_a"))
    return {
        "kv_lora_rank": rank,
        "q_lora_rank": query,
        "qk_rope_head_dim": both - rank if rank and both and both > rank else None,
    }


def _plain_rows(modules: Iterable[Module]) -> int | None:
    """Return the rows all these matrices share; packed ones do not show theirs."""
    return _only(
        leaf.shape[0]
        for module in modules
        if (leaf := module.leaves.get("weight")) is not None
        and len(leaf.shape) == 2
        and leaf.dtype not in ("U8", "U32")
    )


def _experts(main: Stack, hidden: int | None, group: int | None) -> dict[str, Any]:
    single, fused = main.of("expert_down"), main.of("experts_down")
    if not single and not fused:
        return {}
    count = _only(
        leaf.shape[0]
        for module in fused
        if (leaf := module.leaves.get("") or module.leaves.get("weight")
            or module.leaves.get("blocks") or module.leaves.get("weight_packed")) is not None
        and len(leaf.shape) > 2
    ) or _only(
        leaf.shape[0]
        for module in main.of("router")
        if (leaf := module.leaves.get("weight")) is not None
        and len(leaf.shape) == 2
        and leaf.dtype in ("F16", "BF16", "F32")
    )  # fmt: skip
    width = _width(single, hidden, group)
    if fused and count and hidden:
        total = _width(fused, hidden, group)
        width = total // count if total and total % count == 0 else None
    found: dict[str, Any] = {"experts": count, "expert_ffn": width}
    shared = _width(main.of("shared_down"), hidden, group)
    if shared and width and shared % width == 0:
        found["shared_experts"] = shared // width
    elif main.of("shared_one"):
        found["shared_experts"] = 1
    return found


def _flags(layout: Layout, main: Stack) -> dict[str, Any]:
    """Yes where seen; no only where all names are known."""
    known = layout.names_known
    separate, fused = main.of("q", "kv"), main.of("qkv")
    attention = bool(separate or fused)
    found: dict[str, Any] = {
        "fused_qkv": True if fused and not separate else False if separate and not fused else None,
        "gated_mlp": _gated(main),
        "norm_type": "layernorm" if _has_bias(main.of("norm")) else None,
        "tied": _tied(layout, main),
        "state_size": _state_size(main),
        "linear_heads": _only(
            leaf.numel
            for module in main.of("linear_a_log")
            for leaf in module.leaves.values()
            if leaf is not None
        ),
    }
    if attention:
        found["qk_norm"] = bool(main.of("q_norm")) or (False if known else None)
        found["qkv_bias"] = _bias_flag(main.of("q", "k", "v", "kv", "qkv"), known)
        found["o_bias"] = _bias_flag(main.of("o"), known)
    found["mlp_bias"] = _bias_flag(main.of("gate", "up", "gate_up", "wide", "down"), known)
    return found


def _bias_flag(modules: list[Module], known: bool) -> bool | None:
    """GPTQ writers add zero biases to every module, so there a bias proves nothing."""
    if not modules:
        return None
    if not _has_bias(modules):
        return False if known else None
    return None if any("qweight" in module.leaves for module in modules) else True


def _has_bias(modules: list[Module]) -> bool:
    return any("bias" in module.leaves for module in modules)


def _gated(main: Stack) -> bool | None:
    if main.of("gate", "gate_up", "expert_gate", "experts_gate_up"):
        return True
    down, wide = main.of("down"), main.of("wide")
    if down and main.of("up"):
        return None  # a lone up projection may be named so on purpose, or its gate be unread
    low, high = list_numels(down), list_numels(wide)
    if len(low) == len(high) == 1:
        small, large = low.pop(), high.pop()
        if small and large and large in (small, 2 * small):
            return large == 2 * small
    return None


def _tied(layout: Layout, main: Stack) -> bool | None:
    if layout.outside.get("head"):
        return False
    bare = main.path.count(".") == 0  # saved without its head: nothing follows from its absence
    if not layout.names_known or bare or layout.outside.get("other_head"):
        return None
    if "encoder" in main.path.split(".", MAX_PARTS) or not layout.outside.get("embedding"):
        return None
    return True


def _state_size(main: Stack) -> int | None:
    """Mamba-1 keeps one decay a channel and state; Mamba-2 has one a head, which tells nothing."""
    return _only(
        leaf.shape[1]
        for module in main.of("ssm_a_log")
        if (leaf := module.leaves.get("")) is not None and len(leaf.shape) == 2
    )


def _vision(layout: Layout) -> dict[str, Any]:
    tower = layout.vision
    if tower is None:
        return {}
    return {
        "vision_layers": _count(tower) if layout.names_known else None,
        "vision_hidden_size": _only(
            leaf.numel
            for module in tower.of("norm")
            if (leaf := module.leaves.get("weight")) is not None and len(leaf.shape) == 1
        ),
    }


def _only(values: Iterable[int]) -> int | None:
    """Return the one value all agree on, or None."""
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None
