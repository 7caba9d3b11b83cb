"""Copies that compute the same under other weights, with layers too large to be read whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from famtree.weights.open import Weights
from famtree.weights.pair import compare_weights
from famtree.weights.results import PairResult
from famtree.weights.row_gram import gram_z
from famtree.weights.token_probe import MAX_BYTES
from tiny_models import Arrays, open_model

HIDDEN, FFN, HEADS, KEYS, LAYERS, VOCABULARY = 256, 8192, 4, 4, 2, 1024
WIDTH = HIDDEN // HEADS
SHAPE: dict[str, Any] = {
    "hidden_size": HIDDEN, "intermediate_size": FFN, "num_attention_heads": HEADS,
    "num_key_value_heads": KEYS, "head_dim": WIDTH,
}  # fmt: skip
READERS = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj")


def make(seed: int) -> Arrays:
    """Return a model of heavy-tailed weights whose layers take 8 MB of gate and up alone."""
    draw = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> np.ndarray:
        return (draw.standard_t(5, (rows, columns)) * 0.03).astype(np.float32)

    found: Arrays = {"model.embed_tokens.weight": matrix(VOCABULARY, HIDDEN)}
    for layer in range(LAYERS):
        stem = f"model.layers.{layer}."
        for name in "qkvo":
            found[f"{stem}self_attn.{name}_proj.weight"] = matrix(HIDDEN, HIDDEN)
        for name in ("gate", "up"):
            found[f"{stem}mlp.{name}_proj.weight"] = matrix(FFN, HIDDEN)
        found[f"{stem}mlp.down_proj.weight"] = matrix(HIDDEN, FFN)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            gamma = 1 + draw.normal(0, 0.2, HIDDEN)
            found[f"{stem}{norm}.weight"] = gamma.astype(np.float32)
    found["model.norm.weight"] = np.ones(HIDDEN, np.float32)
    found["lm_head.weight"] = matrix(VOCABULARY, HIDDEN)
    return found


def turn(model: Arrays, matrix: np.ndarray) -> Arrays:
    """Return the model in a residual stream turned by an orthogonal matrix, norms folded first."""
    found = dict(model)
    for name, values in model.items():
        stem, _, leaf = name.removesuffix(".weight").rpartition(".")
        if leaf in READERS:
            norm = "input_layernorm" if "attn" in stem else "post_attention_layernorm"
            gamma = model[f"{stem.rpartition('.')[0]}.{norm}.weight"]
            found[name] = ((values * gamma) @ matrix).astype(np.float32)
        elif leaf in ("o_proj", "down_proj"):
            found[name] = (matrix.T @ values).astype(np.float32)
        elif leaf in ("embed_tokens", "lm_head"):
            found[name] = (values @ matrix).astype(np.float32)
        elif leaf.endswith("layernorm"):
            found[name] = np.ones_like(values)
    return found


def rotate(model: Arrays) -> Arrays:
    draw = np.random.default_rng(11)
    return turn(model, np.linalg.qr(draw.normal(size=(HIDDEN, HIDDEN)))[0].astype(np.float32))


def permute_hidden(model: Arrays) -> Arrays:
    order = np.random.default_rng(12).permutation(HIDDEN)
    return turn(model, np.eye(HIDDEN, dtype=np.float32)[order])


def flip_signs(model: Arrays) -> Arrays:
    signs = np.random.default_rng(13).choice([-1.0, 1.0], HIDDEN)
    return turn(model, np.diag(signs).astype(np.float32))


def permute_neurons(model: Arrays) -> Arrays:
    draw, found = np.random.default_rng(14), dict(model)
    for layer in range(LAYERS):
        order, stem = draw.permutation(FFN), f"model.layers.{layer}.mlp."
        for leaf in ("gate", "up"):
            found[f"{stem}{leaf}_proj.weight"] = model[f"{stem}{leaf}_proj.weight"][order]
        found[f"{stem}down_proj.weight"] = model[f"{stem}down_proj.weight"][:, order]
    return found


def permute_heads(model: Arrays) -> Arrays:
    draw, found = np.random.default_rng(15), dict(model)
    for layer in range(LAYERS):
        heads, stem = draw.permutation(HEADS), f"model.layers.{layer}.self_attn."
        order = np.concatenate([np.arange(WIDTH) + head * WIDTH for head in heads])
        for leaf in "qkv":
            found[f"{stem}{leaf}_proj.weight"] = model[f"{stem}{leaf}_proj.weight"][order]
        found[f"{stem}o_proj.weight"] = model[f"{stem}o_proj.weight"][:, order]
    return found


def scale_rows(model: Arrays) -> Arrays:
    """Scale values against o and up against down, row by row."""
    draw, found = np.random.default_rng(16), dict(model)
    for name, values in model.items():
        for reader, writer in (("v_proj", "o_proj"), ("up_proj", "down_proj")):
            if reader in name:
                factor = np.exp(draw.normal(0, 0.5, len(values))).astype(np.float32)
                found[name] = values * factor[:, None]
                other = name.replace(reader, writer)
                found[other] = model[other] / factor
    return found


def embed_anew(model: Arrays) -> Arrays:
    fresh = make(99)
    return {name: fresh[name] if "embed" in name or "head" in name else values
            for name, values in model.items()}  # fmt: skip


def train(model: Arrays, step: float = 0.2) -> Arrays:
    draw = np.random.default_rng(17)
    return {name: (values + draw.normal(0, step * values.std(), values.shape)).astype(np.float32)
            for name, values in model.items()}  # fmt: skip


DISGUISES = {
    "rotated": (rotate,),
    "hidden axis permuted": (permute_hidden,),
    "signs": (flip_signs,),
    "neurons permuted": (permute_neurons,),
    "heads permuted": (permute_heads,),
    "heads and neurons permuted": (permute_heads, permute_neurons),
    "scaled": (scale_rows,),
    "hidden axis and neurons permuted": (permute_neurons, permute_hidden),
    "rotated, neurons permuted": (permute_neurons, rotate),
    "rotated, new embeddings": (rotate, embed_anew),
    "rotated, heads and neurons permuted, scaled": (
        permute_heads, permute_neurons, scale_rows, rotate,
    ),
    "all of it, and trained on": (
        permute_heads, permute_neurons, scale_rows, rotate, embed_anew, train,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def base() -> Arrays:
    return make(1)


@pytest.fixture
def parent(tmp_path: Path, base: Arrays) -> Weights:
    return open_model(tmp_path / "parent", base, **SHAPE)


def compare(place: Path, model: Arrays, parent: Weights) -> PairResult:
    return compare_weights(open_model(place / "child", model, **SHAPE), parent)


def test_whole_layers_are_beyond_the_limit() -> None:
    assert 2 * 2 * FFN * HIDDEN > MAX_BYTES


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_disguise_is_seen_through(
    tmp_path: Path, base: Arrays, parent: Weights, disguise: str
) -> None:
    model = base
    for step in DISGUISES[disguise]:
        model = step(model)
    found = compare(tmp_path, model, parent)
    assert found.verdict == "derived", found.reason


def test_strangers_of_that_size_are_independent(tmp_path: Path, parent: Weights) -> None:
    found = compare(tmp_path, make(2), parent)
    assert found.verdict == "independent", found.reason
    assert found.gram is not None
    assert found.gram.z < 4


def test_common_directions_of_rows_are_no_evidence() -> None:
    scores = []
    for seed in range(200):
        draw = np.random.default_rng(seed)
        grams = []
        for _ in range(2):
            # Rows of a model lean, each in its own measure, towards one direction.
            rows = draw.normal(size=(64, 128)) + np.outer(draw.normal(1, 0.5, 64), np.ones(128))
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            grams.append(rows @ rows.T)
        scores.append(gram_z(*grams))
    assert abs(np.mean(scores)) < 0.3
    assert np.std(scores) < 1.3
    assert max(scores) < 4.5
