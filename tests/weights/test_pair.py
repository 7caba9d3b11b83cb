from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from famtree.types.checkpoint import FileEntry, Listing
from famtree.weights.draw import make_draw
from famtree.weights.open import Weights
from famtree.weights.pair import compare_weights
from famtree.weights.results import PairResult
from famtree.weights.token_probe import match_test, prepare_probe
from tiny_models import (
    CONFIG,
    HIDDEN,
    Arrays,
    cut_layers,
    make_model,
    open_folder,
    open_model,
    rotate,
    shuffle_neurons,
    tune,
    write_model,
)

Compare = Callable[..., PairResult]


@pytest.fixture
def parent(tmp_path: Path) -> Weights:
    return open_model(tmp_path / "parent", make_model(1))


@pytest.fixture
def compare(tmp_path: Path, parent: Weights) -> Compare:
    def run(arrays: Arrays, dtype: str = "BF16", **options: Any) -> PairResult:
        return compare_weights(open_model(tmp_path / "child", arrays, dtype), parent, **options)

    return run


def test_a_tuned_child_is_derived(compare: Compare) -> None:
    found = compare(tune(make_model(1), 2))
    assert (found.verdict, found.decided_by) == ("derived", "column")
    assert found.z is not None
    assert found.log10_p is not None
    assert found.z > 30
    assert found.log10_p < -200
    assert found.probe is None
    assert [(link.child, link.parent) for link in found.layers] == [(n, n) for n in range(4)]


def test_same_design_is_no_descent(compare: Compare) -> None:
    found = compare(make_model(2))
    assert (found.verdict, found.decided_by) == ("independent", "probe")
    assert found.column is not None
    assert found.probe is not None
    assert abs(found.column.z) < 4
    assert found.probe.z < 4


def test_equal_values_are_the_same_weights(compare: Compare) -> None:
    found = compare(make_model(1))
    assert (found.verdict, found.decided_by) == ("same-weights", "identity")


def test_a_change_outside_the_plan_is_not_overlooked(compare: Compare) -> None:
    model = make_model(1)
    for name in model:
        if "down_proj" in name:
            model[name] = model[name] * np.float32(1.1)
    assert compare(model).verdict == "derived"


def test_listed_hashes_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sides = []
    for name in ("one", "two"):
        side = open_folder(write_model(tmp_path / name, make_model(1)))
        entry = FileEntry("model.safetensors", 1, sha256="b" * 64)
        monkeypatch.setattr(side.source, "list_files", lambda entry=entry: Listing((entry,)))
        sides.append(side)
    found = compare_weights(*sides)
    assert (found.verdict, found.decided_by) == ("same-weights", "identity")
    assert [side.reading.planned_bytes for side in sides] == [0, 0]


def test_rotation_is_seen_by_the_ordered_probe(compare: Compare) -> None:
    found = compare(rotate(make_model(1), 3))
    assert (found.verdict, found.decided_by) == ("derived", "probe")
    assert found.probe is not None
    assert found.probe.kind == "ordered"
    assert found.column is not None
    assert found.column.z < 4


def test_rotation_and_shuffled_neurons_are_seen_by_assignment(compare: Compare) -> None:
    found = compare(shuffle_neurons(rotate(tune(make_model(1), 4, 0.05), 3), 5))
    assert (found.verdict, found.decided_by) == ("derived", "probe")
    assert found.probe is not None
    assert found.probe.kind == "match"


def test_without_a_probe_disguise_is_left_open(compare: Compare) -> None:
    found = compare(rotate(make_model(1), 3), deep=False)
    assert found.verdict == "undetermined"


@pytest.mark.parametrize(
    ("keep", "expected"),
    [([0, 1, 3], [0, 1, 3]), ([0, 1, 2, 1, 2, 3], [0, 1, 2, 1, 2, 3])],
    ids=["cut", "stacked"],
)
def test_layers_are_found(compare: Compare, keep: list[int], expected: list[int]) -> None:
    found = compare(tune(cut_layers(make_model(1), keep), 6))
    assert found.verdict == "derived"
    assert [link.parent for link in found.layers] == expected


def test_layers_of_two_models_are_told_apart(compare: Compare) -> None:
    mine, other = make_model(1), make_model(2)
    for name in mine:
        if ".layers.2." in name or ".layers.3." in name:
            mine[name] = other[name]
    found = compare(mine)
    assert found.verdict == "partial"
    assert [link.parent for link in found.layers] == [0, 1, None, None]


def test_inherited_embeddings_alone_are_partial(compare: Compare) -> None:
    model = make_model(2)
    model["model.embed_tokens.weight"] = make_model(1)["model.embed_tokens.weight"]
    found = compare(model)
    assert found.verdict == "partial"
    assert "embeddings" in found.reason


def widen(seed: int) -> Arrays:
    """Return the model of `seed` with another's columns beside its own."""
    one, other = make_model(seed), make_model(seed + 100)
    return {
        name: np.concatenate([values, other[name]], axis=-1)
        if values.shape[-1] == HIDDEN
        else values
        for name, values in one.items()
    }


