"""Repositories of any size with the real shapes of released models; no byte of them is held.

Weights are made from their own position: the same seed gives the same bytes, and a derived
repository has its parent's bytes but for the low bits of each number.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from hub.repository import HubFile, git_blob, make_file, pointer

_BLOCK = 1 << 12
"""Numbers that are drawn together."""


@dataclass(frozen=True)
class Shape:
    """A decoder with grouped attention, gated feed-forward and RMS norms."""

    name: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    ffn: int
    vocab: int
    shards: int
    head_dim: int = 128


SHAPES = (
    Shape("0.5B", 896, 24, 14, 2, 4864, 151936, 1, 64),
    Shape("1B", 2048, 16, 32, 8, 8192, 128256, 1, 64),
    Shape("8B", 4096, 32, 32, 8, 14336, 128256, 4),
    Shape("70B", 8192, 80, 64, 8, 28672, 128256, 30),
    Shape("405B", 16384, 126, 128, 8, 53248, 128256, 191),
)


def make_giant(shape: Shape, *, seed: int, changed: int = 0) -> dict[str, bytes | HubFile]:
    """Return the files of a repository; `changed` > 0 makes it a derivative of the same seed."""
    shards = _deal(shape)
    weight_map: dict[str, str] = {}
    files: dict[str, bytes | HubFile] = {}
    for number, tensors in enumerate(shards, 1):
        name = "model.safetensors"
        if shape.shards > 1:
            name = f"model-{number:05d}-of-{shape.shards:05d}.safetensors"
        files[name] = _shard(name, tensors, seed * 1009 + number, changed)
        weight_map |= dict.fromkeys(tensors, name)
    if shape.shards > 1:
        total = 2 * sum(a * b for one in shards for a, b in one.values())
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        files["model.safetensors.index.json"] = json.dumps(index, indent=2).encode()
    files["config.json"] = json.dumps(_config(shape)).encode()
    # Only its hash is looked at: both sides have the same.
    files["tokenizer.json"] = make_file("tokenizer.json", b'{"model": {}}' + b" " * 400)
    return files


def _config(shape: Shape) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "intermediate_size": shape.ffn,
        "vocab_size": shape.vocab,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
    }


def _deal(shape: Shape) -> list[dict[str, tuple[int, int]]]:
    """Return tensors by shard, dealt in order of depth into shards of about one size."""
    inner, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    groups: list[dict[str, tuple[int, int]]] = [
        {"model.embed_tokens.weight": (shape.vocab, shape.hidden)}
    ]
    for layer in range(shape.layers):
        stem = f"model.layers.{layer}."
        groups.append(
            {
                f"{stem}input_layernorm.weight": (1, shape.hidden),
                f"{stem}mlp.down_proj.weight": (shape.hidden, shape.ffn),
                f"{stem}mlp.gate_proj.weight": (shape.ffn, shape.hidden),
                f"{stem}mlp.up_proj.weight": (shape.ffn, shape.hidden),
                f"{stem}post_attention_layernorm.weight": (1, shape.hidden),
                f"{stem}self_attn.k_proj.weight": (keys, shape.hidden),
                f"{stem}self_attn.o_proj.weight": (shape.hidden, inner),
                f"{stem}self_attn.q_proj.weight": (inner, shape.hidden),
                f"{stem}self_attn.v_proj.weight": (keys, shape.hidden),
            }
        )
    groups.append(
        {"model.norm.weight": (1, shape.hidden), "lm_head.weight": (shape.vocab, shape.hidden)}
    )
    # As releases do, blocks are cut between shards wherever one is full.
    tensors = [item for group in groups for item in group.items()]
    total = sum(a * b for _, (a, b) in tensors)
    shards: list[dict[str, tuple[int, int]]] = [{} for _ in range(shape.shards)]
    done = 0
    for name, (rows, columns) in tensors:
        shards[min(done * shape.shards // total, shape.shards - 1)][name] = (rows, columns)
        done += rows * columns
    return shards


def _shard(name: str, tensors: dict[str, tuple[int, int]], seed: int, changed: int) -> HubFile:
    header, at = {}, 0
    for tensor, (rows, columns) in tensors.items():
        size = rows * columns * 2
        shape = [columns] if rows == 1 else [rows, columns]
        header[tensor] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    head = len(text).to_bytes(8, "little") + text
    size = len(head) + at

    def read(start: int, stop: int) -> bytes:
        stop = min(stop, size)
        parts = [head[start:stop]]
        first, last = max(start - len(head), 0), max(stop - len(head), 0)
        if last > first:
            numbers = _numbers(first // 2, -(-last // 2), seed, changed)
            parts.append(numbers[first % 2 : first % 2 + last - first])
        return b"".join(parts)

    digest = sha256(f"{name} {seed} {changed}".encode() + head).hexdigest()
    return HubFile(name, size, read, True, git_blob(pointer(digest, size)), digest)


def _numbers(first: int, last: int, seed: int, changed: int) -> bytes:
    parts = []
    for block in range(first // _BLOCK, (last - 1) // _BLOCK + 1):
        values = np.random.default_rng([seed, block]).normal(0, 0.02, _BLOCK)
        if changed:
            values += np.random.default_rng([seed, block, changed]).normal(0, 0.002, _BLOCK)
        parts.append((values.astype("<f4").view("<u4") >> 16).astype("<u2"))
    skip = first - first // _BLOCK * _BLOCK
    return np.concatenate(parts)[skip : skip + last - first].tobytes()
