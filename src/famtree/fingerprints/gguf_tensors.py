"""Tensors of a GGUF file under the module paths that other formats use.

Names follow a scheme of their own (`blk.0.attn_q.weight`); the table is `data/gguf.json`. Shapes
are logical whatever the type, so a packed tensor is handed on as a 16-bit one of that shape: what
reads the result counts weights and compares widths. How many bits are stored is told by
`famtree.fingerprints.gguf_quantization` from the original types.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from famtree.fingerprints.gguf import load_table
from famtree.packings.sizes import FLOATS
from famtree.types.checkpoint import TensorIndex, TensorInfo

_BLOCK = re.compile(r"(?P<stack>(?:enc\.|dec\.)?blk)\.(?P<number>\d{1,5})\.(?P<rest>.+)")
_SPLIT_EXPERT = re.compile(r"ffn_(?P<part>gate|up|down)\.(?P<number>\d{1,5})")
_STACKS = {"enc.blk": "encoder.block", "dec.blk": "decoder.block"}
_FACTORS = {"lora_a": "lora_A", "lora_b": "lora_B"}
"""The factors of an adapter, stored as its trainer stores them (llama.cpp,
convert_lora_to_gguf.py)."""
_LEAVES = ("weight", "bias", "scale")
_BARE = ("self_attn.sinks", "mixer.A_log", "linear_attn.A_log", "mixer.D", "linear_attn.dt_bias")
"""Parameters that are no modules: their path has no leaf."""


def translate_tensors(
    tensors: Mapping[str, TensorInfo],
    architecture: str | None,
    *,
    complete: bool,
    files: tuple[str, ...],
) -> TensorIndex:
    """Return the index of `tensors` under usual module paths.

    `architecture` is the file's own word. A name the table lacks is kept as it is; tables of
    rotary factors, which other formats compute, are left out.
    """
    table = load_table()
    entry: dict[str, Any] = table["architectures"].get(architecture, {})
    encoder = entry.get("encoder") is True or any(name.startswith("enc.") for name in tensors)
    base = "encoder.layer" if encoder else "model.layers"
    roles = dict(table["block"])
    if entry.get("linear"):
        roles.update(table["linear"])
    if not any(".ffn_gate.weight" in name for name in tensors):
        roles["ffn_up"] = "mlp.fc1"  # plain, or gate and up in one: the widths tell
    if any(".ffn_gate_inp_shexp." in name for name in tensors):
        for part in ("gate", "up", "down"):
            roles[f"ffn_{part}_shexp"] = f"mlp.shared_expert.{part}_proj"
    found = {}
    for name, tensor in tensors.items():
        path = _translate(name, roles, table, base)
        if path is not None:
            dtype = tensor.dtype if tensor.dtype in FLOATS else "F16"
            found[path] = replace(tensor, name=path, dtype=dtype, shape=_shape(path, tensor))
    return TensorIndex(
        tensors=found, names=frozenset(found), complete=complete and bool(found), files=files
    )


def _translate(
    name: str, roles: Mapping[str, str], table: Mapping[str, Any], base: str
) -> str | None:
    path, _, leaf = name.rpartition(".")
    if leaf in _FACTORS:
        whole = _translate(path, roles, table, base)
        return f"{whole}.{_FACTORS[leaf]}" if whole else None
    if leaf not in _LEAVES:
        path, leaf = name, ""
    if path in table["rope_tables"]:
        return None
    block = _BLOCK.fullmatch(path)
    if block is None:
        known = table["outside"].get(path)
        return f"{known}.{leaf}" if known and leaf else name
    rest, number = block["rest"], block["number"]
    if rest == "attn_rot_embd" or rest in table["rope_tables"]:
        return None
    if block["stack"] in _STACKS:
        inner, stack = table["stack"].get(rest), _STACKS[block["stack"]]
    else:
        inner, stack = roles.get(rest), base
        split = _SPLIT_EXPERT.fullmatch(rest)
        if split:
            inner = f"mlp.experts.{split['number']}.{split['part']}_proj"
    if inner is None:
        return f"{stack}.{number}.{rest}.{leaf}" if leaf else f"{stack}.{number}.{rest}"
    if inner in _BARE or not leaf:
        return f"{stack}.{number}.{inner}"
    return f"{stack}.{number}.{inner}.{leaf}"


def _shape(path: str, tensor: TensorInfo) -> tuple[int, ...]:
    """Drop the unit axis that a decay a head (not a channel and state) is stored with."""
    if path.endswith(".A_log") and len(tensor.shape) == 2 and 1 in tensor.shape:
        return (tensor.numel,)
    return tensor.shape
