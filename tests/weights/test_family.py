"""Direction, operation, merges and descent on updates of random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from famtree.weights.descent import place_members
from famtree.weights.direction import find_direction
from famtree.weights.merges import find_merge
from famtree.weights.open import Weights
from famtree.weights.operation import describe_operation
from tiny_models import Arrays, adapt, cut_layers, make_model, open_model, tune


class Family:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.arrays: dict[str, Arrays] = {}
        self.weights: dict[str, Weights] = {}

    def add(self, name: str, arrays: Arrays, dtype: str = "BF16") -> Weights:
        self.arrays[name] = arrays
        self.weights[name] = open_model(self.folder / name, arrays, dtype)
        return self.weights[name]


@pytest.fixture
def family(tmp_path: Path) -> Family:
    found = Family(tmp_path)
    found.add("root", make_model(1))
    found.add("a", tune(make_model(1), 2, 0.2))
    found.add("b", tune(make_model(1), 3, 0.2))
    found.add("aa", tune(found.arrays["a"], 4, 0.1))
    return found


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


@pytest.mark.parametrize(
    ("make", "arrow", "operation"),
    [
        (lambda m: tune(m, 5, 0.1), "growth", "finetune"),
        (lambda m: tune(m, 5, 0.5), "growth", "continued-pretrain"),
        (quantize, "grid", "quantized"),
        (prune, "zeros", "pruned"),
        (lambda m: tune(cut_layers(m, [0, 1, 3]), 5), "layers", "pruned"),
        (lambda m: tune(cut_layers(m, [0, 1, 2, 1, 2, 3]), 5), "layers", "upscaled"),
    ],
    ids=["tuned", "continued", "grid", "zeros", "cut", "stacked"],
)
def test_direction_and_operation(family: Family, make: object, arrow: str, operation: str) -> None:
    assert callable(make)
    parent = family.weights["root"]
    child = family.add("child", make(make_model(1)))
    forward, backward = find_direction(parent, child), find_direction(child, parent)
    assert (forward.parent, forward.arrow) == ("a", arrow)
    assert (backward.parent, backward.arrow) == ("b", arrow)
    assert describe_operation(child, parent).name == operation


def test_a_merged_adapter_shows_its_rank(family: Family) -> None:
    child = family.add("child", adapt(make_model(1), 6, rank=4))
    found = describe_operation(child, family.weights["root"])
    assert (found.name, found.rank, found.frozen_embeddings) == ("adapter", 4, True)


def test_a_wider_copy_is_a_cast(family: Family) -> None:
    from tiny_models import to_bfloat16

    rounded = {name: to_bfloat16(values) for name, values in make_model(1).items()}
    child = family.add("child", rounded, "F32")
    parent = family.add("rounded", rounded)
    assert find_direction(parent, child).arrow == "cast"
    assert find_direction(parent, child).parent == "a"
    assert describe_operation(child, parent).name == "cast"


def test_a_step_that_keeps_the_norm_leaves_direction_open(family: Family) -> None:
    noise = make_model(9)
    model = {name: (0.8 * v + 0.6 * noise[name]).astype(np.float32)
             for name, v in make_model(1).items()}  # fmt: skip
    found = find_direction(family.weights["root"], family.add("child", model))
    assert found.parent is None
    assert found.t is not None
    assert abs(found.t) < 0.2


def test_decay_outweighs_growth(family: Family) -> None:
    model = tune(make_model(1), 5, 0.1)
    model["model.embed_tokens.weight"] = make_model(1)["model.embed_tokens.weight"] * np.float32(
        0.99
    )
    child = family.add("child", model)
    found = find_direction(family.weights["root"], child)
    assert (found.parent, found.arrow) == ("a", "decay")


def test_descendants_are_told_from_siblings(family: Family) -> None:
    found = place_members(family.weights, "root", share=1.0)
    assert {name: place.parent for name, place in found.items()} == {
        "a": "root", "b": "root", "aa": "a",
    }  # fmt: skip
    assert found["aa"].beta == pytest.approx(1, abs=0.05)
    assert found["aa"].path == ("root", "a")


def test_linear_merges_name_parents_and_shares(family: Family) -> None:
    a, b = family.arrays["aa"], family.arrays["b"]
    child = family.add("child", {name: 0.3 * a[name] + 0.7 * b[name] for name in a})
    candidates = {name: w for name, w in family.weights.items() if name != "child"}
    found = find_merge(child, candidates, base="root")
    assert found is not None
    assert (found.kind, set(found.parents)) == ("linear", {"aa", "b"})
    assert dict(zip(found.parents, found.weights, strict=True))["aa"] == pytest.approx(
        0.3, abs=0.02
    )


def test_sparse_merges_are_seen_in_the_bits(family: Family) -> None:
    from tiny_models import to_bfloat16

    draw = np.random.default_rng(11)
    root, a, b = (family.arrays[name] for name in ("root", "aa", "b"))
    child = {}
    for name in root:
        choice = draw.integers(0, 3, root[name].shape)
        sides = [to_bfloat16(side[name]) for side in (root, a, b)]
        child[name] = np.choose(choice, sides).astype(np.float32)
    merged = family.add("child", child)
    candidates = {name: w for name, w in family.weights.items() if name != "child"}
    found = find_merge(merged, candidates, base="root")
    assert found is not None
    assert (found.kind, set(found.parents)) == ("sparse", {"aa", "b"})


def test_folded_norms_come_later(family: Family) -> None:
    from tiny_models import rotate

    child = family.add("child", rotate(make_model(1), 3))
    found = find_direction(family.weights["root"], child)
    assert (found.parent, found.arrow) == ("a", "norms")


def test_a_quantized_copy_is_no_parent_of_a_merge(family: Family) -> None:
    family.add("copy", quantize(family.arrays["aa"]))
    child = family.add("child", tune(family.arrays["aa"], 12, 0.001))
    candidates = {name: w for name, w in family.weights.items() if name != "child"}
    found = find_merge(child, candidates, base="root")
    assert found is None or "copy" not in found.parents


def test_a_chain_is_no_merge(family: Family) -> None:
    candidates = {name: w for name, w in family.weights.items() if name != "aa"}
    assert find_merge(family.weights["aa"], candidates, base="root") is None