@pytest.mark.parametrize(("wide", "said"), [(False, "columns"), (True, "embeddings do not")])
def test_foreign_embeddings_need_256_columns(tmp_path: Path, wide: bool, said: str) -> None:
    made, hidden = (widen, 2 * HIDDEN) if wide else (make_model, HIDDEN)
    model = tune(made(1), 2)
    model["model.embed_tokens.weight"] = made(2)["model.embed_tokens.weight"]
    parent = open_model(tmp_path / "parent", made(1), hidden_size=hidden)
    found = compare_weights(open_model(tmp_path / "child", model, hidden_size=hidden), parent)
    assert found.verdict == "derived"
    assert found.embedding is not None
    assert found.embedding.columns == hidden
    assert said in found.reason


def test_a_shared_start_is_not_called_descent(compare: Compare) -> None:
    # Two trainings from one initialisation: a quarter of the start is left in each.
    found = compare(tune(make_model(1), 7, 3.0))
    assert found.verdict == "shared-init"


def test_a_shared_start_in_disguise_is_not_called_descent(compare: Compare) -> None:
    # The probe alone sees it: half of the start is left, in a rotated residual stream.
    found = compare(rotate(tune(make_model(1), 7, 1.7), 3))
    assert (found.verdict, found.decided_by) == ("shared-init", "probe")


def test_answers_that_training_text_shares_are_no_evidence(tmp_path: Path) -> None:
    def score(seed: int) -> float:
        sides = [open_model(tmp_path / f"{seed}{side}", make_model(seed + side))
                 for side in (0, 1)]  # fmt: skip
        probe = prepare_probe(sides[0], sides[1], make_draw(sides[0], sides[1]))
        assert probe is not None
        found = match_test(probe, [(layer, layer) for layer in range(4)])
        assert found is not None
        return found.z

    # Without anything shared z errs on the safe side by about one.
    assert np.mean([score(seed) for seed in range(20, 36, 2)]) < -0.5


def test_constants_prove_nothing(tmp_path: Path) -> None:
    sides = []
    for seed in (1, 2):
        model = make_model(seed)
        table = np.sin(np.arange(64 * HIDDEN)).reshape(64, HIDDEN).astype(np.float32)
        for layer in range(4):
            model[f"model.layers.{layer}.self_attn.rotary_emb.inv_freq"] = table[0]
            model[f"model.layers.{layer}.self_attn.q_proj.weight"][:] = 0.5
        model["stft_basis"] = table
        sides.append(open_model(tmp_path / str(seed), model))
    assert compare_weights(*sides).verdict == "independent"


def test_other_widths_are_compared_by_neurons(tmp_path: Path, parent: Weights) -> None:
    model = make_model(1)
    half = {
        name: values[..., : HIDDEN // 2] if values.shape[-1] == HIDDEN else values
        for name, values in model.items()
    }
    child = open_model(tmp_path / "child", half, hidden_size=HIDDEN // 2)
    found = compare_weights(child, parent)
    assert found.column is None
    assert (found.verdict, found.decided_by) == ("derived", "probe")


def test_unreadable_forms_are_named(tmp_path: Path, parent: Weights) -> None:
    arrays: dict[str, Any] = {}
    for name, values in make_model(1).items():
        if ".layers." in name and values.ndim == 2:
            arrays[name] = np.zeros((values.shape[0], values.shape[1] // 8), np.uint8)
            continue
        arrays[name] = values
    child = open_model(tmp_path / "child", arrays)
    found = compare_weights(child, parent)
    assert found.verdict == "undetermined"
    assert child.reading.unread
    assert "packing" in child.reading.unread[0].reason


def test_cut_off_files_give_no_verdict(tmp_path: Path, parent: Weights) -> None:
    folder = write_model(tmp_path / "child", make_model(1))
    weights = open_folder(folder)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:40_000])
    found = compare_weights(weights, parent)
    assert found.verdict == "undetermined"
    assert weights.reading.unread


def test_exact_p_on_request(compare: Compare) -> None:
    found = compare(tune(make_model(1), 2), permutations=99)
    assert found.column is not None
    assert found.column.permutation_p == 0.01


def test_experts_are_compared_with_the_dense_layer(compare: Compare, tmp_path: Path,
                                                   parent: Weights) -> None:  # fmt: skip
    model, arrays = make_model(1), {}
    for name, values in model.items():
        if ".mlp." in name:
            for expert in range(2):
                word = {"gate": "w1", "up": "w3", "down": "w2"}[name.split(".")[-2][:-5]]
                stem = name.split(".mlp.")[0]
                arrays[f"{stem}.block_sparse_moe.experts.{expert}.{word}.weight"] = values
        else:
            arrays[name] = values
    child = open_model(tmp_path / "child", tune(arrays, 3), model_type="mixtral",
                       num_local_experts=2)  # fmt: skip
    found = compare_weights(child, parent)
    assert found.verdict == "derived"
    assert found.column is not None
    assert found.column.rows == 28  # all seven matrices of four layers, one expert of each
    assert CONFIG["model_type"] != "mixtral"


def test_copied_rows_of_every_layer_are_no_layers_in_another_order(tmp_path: Path) -> None:
    # Found by benchmarks/forgeries.py: the draw that locates layers met enough of the copied rows.
    base, stranger = make_model(103144), make_model(203144)
    for name, values in stranger.items():
        if values.ndim == 2:
            values[[11, 40, 5, 34]] = base[name][[11, 40, 5, 34]]
    parent = open_model(tmp_path / "parent", base)
    found = compare_weights(open_model(tmp_path / "child", stranger), parent)
    assert (found.verdict, found.decided_by) == ("undetermined", "consistency")
