"""Strangers into which parts of a parent were copied, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from famtree.weights.draw import Draw
from famtree.weights.evenness import measure_evenness
from famtree.weights.open import Weights
from famtree.weights.pair import compare_weights
from famtree.weights.places import draw_stretch
from famtree.weights.plan import block_windows, choose_columns, spread_layers
from tiny_models import (
    HIDDEN,
    LAYERS,
    READERS,
    Arrays,
    make_model,
    open_model,
    rotate,
    shuffle_neurons,
    tune,
)

ROLES = dict(zip(("q", "k", "v", "gate", "up"), READERS, strict=True))
MODULES = {"q_proj": "self_attn", "k_proj": "self_attn", "v_proj": "self_attn"}
VERIFIED = ("same-weights", "derived")


@pytest.fixture
def parent(tmp_path: Path) -> Weights:
    return open_model(tmp_path / "parent", make_model(1))


def name_of(role: str, layer: int) -> str:
    leaf = ROLES[role]
    return f"model.layers.{layer}.{MODULES.get(leaf, 'mlp')}.{leaf}.weight"


def copy_planned_rows(stranger: Arrays, base: Arrays) -> Arrays:
    """Copy what a plan without a key reads: rows, columns and tokens that everybody can list."""
    found = {name: values.copy() for name, values in stranger.items()}
    layers = spread_layers(LAYERS)
    for window in block_windows(layers, choose_columns(HIDDEN), draws=(0, 1, 2, 3)):
        name = name_of(window.role, window.layer)
        rows = [row for row in window.rows if row < len(base[name])]
        found[name][rows] = base[name][rows]
    table = "model.embed_tokens.weight"
    found[table][256:260] = base[table][256:260]
    return found


def copy_some(stranger: Arrays, base: Arrays, chosen: Callable[[str], bool]) -> Arrays:
    return {name: base[name] if chosen(name) else values for name, values in stranger.items()}


def test_rows_of_a_plan_without_a_key_prove_nothing(tmp_path: Path, parent: Weights) -> None:
    forged = copy_planned_rows(make_model(2), make_model(1))
    found = compare_weights(open_model(tmp_path / "forged", forged), parent)
    assert found.verdict not in VERIFIED


def test_guessed_rows_are_not_where_the_draw_looks(tmp_path: Path, parent: Weights) -> None:
    base, stranger = make_model(1), make_model(2)
    for seed in range(12):
        draw = np.random.default_rng(seed)
        forged = {name: values.copy() for name, values in stranger.items()}
        for _ in range(34):
            role, layer = draw.choice(list(ROLES)), int(draw.integers(LAYERS))
            name = name_of(role, layer)
            row = int(draw.integers(len(base[name])))
            forged[name][row] = base[name][row]
        found = compare_weights(open_model(tmp_path / str(seed), forged), parent)
        assert found.verdict not in VERIFIED, seed


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_a_share_of_all_rows_is_no_descent(tmp_path: Path, parent: Weights, share: float) -> None:
    base, draw = make_model(1), np.random.default_rng(5)
    forged = make_model(2)
    for name, values in forged.items():
        if values.ndim == 2:
            rows = draw.random(len(values)) < share
            values[rows] = base[name][rows]
    found = compare_weights(open_model(tmp_path / "forged", forged), parent)
    assert found.verdict not in VERIFIED
    if share > 0.1:
        assert found.decided_by == "consistency"


IN_PART: dict[str, Callable[[tuple[int, ...]], NDArray[np.bool_]]] = {
    "left half": lambda shape: np.arange(shape[1]) < shape[1] // 2,
    "three quarters": lambda shape: np.arange(shape[1]) >= shape[1] // 4,
    "every second": lambda shape: np.arange(shape[1]) % 2 == 0,
    "scattered": lambda shape: np.random.default_rng(shape[1]).random(shape[1]) < 0.4,
    "single values": lambda shape: np.random.default_rng(shape).random(shape) < 0.6,
}


@pytest.mark.parametrize("part", IN_PART)
def test_a_part_of_all_columns_is_no_descent(tmp_path: Path, parent: Weights, part: str) -> None:
    base, forged = make_model(1), make_model(2)
    for name, values in forged.items():
        if values.ndim == 2:
            forged[name] = np.where(IN_PART[part](values.shape), base[name], values)
    found = compare_weights(open_model(tmp_path / "forged", forged), parent)
    assert (found.verdict, found.decided_by) == ("undetermined", "consistency"), found.reason


def test_columns_are_drawn_from_all_of_a_wide_axis() -> None:
    draw = Draw(b"key", "key", "nonce")
    ranges = {draw_stretch(draw, 4096, 1024, row) for row in range(60)}
    assert [low for low, _ in sorted(ranges)] == [0, 1024, 2048, 3072]
    narrow = {draw_stretch(draw, 1536, 1024, row) for row in range(60)}
    assert narrow == {(0, 768), (768, 1536)}
    assert draw_stretch(draw, 300, 64, 1)[1] <= 300


TAKEN: dict[str, tuple[Callable[[str], bool], str]] = {
    "one layer": (lambda name: ".layers.2." in name, "partial"),
    "three layers": (lambda name: ".layers." in name and ".layers.2." not in name, "partial"),
    "embeddings": (lambda name: "embed" in name or "head" in name, "partial"),
    "norms": (lambda name: "norm" in name, "independent"),
    "attention": (lambda name: "self_attn" in name, "undetermined"),
    "feed-forward": (lambda name: ".mlp." in name, "undetermined"),
    "what was planned": (lambda name: name.split(".")[-2] in READERS, "undetermined"),
    "values": (lambda name: "v_proj" in name, "undetermined"),
    "all but o": (lambda name: "o_proj" not in name, "undetermined"),
}


@pytest.mark.parametrize("taken", TAKEN)
def test_taken_tensors_are_told_as_what_they_are(
    tmp_path: Path, parent: Weights, taken: str
) -> None:
    chosen, expected = TAKEN[taken]
    forged = copy_some(make_model(2), make_model(1), chosen)
    found = compare_weights(open_model(tmp_path / "forged", forged), parent)
    assert found.verdict == expected, found.reason


def test_updates_of_any_size_are_even() -> None:
    draw = np.random.default_rng(3)
    rows = draw.normal(size=(24, 512)) * np.exp(0.6 * draw.normal(size=(24, 512)))
    noise = draw.normal(size=rows.shape)
    updates = {
        "small": rows + 0.1 * noise,
        "large": rows + noise,
        "of few values": rows + 3 * noise * (draw.random(rows.shape) < 0.05),
        "of some columns": rows + noise * np.exp(draw.normal(size=512)),
        "pruned": rows * (np.abs(rows) > 0.5),
        "pruned and tuned": rows * (np.abs(rows) > 0.5) + 0.3 * noise,
        "rounded": np.round(rows * 2) / 2,
        "scaled": rows * np.exp(draw.normal(size=512)),
    }
    for name, values in updates.items():
        found = measure_evenness([("hidden", rows.astype("f4"), values.astype("f4"))])
        assert found is not None
        assert not found.in_part, (name, found, found.share)
    turned = np.where(np.arange(512) < 256, rows, noise) * draw.choice([-1, 1], 512)
    found = measure_evenness([("hidden", rows.astype("f4"), turned.astype("f4"))], turned=True)
    assert found is not None
    assert found.in_part


TURNED: dict[str, Callable[[str], bool]] = {
    "one layer": lambda name: ".layers.2." in name,
    "values": lambda name: "v_proj" in name,
    "feed-forward and embeddings": lambda name: ".mlp." in name or "embed" in name,
    "gate of a layer and embeddings": lambda name: "layers.0.mlp.gate" in name or "embed" in name,
}


@pytest.mark.parametrize("taken", TURNED)
def test_taken_tensors_that_were_turned_are_no_descent(
    tmp_path: Path, parent: Weights, taken: str
) -> None:
    forged = copy_some(rotate(make_model(2), 1), rotate(make_model(1), 1), TURNED[taken])
    found = compare_weights(open_model(tmp_path / "forged", forged), parent)
    assert found.verdict == "partial", found.reason


def test_nor_are_they_of_another_depth(tmp_path: Path, parent: Weights) -> None:
    stranger = rotate(make_model(2, layers=LAYERS - 1), 1)
    forged = copy_some(stranger, rotate(make_model(1), 1), TURNED["one layer"])
    found = compare_weights(open_model(tmp_path / "forged", forged), parent)
    assert found.verdict == "partial", found.reason


def test_neurons_in_another_order_are_found_again(tmp_path: Path, parent: Weights) -> None:
    model = shuffle_neurons(rotate(make_model(1), 1), 4)
    model["model.embed_tokens.weight"] = make_model(2)["model.embed_tokens.weight"]
    found = compare_weights(open_model(tmp_path / "child", model), parent)
    assert (found.verdict, found.decided_by) == ("derived", "gram"), found.reason


def test_blocks_under_own_embeddings_are_descent(tmp_path: Path, parent: Weights) -> None:
    model = copy_some(make_model(2), make_model(1), lambda name: "embed" not in name)
    found = compare_weights(open_model(tmp_path / "child", tune(model, 3)), parent)
    assert found.verdict == "derived"
    assert found.changed is not None
    assert "embeddings" in found.changed


def test_the_same_two_files_are_looked_at_in_the_same_places(tmp_path: Path) -> None:
    sides = [(tmp_path / "a", make_model(1)), (tmp_path / "b", tune(make_model(1), 3))]

    def look(nonce: str | None = None, *, turned: bool = False) -> tuple[str, float]:
        opened = [open_model(folder, arrays) for folder, arrays in sides]
        found = compare_weights(*(opened[::-1] if turned else opened), nonce=nonce)
        assert found.draw is not None
        assert found.z is not None
        return found.draw.key, found.z

    assert look() == look() == look(turned=True)
    assert look("once") == look("once") != look()


def test_a_changed_value_moves_every_place(tmp_path: Path, parent: Weights) -> None:
    one = tune(make_model(1), 3)
    other = {name: values.copy() for name, values in one.items()}
    other["model.norm.weight"][0] += 1
    keys = set()
    for name, arrays in (("one", one), ("other", other)):
        found = compare_weights(open_model(tmp_path / name, arrays), parent)
        assert found.draw is not None
        assert found.draw.source == "computed"
        keys.add(found.draw.key)
    assert len(keys) == 2
