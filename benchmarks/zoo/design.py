"""What a network of the zoo computes and how the Hub stores it: `designs.toml`, read."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("designs.toml")


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of one network; `experts` is 0 for a dense one."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    ffn: int
    vocab: int
    head_dim: int = 32
    experts: int = 0
    experts_per_token: int = 0


@dataclass(frozen=True, slots=True)
class Design:
    """One architecture."""

    key: str
    architecture: str
    norm: str
    """`rms` or `layer`; the latter has a bias."""
    gated: bool
    tied: bool
    biases: tuple[str, ...]
    """Roles whose linear map has a bias."""
    config: dict[str, Any]
    tensors: dict[str, str]
    """Role to stored name, without the `.weight` or `.bias` at its end."""
    rotary_fraction: float = 1.0
    parallel_residual: bool = False
    fused_qkv: str | None = None
    """Stored name of the matrix that holds q, k and v of every head in turn."""
    multi_query: bool = True
    """Whether fewer key heads than query heads can be stored."""
    experts: int = 0
    experts_per_token: int = 0
    gguf: str | None = None
    """Name of the architecture in GGUF files, where the zoo writes them."""
    gguf_rotary_rows_permuted: bool = False
    """llama.cpp stores q and k rows of this architecture with rotary pairs interleaved."""
    upcycled: str | None = None
    """Key of the design that a network with copied experts has."""


@cache
def load_designs() -> dict[str, Design]:
    """Return every design by its key."""
    table = tomllib.loads(PATH.read_text(encoding="utf-8"))
    return {
        key: Design(key=key, **(entry | {"biases": tuple(entry["biases"])}))
        for key, entry in table.items()
    }


def build_config(design: Design, shape: Shape) -> dict[str, Any]:
    """Return the fields of config.json."""
    sizes = asdict(shape)
    config = {
        key: sizes[value[1:]] if isinstance(value, str) and value.startswith("$") else value
        for key, value in design.config.items()
    }
    return {
        "architectures": [design.architecture],
        "tie_word_embeddings": design.tied,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "use_cache": True,
        **config,
    }


def walk_matrices(design: Design, shape: Shape) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield (role name, shape) of every matrix, in the order they are drawn at initialisation."""
    hidden, width = shape.hidden, shape.head_dim
    yield "embedding", (shape.vocab, hidden)
    for layer in range(shape.layers):
        start = f"layers.{layer}."
        yield start + "q", (shape.heads * width, hidden)
        yield start + "k", (shape.kv_heads * width, hidden)
        yield start + "v", (shape.kv_heads * width, hidden)
        yield start + "o", (hidden, shape.heads * width)
        if shape.experts:
            yield start + "router", (shape.experts, hidden)
        blocks = [f"experts.{expert}." for expert in range(shape.experts)] or [""]
        for block in blocks:
            if design.gated:
                yield f"{start}{block}gate", (shape.ffn, hidden)
            yield f"{start}{block}up", (shape.ffn, hidden)
            yield f"{start}{block}down", (hidden, shape.ffn)
    if not design.tied:
        yield "head", (shape.vocab, hidden)


def walk_norms(shape: Shape) -> Iterator[str]:
    """Yield the role name of every normalisation."""
    for layer in range(shape.layers):
        yield f"layers.{layer}.attention_norm"
        yield f"layers.{layer}.mlp_norm"
    yield "final_norm"
