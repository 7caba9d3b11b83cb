"""The networks themselves: initialisation and forward pass, on weights kept by role.

A network's weights are a dict from role names (`layers.2.q.weight`) to float32 tensors, the same
names for every design. `storage` turns them into the names the Hub uses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch.nn import functional

from zoo.design import Design, Shape, walk_matrices, walk_norms

Weights = dict[str, torch.Tensor]
INITIAL_STANDARD_DEVIATION = 0.02
ROTARY_BASE = 10000.0
EPSILON = {"rms": 1e-6, "layer": 1e-5}


@dataclass(frozen=True, slots=True)
class Network:
    """A design, a shape, and weights by role name."""

    design: Design
    shape: Shape
    weights: Weights

    def with_weights(self, weights: Weights, **sizes: int) -> Network:
        """Return this network with other weights, and with `sizes` changed in its shape."""
        return replace(self, weights=weights, shape=replace(self.shape, **sizes))


def draw_network(design: Design, shape: Shape, seed: int) -> Network:
    """Return freshly initialised weights: N(0, 0.02) matrices, unit norms, zero biases."""
    generator = torch.Generator().manual_seed(seed)
    weights: Weights = {}
    for name, size in walk_matrices(design, shape):
        weights[name + ".weight"] = (
            torch.randn(*size, generator=generator) * INITIAL_STANDARD_DEVIATION
        )
        if name.rpartition(".")[2] in design.biases:
            weights[name + ".bias"] = torch.zeros(size[0])
    for name in walk_norms(shape):
        weights[name + ".weight"] = torch.ones(shape.hidden)
        if design.norm == "layer":
            weights[name + ".bias"] = torch.zeros(shape.hidden)
    return Network(design, shape, weights)


def count_layers(weights: Weights) -> int:
    """Return how many blocks the weights have."""
    found = (re.match(r"layers\.(\d+)\.", name) for name in weights)
    return 1 + max(int(match[1]) for match in found if match)


@cache
def _make_rotary(width: int, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    inverse = 1.0 / ROTARY_BASE ** (torch.arange(0, width, 2).float() / width)
    angles = torch.outer(torch.arange(length).float(), inverse)
    angles = torch.cat([angles, angles], -1)
    return angles.cos(), angles.sin()


def _rotate(states: torch.Tensor, width: int) -> torch.Tensor:
    """Turn the first `width` dimensions of every head (half-split rotary pairs)."""
    cosine, sine = _make_rotary(width, states.shape[-2])
    turned, kept = states[..., :width], states[..., width:]
    first, second = turned.chunk(2, -1)
    turned = turned * cosine + torch.cat([-second, first], -1) * sine
    return torch.cat([turned, kept], -1) if kept.shape[-1] else turned


class _Pass:
    """One forward pass; `inputs`, where given, collects what every linear map receives."""

    def __init__(self, network: Network, inputs: Weights | None = None) -> None:
        self.design = network.design
        self.shape = network.shape
        self.weights = network.weights
        self.inputs = inputs

    def normalise(self, states: torch.Tensor, name: str) -> torch.Tensor:
        scale = self.weights[name + ".weight"]
        epsilon = EPSILON[self.design.norm]
        if self.design.norm == "layer":
            bias = self.weights[name + ".bias"]
            return functional.layer_norm(states, scale.shape, scale, bias, epsilon)
        return functional.rms_norm(states, scale.shape, scale, epsilon)

    def linear(self, states: torch.Tensor, name: str) -> torch.Tensor:
        if self.inputs is not None:
            self.inputs[name] = states.detach().flatten(0, -2)
        return functional.linear(
            states, self.weights[name + ".weight"], self.weights.get(name + ".bias")
        )

    def attend(self, states: torch.Tensor, start: str) -> torch.Tensor:
        batch, length, _ = states.shape
        width = self.shape.head_dim
        rotary = int(width * self.design.rotary_fraction)
        q, k, v = (
            self.linear(states, start + name).view(batch, length, -1, width).transpose(1, 2)
            for name in "qkv"
        )
        mixed = functional.scaled_dot_product_attention(
            _rotate(q, rotary), _rotate(k, rotary), v, is_causal=True, enable_gqa=True
        )
        return self.linear(mixed.transpose(1, 2).flatten(2), start + "o")

    def feed(self, states: torch.Tensor, start: str) -> torch.Tensor:
        if self.design.gated:
            gate = functional.silu(self.linear(states, start + "gate"))
            return self.linear(gate * self.linear(states, start + "up"), start + "down")
        return self.linear(functional.gelu(self.linear(states, start + "up")), start + "down")

    def route(self, states: torch.Tensor, start: str) -> torch.Tensor:
        """Mix the chosen experts; all are computed, which is cheap at this size."""
        scores, chosen = self.linear(states, start + "router").topk(
            self.shape.experts_per_token, -1
        )
        shares = scores.softmax(-1)
        mixed = torch.zeros_like(states)
        for expert in range(self.shape.experts):
            share = (shares * (chosen == expert)).sum(-1, keepdim=True)
            mixed = mixed + share * self.feed(states, f"{start}experts.{expert}.")
        return mixed

    def run(self, tokens: torch.Tensor) -> torch.Tensor:
        states = functional.embedding(tokens, self.weights["embedding.weight"])
        feed = self.route if self.shape.experts else self.feed
        for layer in range(self.shape.layers):
            start = f"layers.{layer}."
            attended = self.attend(self.normalise(states, start + "attention_norm"), start)
            before = states
            states = states + attended
            source = before if self.design.parallel_residual else states
            states = states + feed(self.normalise(source, start + "mlp_norm"), start)
        states = self.normalise(states, "final_norm")
        head = "embedding" if self.design.tied else "head"
        return functional.linear(states, self.weights[head + ".weight"])


def predict(network: Network, tokens: torch.Tensor) -> torch.Tensor:
    """Return logits, batch x length x vocabulary."""
    return _Pass(network).run(tokens)


def record_inputs(network: Network, tokens: torch.Tensor) -> Weights:
    """Return what every linear map receives, by role name: samples x inputs."""
    inputs: Weights = {}
    with torch.no_grad():
        _Pass(network, inputs).run(tokens)
    return inputs
