"""Networks on disk as the Hub has them: names, bfloat16, config.json, tokenizer.json."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from zoo.design import (
    Design,
    Shape,
    build_config,
    load_designs,
    walk_matrices,
    walk_norms,
)
from zoo.network import Network, Weights

PACKED = ("q", "k", "v")


def stored_name(design: Design, name: str) -> str:
    """Return the Hub's name of a role name (`layers.1.q.weight`)."""
    *path, role, ending = name.split(".")
    if "experts" in path:
        role = "expert_" + role
    layer = path[1] if path else ""
    expert = path[3] if len(path) > 2 else ""
    return f"{design.tensors[role].format(i=layer, e=expert)}.{ending}"


def _fuse(weights: Weights, shape: Shape, start: str, ending: str) -> torch.Tensor:
    """Return q, k and v of every head in turn, as one matrix or bias."""
    parts = [weights[f"{start}{role}.{ending}"] for role in PACKED]
    per_head = [part.reshape(shape.heads, shape.head_dim, *part.shape[1:]) for part in parts]
    return torch.cat(per_head, 1).flatten(0, 1)


def _split(value: torch.Tensor, shape: Shape) -> tuple[torch.Tensor, ...]:
    """Undo `_fuse`."""
    per_head = value.reshape(shape.heads, 3, shape.head_dim, *value.shape[1:])
    return tuple(per_head[:, place].flatten(0, 1) for place in range(3))


def export_tensors(network: Network) -> Weights:
    """Return the weights under the names the Hub uses."""
    design, shape = network.design, network.shape
    tensors: Weights = {}
    for name, value in network.weights.items():
        *_, role, ending = name.split(".")
        if not (design.fused_qkv and role in PACKED):
            tensors[stored_name(design, name)] = value
        elif role == "q":
            start = name.removesuffix(f"q.{ending}")
            stored = design.fused_qkv.format(i=start.split(".")[1])
            tensors[f"{stored}.{ending}"] = _fuse(network.weights, shape, start, ending)
    return tensors


def import_tensors(design: Design, shape: Shape, tensors: Weights) -> Weights:
    """Return the weights by role name; the reverse of `export_tensors`."""
    weights: Weights = {}
    for name in _walk_names(design, shape):
        *_, role, ending = name.split(".")
        if design.fused_qkv and role in PACKED:
            stored = f"{design.fused_qkv.format(i=name.split('.')[1])}.{ending}"
            value = _split(tensors[stored], shape)[PACKED.index(role)]
        else:
            value = tensors[stored_name(design, name)]
        weights[name] = value.float()
    return weights


def _walk_names(design: Design, shape: Shape) -> Iterator[str]:
    for name, _ in walk_matrices(design, shape):
        yield name + ".weight"
        if name.rpartition(".")[2] in design.biases:
            yield name + ".bias"
    for name in walk_norms(shape):
        yield name + ".weight"
        if design.norm == "layer":
            yield name + ".bias"


def describe_network(network: Network) -> dict[str, Any]:
    """Return what `load_network` needs to know besides the tensors."""
    return {
        "design": network.design.key,
        "tied": network.design.tied,
        "shape": asdict(network.shape),
    }


def load_network(folder: Path) -> Network:
    """Read a checkpoint of the zoo that is stored unpacked."""
    facts = json.loads((folder / "truth.json").read_text())["network"]
    design = replace(load_designs()[facts["design"]], tied=facts["tied"])
    shape = Shape(**facts["shape"])
    tensors = load_file(folder / "model.safetensors")
    return Network(design, shape, import_tensors(design, shape, tensors))


def write_checkpoint(
    folder: Path,
    network: Network,
    tensors: Weights | None,
    *,
    dtype: torch.dtype = torch.bfloat16,
    tokenizer: Path,
    quantization: dict[str, Any] | None = None,
) -> None:
    """Write config.json, tokenizer files and, unless they are elsewhere, model.safetensors.

    Floating-point tensors are cast to `dtype` unless `quantization` says they were packed.
    """
    config = build_config(network.design, network.shape)
    config["torch_dtype"] = str(dtype).removeprefix("torch.")
    if quantization:
        config["quantization_config"] = quantization
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    shutil.copy(tokenizer, folder / "tokenizer.json")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>"})
    )
    if tensors is None:
        return
    stored = {
        name: (value if quantization else value.to(dtype)).detach().contiguous()
        for name, value in tensors.items()
    }
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
