"""Direction and operation on updates of random weights."""

from __future__ import annotations

import numpy as np
import pytest

from famtree.weights.direction import find_direction
from famtree.weights.operation import describe_operation
from tiny_families import Family, narrow, prune, quantize
from tiny_models import WIDTH, Arrays, adapt, cut_layers, make_model, tune


def keep_one_value_head(model: Arrays) -> Arrays:
    return {
        name: values[:WIDTH] if ".k_proj." in name or ".v_proj." in name else values
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


def test_a_change_of_norm_short_of_the_step_leaves_direction_open(family: Family) -> None:
    noise = make_model(9)
    model = {name: (0.983 * v + 0.3 * noise[name]).astype(np.float32)
             for name, v in make_model(1).items()}  # fmt: skip
    found = find_direction(family.weights["root"], family.add("child", model))
    assert found.t is not None
    assert 0.4 < found.t < 0.65
    assert found.parent is None


def test_growth_against_decay_leaves_direction_open(family: Family) -> None:
    plain = make_model(1)
    tuned = {name: values * np.float32(0.99) for name, values in tune(plain, 5, 0.1).items()}
    tuned["model.embed_tokens.weight"] = plain["model.embed_tokens.weight"] * np.float32(0.9999)
    parent, child = family.add("wide", plain, "F32"), family.add("child", tuned, "F32")
    found = find_direction(parent, child)
    assert found.t is not None
    assert found.t < -0.65
    assert found.parent is None


@pytest.mark.parametrize("layers", [[0, 2, 3], [0, 1, 2, 1, 2, 3]], ids=["cut", "stacked"])
def test_layers_tell_where_values_have_few_rows(family: Family, layers: list[int]) -> None:
    model = keep_one_value_head(make_model(1))
    root = family.add("one-head", model, num_key_value_heads=1)
    child = family.add("child", tune(cut_layers(model, layers), 5), num_key_value_heads=1)
    found = find_direction(root, child)
    assert (found.parent, found.arrow) == ("a", "layers")


def test_layers_that_cannot_be_read_tell_nothing(family: Family) -> None:
    model = narrow(keep_one_value_head(make_model(1)), 48)
    root = family.add("one-head", model, num_key_value_heads=1)
    stacked = tune(cut_layers(model, [0, 1, 2, 1, 2, 3]), 5)
    child = family.add("child", stacked, num_key_value_heads=1)
    assert find_direction(root, child).arrow != "layers"


def test_decay_outweighs_growth(family: Family) -> None:
    model = tune(make_model(1), 5, 0.1)
    model["model.embed_tokens.weight"] = make_model(1)["model.embed_tokens.weight"] * np.float32(
        0.99
    )
    child = family.add("child", model)
    found = find_direction(family.weights["root"], child)
    assert (found.parent, found.arrow) == ("a", "decay")


def test_folded_norms_come_later(family: Family) -> None:
    from tiny_models import rotate

    child = family.add("child", rotate(make_model(1), 3))
    found = find_direction(family.weights["root"], child)
    assert (found.parent, found.arrow) == ("a", "norms")
