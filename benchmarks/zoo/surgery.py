"""Changes of shape: fewer or more layers, fewer neurons, more rows, experts from one network."""

from __future__ import annotations

from dataclasses import replace

import torch

from zoo.design import load_designs
from zoo.network import INITIAL_STANDARD_DEVIATION, Network, Weights


def pick_layers(network: Network, layers: list[int]) -> Network:
    """Return a network whose blocks are copies of `layers`, in that order."""
    weights = {
        name: value for name, value in network.weights.items() if not name.startswith("layers.")
    }
    for place, layer in enumerate(layers):
        start = f"layers.{layer}."
        for name, value in network.weights.items():
            if name.startswith(start):
                weights[f"layers.{place}.{name.removeprefix(start)}"] = value.clone()
    return network.with_weights(weights, layers=len(layers))


def drop_layers(network: Network, layers: list[int]) -> Network:
    """Leave blocks out."""
    kept = [layer for layer in range(network.shape.layers) if layer not in layers]
    return pick_layers(network, kept)


def stack_layers(network: Network, overlap: int) -> Network:
    """Repeat the `overlap` middle blocks, as depth upscaling does (arXiv 2312.15166)."""
    layers = network.shape.layers
    first = (layers + overlap) // 2
    return pick_layers(network, [*range(first), *range(first - overlap, layers)])


def narrow(network: Network, ffn: int) -> Network:
    """Keep the `ffn` neurons of every block whose weights have the largest norms, in order."""
    weights = dict(network.weights)
    for start in list_blocks(network):
        up, down = weights[start + "up.weight"], weights[start + "down.weight"]
        kept = (up.norm(dim=1) * down.norm(dim=0)).topk(ffn).indices.sort().values
        pick_neurons(weights, start, kept)
    return network.with_weights(weights, ffn=ffn)


def list_blocks(network: Network) -> list[str]:
    """Return the beginning of the names of every feed-forward block, experts one by one."""
    return sorted(
        name.removesuffix("up.weight") for name in network.weights if name.endswith(".up.weight")
    )


def pick_neurons(weights: Weights, start: str, kept: torch.Tensor) -> None:
    """Keep or reorder the neurons of one feed-forward block, in place of the dict's entries."""
    for role in ("gate", "up"):
        for ending in (".weight", ".bias"):
            if start + role + ending in weights:
                weights[start + role + ending] = weights[start + role + ending][kept]
    weights[start + "down.weight"] = weights[start + "down.weight"][:, kept]


def sparsify(network: Network, share: float) -> Network:
    """Set the smallest `share` of every block matrix to zero."""
    weights = dict(network.weights)
    for name, value in weights.items():
        if name.startswith("layers.") and value.ndim == 2:
            size = value.abs().flatten().kthvalue(max(1, int(value.numel() * share))).values
            weights[name] = value * (value.abs() > size)
    return network.with_weights(weights)


def grow_vocabulary(network: Network, rows: int, seed: int) -> Network:
    """Add rows near the mean row, as resizing token embeddings does."""
    generator = torch.Generator().manual_seed(seed)
    weights = dict(network.weights)
    for name in ("embedding.weight", "head.weight"):
        if name in weights:
            value = weights[name]
            noise = torch.randn(rows, value.shape[1], generator=generator)
            mean = value.mean(0, keepdim=True)
            weights[name] = torch.cat([value, mean + 0.01 * noise])
    return network.with_weights(weights, vocab=network.shape.vocab + rows)


def upcycle(network: Network, experts: int, seed: int) -> Network:
    """Copy every feed-forward block into `experts` experts behind a new router."""
    assert network.design.upcycled
    design = replace(load_designs()[network.design.upcycled], tied=network.design.tied)
    generator = torch.Generator().manual_seed(seed)
    weights: Weights = {}
    for name, value in network.weights.items():
        layer, _, role = name.rpartition(".")[0].rpartition(".")
        if role in ("gate", "up", "down"):
            for expert in range(experts):
                weights[f"{layer}.experts.{expert}.{role}.weight"] = value.clone()
        else:
            weights[name] = value
    for place in range(network.shape.layers):
        router = torch.randn(experts, network.shape.hidden, generator=generator)
        weights[f"layers.{place}.router.weight"] = router * INITIAL_STANDARD_DEVIATION
    grown = replace(network, design=design)
    return grown.with_weights(weights, experts=experts, experts_per_token=2)
