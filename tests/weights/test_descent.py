"""Members of families are placed under their parents, or under an ancestor."""

from __future__ import annotations

import numpy as np
import pytest

from famtree.weights.descent import place_members
from tiny_families import Family, narrow, quantize
from tiny_models import LAYERS, Arrays, cut_layers, make_model, to_bfloat16, tune

EMBEDDING = "model.embed_tokens.weight"


def parents(family: Family) -> dict[str, str]:
    return {name: place.parent for name, place in place_members(family.weights, "root").items()}


def test_descendants_are_told_from_siblings(family: Family) -> None:
    found = place_members(family.weights, "root")
    assert {name: place.parent for name, place in found.items()} == {
        "a": "root", "b": "root", "aa": "a",
    }  # fmt: skip
    assert found["aa"].beta == pytest.approx(1, abs=0.05)
    assert found["aa"].path == ("root", "a")


def test_copies_are_placed_and_have_no_children(family: Family) -> None:
    rounded = {name: to_bfloat16(values) for name, values in family.arrays["a"].items()}
    family.weights = {"0": family.add("0", rounded, "F32"), **family.weights}
    family.add("grid", quantize(family.arrays["a"]))
    found = parents(family)
    assert found["0"] == found["grid"] == found["aa"] == "a"
    assert found["a"] == "root"


def change(model: Arrays, share: float, seed: int, *, only: str = "") -> Arrays:
    """Return `model` with one update that depends on `seed` alone, times `share` and unevenly."""
    draw = np.random.default_rng([seed, 17])
    found = dict(model)
    for name, values in model.items():
        update = draw.normal(0, 0.01, values.shape) * draw.uniform(0.4, 1.6)
        if only in name:
            found[name] = (values + share * update).astype(np.float32)
    return found


def test_siblings_on_like_data_are_not_a_chain(family: Family) -> None:
    # What both learn from the data has half the power of each update's noise in the first, and is
    # thrice as large in the second: mean beta is about one, but not in every matrix.
    root = make_model(1)
    first = tune(change(root, 1.0, 5), 51, 0.28)
    second = tune(change(root, 3.0, 5), 52, 0.28)
    family.weights = {"root": family.weights["root"]}
    family.add("first", first)
    family.add("second", second)
    assert parents(family) == {"first": "root", "second": "root"}


def train_rows(model: Arrays, rows: slice, seed: int) -> Arrays:
    draw = np.random.default_rng([seed, 18])
    embedding = model[EMBEDDING] * np.float32(0.99)
    embedding[rows] += draw.normal(0, 0.02, embedding[rows].shape).astype(np.float32)
    return {**model, EMBEDDING: embedding}


def test_rows_older_than_a_candidate_refute_it(family: Family) -> None:
    # By its matrices the second would come from the first; but it has rows as they were before.
    root = make_model(1)
    first = tune(root, 61, 0.2)
    second = tune(first, 62, 0.2)
    first[EMBEDDING] = train_rows(root, slice(0, 700), 1)[EMBEDDING]
    second[EMBEDDING] = train_rows(root, slice(0, 400), 2)[EMBEDDING]
    family.weights = {"root": family.weights["root"]}
    family.add("first", first)
    family.add("second", second)
    assert parents(family) == {"first": "root", "second": "root"}


def test_rows_of_a_candidate_confirm_it(family: Family) -> None:
    # A larger step on like data: beta is far above one in some matrices.
    root = make_model(1)
    first = train_rows(change(root, 1.0, 5), slice(0, 700), 1)
    second = train_rows(tune(change(root, 4.0, 5), 52, 0.2), slice(0, 0), 2)
    second[EMBEDDING] = train_rows(first, slice(600, 900), 3)[EMBEDDING]
    family.weights = {"root": family.weights["root"]}
    family.add("first", first)
    family.add("second", second)
    assert parents(family) == {"first": "root", "second": "first"}


@pytest.mark.parametrize("kept", [[0, 2, 3], [0, 1, 2, 1, 2, 3]], ids=["cut", "stacked"])
def test_other_depths_are_placed_by_the_layers_they_have(family: Family, kept: list[int]) -> None:
    family.add("other", tune(cut_layers(family.arrays["aa"], kept), 71, 0.1))
    family.add("trained", tune(family.arrays["other"], 72, 0.1))
    found = parents(family)
    assert (found["other"], found["aa"]) == ("aa", "a")
    assert found["trained"] == "other"


def test_a_cut_without_training_has_children(family: Family) -> None:
    family.add("cut", cut_layers(make_model(1), list(range(LAYERS - 1))))
    family.add("healed", tune(family.arrays["cut"], 73, 0.1))
    found = parents(family)
    assert (found["cut"], found["healed"]) == ("root", "cut")


def test_narrower_members_come_from_wider_ones(family: Family) -> None:
    family.add("narrow", narrow(tune(family.arrays["aa"], 74, 0.05)), intermediate_size=96)
    found = parents(family)
    assert (found["narrow"], found["aa"]) == ("aa", "a")


def test_a_step_that_takes_back_a_little_is_still_the_later_one(family: Family) -> None:
    # Annealing: what the data taught, in few directions, shrinks by more than is added anew.
    draw = np.random.default_rng(19)
    root = make_model(1)
    taught: Arrays = {}
    for name, values in root.items():
        left, right = draw.normal(size=(len(values), 2)), draw.normal(size=(2, values.size))
        part = 0.01 * left @ right[:, : values.shape[1]] if values.ndim == 2 else 0 * values
        taught[name] = part.astype(np.float32)
    first = tune({name: root[name] + taught[name] for name in root}, 76, 0.1)
    cooled = tune({name: first[name] - np.float32(0.05) * taught[name] for name in root}, 77, 0.02)
    family.weights = {"root": family.weights["root"]}
    family.add("cooled", cooled)
    family.add("first", first)
    assert parents(family) == {"first": "root", "cooled": "first"}
