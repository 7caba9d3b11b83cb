"""Small checkpoints of random weights, and everything that can be done to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from examining import open_weights
from famtree.sources.local import LocalSource
from famtree.types.checkpoint import CheckpointRef
from famtree.weights.open import Weights

Arrays = dict[str, NDArray[np.float32]]
HIDDEN, LAYERS, HEADS, KEYS, FFN, VOCABULARY = 128, 4, 4, 2, 192, 1024
WIDTH = HIDDEN // HEADS
CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": KEYS,
    "head_dim": WIDTH, "intermediate_size": FFN, "vocab_size": VOCABULARY,
    "tie_word_embeddings": False,
}  # fmt: skip
READERS = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj")


def make_model(seed: int, *, layers: int = LAYERS) -> Arrays:
    """Return a randomly initialised decoder under the usual names."""
    draw = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> NDArray[np.float32]:
        return draw.normal(0, 0.05, (rows, columns)).astype(np.float32)

    found: Arrays = {"model.embed_tokens.weight": matrix(VOCABULARY, HIDDEN)}
    for layer in range(layers):
        stem = f"model.layers.{layer}."
        for name, rows in (("q", HIDDEN), ("k", KEYS * WIDTH), ("v", KEYS * WIDTH), ("o", HIDDEN)):
            found[f"{stem}self_attn.{name}_proj.weight"] = matrix(rows, HIDDEN)
        found[f"{stem}mlp.gate_proj.weight"] = matrix(FFN, HIDDEN)
        found[f"{stem}mlp.up_proj.weight"] = matrix(FFN, HIDDEN)
        found[f"{stem}mlp.down_proj.weight"] = matrix(HIDDEN, FFN)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            gamma = 1 + draw.normal(0, 0.1, HIDDEN)
            found[f"{stem}{norm}.weight"] = gamma.astype(np.float32)
    found["model.norm.weight"] = np.ones(HIDDEN, np.float32)
    found["lm_head.weight"] = matrix(VOCABULARY, HIDDEN)
    return found


def tune(model: Arrays, seed: int, step: float = 0.1) -> Arrays:
    """Return `model` after an update of `step` times its size, orthogonal but for chance."""
    draw = np.random.default_rng([seed, 7])
    return {
        name: (values + draw.normal(0, step * 0.05, values.shape)).astype(np.float32)
        for name, values in model.items()
    }


def adapt(model: Arrays, seed: int, rank: int = 4) -> Arrays:
    """Return `model` with a low-rank update merged into q and v."""
    draw = np.random.default_rng([seed, 8])
    found = dict(model)
    for name, values in model.items():
        if "q_proj" in name or "v_proj" in name:
            left, right = (draw.normal(0, 0.1, (size, rank)) for size in values.shape)
            found[name] = (values + left @ right.T).astype(np.float32)
    return found


def rotate(model: Arrays, seed: int) -> Arrays:
    """Return the same function in a rotated residual stream, norms folded first."""
    draw = np.random.default_rng([seed, 9])
    turn = np.asarray(np.linalg.qr(draw.normal(size=(HIDDEN, HIDDEN)))[0], np.float32)
    found = dict(model)
    for name in model:
        stem, _, leaf = name.removesuffix(".weight").rpartition(".")
        if leaf in READERS:
            norm = "input_layernorm" if "attn" in stem else "post_attention_layernorm"
            layer = stem.rpartition(".")[0]
            found[name] = np.asarray(
                (model[name] * model[f"{layer}.{norm}.weight"]) @ turn, np.float32
            )
        elif leaf in ("o_proj", "down_proj"):
            found[name] = turn.T @ model[name]
        elif leaf in ("embed_tokens", "lm_head"):
            found[name] = model[name] @ turn
        elif leaf.endswith("layernorm"):
            found[name] = np.ones_like(model[name])
    return found


def shuffle_neurons(model: Arrays, seed: int) -> Arrays:
    """Return the same function with feed-forward neurons in another order."""
    draw = np.random.default_rng([seed, 10])
    found = dict(model)
    for name in model:
        if "gate_proj" in name:
            order = draw.permutation(FFN)
            found[name] = model[name][order]
            up, down = (name.replace("gate_proj", other) for other in ("up_proj", "down_proj"))
            found[up], found[down] = model[up][order], model[down][:, order]
    return found


def cut_layers(model: Arrays, keep: list[int]) -> Arrays:
    """Return the model with only the layers `keep`, repeated where they repeat."""
    found = {name: values for name, values in model.items() if ".layers." not in name}
    for new, old in enumerate(keep):
        stem = f"model.layers.{old}."
        for name, values in model.items():
            if name.startswith(stem):
                found[f"model.layers.{new}.{name.removeprefix(stem)}"] = values
    return found


def to_bfloat16(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values rounded to the nearest of bfloat16 (ties up)."""
    bits = np.ascontiguousarray(values).view(np.uint32).astype(np.uint64) + 0x8000
    return (bits.astype(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


def encode(arrays: Mapping[str, NDArray[Any]], dtype: str = "BF16") -> bytes:
    """Return a safetensors file; floats in `dtype`, integer arrays as they are."""
    header, parts, at = {}, [], 0
    for name, values in arrays.items():
        kind, data = _bytes(values, dtype)
        header[name] = {
            "dtype": kind, "shape": list(values.shape), "data_offsets": [at, at + len(data)],
        }  # fmt: skip
        parts.append(data)
        at += len(data)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + b"".join(parts)


def _bytes(values: NDArray[Any], dtype: str) -> tuple[str, bytes]:
    integers = {"int32": "I32", "uint8": "U8", "int8": "I8", "float16": "F16"}
    if values.dtype.name in integers:
        return integers[values.dtype.name], values.tobytes()
    if dtype == "BF16":
        kept = to_bfloat16(values).view(np.uint32) >> 16
        return "BF16", kept.astype("<u2").tobytes()
    return dtype, values.astype({"F32": "<f4", "F16": "<f2"}[dtype]).tobytes()


def files_of(
    arrays: Mapping[str, NDArray[Any]], dtype: str = "BF16", **config: Any
) -> dict[str, bytes]:
    """Return the files of a checkpoint; all have one tokenizer."""
    layers = 1 + max(
        (int(name.split(".")[2]) for name in arrays if name.startswith("model.layers.")),
        default=-1,
    )
    table = {**CONFIG, "num_hidden_layers": layers, **config}
    vocabulary = {f"t{number}": number for number in range(VOCABULARY)}
    tokenizer = {
        "model": {"type": "BPE", "vocab": vocabulary, "merges": []}, "added_tokens": [],
    }  # fmt: skip
    return {
        "config.json": json.dumps(table).encode(),
        "model.safetensors": encode(arrays, dtype),
        "tokenizer.json": json.dumps(tokenizer).encode(),
    }


def write_model(
    folder: Path, arrays: Mapping[str, NDArray[Any]], dtype: str = "BF16", **config: Any
) -> Path:
    """Write the files of a checkpoint into `folder` and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files_of(arrays, dtype, **config).items():
        (folder / name).write_bytes(data)
    return folder


def open_model(
    folder: Path, arrays: Mapping[str, NDArray[Any]], dtype: str = "BF16", **config: Any
) -> Weights:
    """Write a checkpoint and open its weights."""
    write_model(folder, arrays, dtype, **config)
    return open_folder(folder)


def open_folder(folder: Path) -> Weights:
    """Open the weights of a local path."""
    return open_weights(LocalSource(CheckpointRef(str(folder), path=str(folder))))
