"""A small family of random weights, and ways to make copies of its members."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from famtree.weights.open import Weights
from tiny_models import Arrays, open_model


class Family:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.arrays: dict[str, Arrays] = {}
        self.weights: dict[str, Weights] = {}

    def add(self, name: str, arrays: Arrays, dtype: str = "BF16", **config: int) -> Weights:
        self.arrays[name] = arrays
        self.weights[name] = open_model(self.folder / name, arrays, dtype, **config)
        return self.weights[name]


def quantize(model: Arrays) -> Arrays:
    found = dict(model)
    for name, values in model.items():
        if ".layers." in name and values.ndim == 2:
            scale = np.abs(values).max(axis=1, keepdims=True) / 7
            found[name] = (np.round(values / scale) * scale).astype(np.float32)
    return found


def prune(model: Arrays) -> Arrays:
    return {
        name: np.where(np.abs(values) < np.median(np.abs(values)), 0, values).astype(np.float32)
        if values.ndim == 2
        else values
        for name, values in model.items()
    }


def narrow(model: Arrays, kept: int = 96) -> Arrays:
    """Return `model` with only the first feed-forward neurons of each layer."""
    found = dict(model)
    for name, values in model.items():
        if "gate_proj" in name or "up_proj" in name:
            found[name] = values[:kept].copy()
        elif "down_proj" in name:
            found[name] = values[:, :kept].copy()
    return found
