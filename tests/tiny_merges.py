"""Merges of small checkpoints, as merge tools compute them."""

from __future__ import annotations

import numpy as np

from tiny_models import Arrays, to_bfloat16


def mix(a: Arrays, b: Arrays, share: float) -> Arrays:
    return {name: share * to_bfloat16(a[name]) + (1 - share) * to_bfloat16(b[name]) for name in a}


def merge_dare(base: Arrays, sides: list[Arrays], drop: float) -> Arrays:
    draw = np.random.default_rng(11)
    found = {}
    for name, start in base.items():
        root = to_bfloat16(start)
        kept = [
            (to_bfloat16(side[name]) - root) * (draw.random(root.shape) > drop) / (1 - drop)
            for side in sides
        ]
        found[name] = (root + sum(kept) / len(sides)).astype(np.float32)
    return found


def merge_ties(base: Arrays, sides: list[Arrays], density: float) -> Arrays:
    found = {}
    for name, start in base.items():
        root = to_bfloat16(start)
        deltas = np.stack([to_bfloat16(side[name]) - root for side in sides])
        flat = np.abs(deltas).reshape(len(sides), -1)
        least = np.quantile(flat, 1 - density, axis=1).reshape(-1, *(1,) * root.ndim)
        deltas = deltas * (np.abs(deltas) > least)
        agreeing = (np.sign(deltas) == np.sign(deltas.sum(axis=0))) & (deltas != 0)
        mean = (deltas * agreeing).sum(axis=0) / np.maximum(agreeing.sum(axis=0), 1)
        found[name] = (root + mean).astype(np.float32)
    return found


def turn(a: Arrays, b: Arrays, share: float) -> Arrays:
    """Return the spherical merge, matrix by matrix."""
    found = {}
    for name in a:
        one, other = (to_bfloat16(side[name]).astype(np.float64) for side in (a, b))
        cosine = (one * other).sum() / np.linalg.norm(one) / np.linalg.norm(other)
        angle = np.arccos(np.clip(cosine, -1, 1))
        shares = [np.sin(part * angle) / np.sin(angle) if angle else part
                  for part in (share, 1 - share)]  # fmt: skip
        found[name] = (shares[0] * one + shares[1] * other).astype(np.float32)
    return found
