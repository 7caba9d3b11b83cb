"""Changes of the weights that leave the function alone: what hides a copy from a comparison."""

from __future__ import annotations

from dataclasses import replace

import torch

from zoo.network import Network, Weights
from zoo.surgery import list_blocks, pick_neurons

READERS = {
    "attention_norm": ("q", "k", "v"),
    "mlp_norm": ("router", "gate", "up"),
    "final_norm": ("head",),
}
WRITERS = ("o", "down")


def _role(name: str) -> str:
    return name.split(".")[-2]


def permute_neurons(network: Network, seed: int) -> Network:
    """Reorder the neurons of every feed-forward block."""
    generator = torch.Generator().manual_seed(seed)
    weights = dict(network.weights)
    for start in list_blocks(network):
        pick_neurons(weights, start, torch.randperm(network.shape.ffn, generator=generator))
    return network.with_weights(weights)


def permute_heads(network: Network, seed: int) -> Network:
    """Reorder the key heads of every layer, and the query heads within each key head's group."""
    generator = torch.Generator().manual_seed(seed)
    weights = dict(network.weights)
    shape = network.shape
    group = shape.heads // shape.kv_heads

    def rows(heads: torch.Tensor) -> torch.Tensor:
        return (heads[:, None] * shape.head_dim + torch.arange(shape.head_dim)).flatten()

    for layer in range(shape.layers):
        start = f"layers.{layer}."
        keys = torch.randperm(shape.kv_heads, generator=generator)
        queries = torch.cat(
            [int(key) * group + torch.randperm(group, generator=generator) for key in keys]
        )
        for role, heads in (("q", queries), ("k", keys), ("v", keys)):
            for ending in (".weight", ".bias"):
                if start + role + ending in weights:
                    weights[start + role + ending] = weights[start + role + ending][rows(heads)]
        output = start + "o.weight"
        weights[output] = weights[output][:, rows(queries)]
    return network.with_weights(weights)


def _turn_hidden(network: Network, turn: torch.Tensor) -> Network:
    """Apply an orthogonal hidden x hidden matrix to the residual stream."""
    weights: Weights = {}
    for name, value in network.weights.items():
        if _role(name) in WRITERS:
            weights[name] = turn.T @ value
        elif value.ndim == 2:
            weights[name] = value @ turn
        else:
            weights[name] = value
    return network.with_weights(weights)


def permute_hidden(network: Network, seed: int) -> Network:
    """Reorder the residual stream; where the norm has no mean, flip signs as well."""
    generator = torch.Generator().manual_seed(seed)
    hidden = network.shape.hidden
    order = torch.randperm(hidden, generator=generator)
    signs = (torch.rand(hidden, generator=generator) > 0.5).float() * 2 - 1
    if network.design.norm == "layer":
        signs = torch.ones(hidden)
    turned = _turn_hidden(network, torch.eye(hidden)[:, order] * signs)
    weights = dict(turned.weights)
    for name, value in weights.items():
        # Scales commute with sign flips; only their order follows the stream's.
        if _role(name).endswith("norm"):
            weights[name] = value[order]
    return turned.with_weights(weights)


def fold_norms(network: Network) -> Network:
    """Multiply every norm's scale into the maps that read it, and set the norm to ones.

    A tied head is untied first: the embedding itself is not behind the last norm.
    """
    assert network.design.norm == "rms"
    weights = {name: value.clone() for name, value in network.weights.items()}
    if network.design.tied:
        weights["head.weight"] = weights["embedding.weight"].clone()
    for name in network.weights:
        if not _role(name).endswith("norm"):
            continue
        start = name.removesuffix(f"{_role(name)}.weight")
        for other, value in weights.items():
            read = other.startswith(start) and _role(other) in READERS[_role(name)]
            if read and value.ndim == 2:
                weights[other] = value * weights[name]
        weights[name] = torch.ones_like(weights[name])
    untied = replace(network, design=replace(network.design, tied=False))
    return untied.with_weights(weights)


def rotate(network: Network, seed: int) -> Network:
    """Fold the norms, then turn the residual stream by a random rotation."""
    generator = torch.Generator().manual_seed(seed)
    hidden = network.shape.hidden
    turn, _ = torch.linalg.qr(torch.randn(hidden, hidden, generator=generator))
    return _turn_hidden(fold_norms(network), turn)


def scale(network: Network, seed: int) -> Network:
    """Mix values and outputs, and scale queries against keys and up against down projections."""
    generator = torch.Generator().manual_seed(seed)
    weights = {name: value.clone() for name, value in network.weights.items()}
    shape, width = network.shape, network.shape.head_dim
    group = shape.heads // shape.kv_heads

    def change(name: str, rows: slice, factor: torch.Tensor) -> None:
        for ending in (".weight", ".bias"):
            if name + ending in weights:
                value = weights[name + ending]
                value[rows] = factor @ value[rows] if factor.ndim == 2 else factor * value[rows]

    for layer in range(shape.layers):
        start = f"layers.{layer}."
        for key in range(shape.kv_heads):
            mix, _ = torch.linalg.qr(torch.randn(width, width, generator=generator))
            factor = torch.rand(1, generator=generator) + 0.5
            change(start + "v", slice(key * width, (key + 1) * width), mix)
            change(start + "k", slice(key * width, (key + 1) * width), factor)
            for query in range(key * group, (key + 1) * group):
                rows = slice(query * width, (query + 1) * width)
                change(start + "q", rows, 1 / factor)
                output = weights[start + "o.weight"]
                output[:, rows] = output[:, rows] @ mix.T
    if network.design.gated:
        for block in list_blocks(network):
            sizes = torch.rand(shape.ffn, generator=generator) + 0.5
            weights[block + "up.weight"] *= sizes[:, None]
            weights[block + "down.weight"] /= sizes
    return network.with_weights(weights)
