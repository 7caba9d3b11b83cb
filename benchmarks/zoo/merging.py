"""Merges of networks of one shape: linear, spherical, TIES and DARE."""

from __future__ import annotations

import torch

from zoo.network import Network, Weights


def merge_linear(first: Network, second: Network, share: float) -> Network:
    """Return share x first + (1 - share) x second."""
    return first.with_weights(
        {
            name: share * value + (1 - share) * second.weights[name]
            for name, value in first.weights.items()
        }
    )


def merge_slerp(first: Network, second: Network, share: float) -> Network:
    """Interpolate every tensor on the sphere; `share` is the first one's, as in `merge_linear`."""
    weights: Weights = {}
    for name, value in first.weights.items():
        other = second.weights[name]
        cosine = torch.dot(value.flatten(), other.flatten()) / (value.norm() * other.norm() + 1e-12)
        angle = torch.acos(cosine.clamp(-1, 1))
        if angle < 1e-4:
            weights[name] = share * value + (1 - share) * other
        else:
            mixed = torch.sin(share * angle) * value + torch.sin((1 - share) * angle) * other
            weights[name] = mixed / torch.sin(angle)
    return first.with_weights(weights)


def merge_ties(base: Network, members: list[Network], density: float) -> Network:
    """Trim each delta to its largest `density`, elect signs, average what agrees (2306.01708)."""
    weights: Weights = {}
    for name, value in base.weights.items():
        deltas = torch.stack([member.weights[name] - value for member in members]).flatten(1)
        least = max(1, int(deltas.shape[1] * (1 - density)))
        size = deltas.abs().kthvalue(least, dim=1).values[:, None]
        deltas = deltas * (deltas.abs() > size)
        agreeing = (deltas.sign() == deltas.sum(0).sign()) & (deltas != 0)
        mean = (deltas * agreeing).sum(0) / agreeing.sum(0).clamp_min(1)
        weights[name] = value + mean.view_as(value)
    return base.with_weights(weights)


def merge_dare(base: Network, members: list[Network], drop: float, seed: int) -> Network:
    """Drop deltas at random, rescale what is left, and average (2311.03099)."""
    generator = torch.Generator().manual_seed(seed)
    weights: Weights = {}
    for name, value in base.weights.items():
        total = value.clone()
        for member in members:
            kept = torch.rand(value.shape, generator=generator) > drop
            total += (member.weights[name] - value) * kept / (1 - drop) / len(members)
        weights[name] = total
    return base.with_weights(weights)
