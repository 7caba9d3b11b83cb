from __future__ import annotations

from typing import Any

import pytest

from checkpoint.folders import llama_tensors
from famtree.interchange.structure import compare_structure
from famtree.types.quantization import Quantization
from interchange.sides import make_index, make_side


def test_equal_designs_are_one_graph() -> None:
    assert compare_structure(make_side(), make_side()).same_graph is True


@pytest.mark.parametrize(
    ("change", "trait"),
    [
        ({"rope_theta": 10000.0}, "recipe.rope_theta"),
        ({"rms_norm_eps": 1e-6}, "recipe.norm_eps"),
        ({"sliding_window": 4096}, "recipe.sliding_window"),
        (
            {"rope_scaling": {"rope_type": "llama3", "factor": 8.0}},
            "recipe.rope_type",
        ),
    ],
)
def test_what_no_tensor_shows_counts(change: dict[str, Any], trait: str) -> None:
    found = compare_structure(make_side(), make_side(**change))
    assert trait in found.differing
    assert (found.same_graph, found.same_shapes) == (False, True)


def test_other_rows_are_another_graph_of_the_same_body() -> None:
    found = compare_structure(make_side(), make_side(vocab_size=128264))
    assert (found.same_rows, found.same_shapes, found.same_graph) == (False, True, False)


def test_unseen_headers_are_unknown_and_not_unequal() -> None:
    bare = make_side(form="config-only")
    found = compare_structure(make_side(), bare)
    assert (found.same_traits, found.same_shapes, found.same_graph) == (True, None, None)


def test_wrapper_prefix_is_no_difference() -> None:
    inside = {
        name.replace("model.", "model.language_model.", 1): shape
        for name, shape in llama_tensors().items()
    }
    assert compare_structure(make_side(), make_side(index=make_index(inside))).same_shapes is True


def test_other_spelling_of_names_is_unknown() -> None:
    fused = {name: shape for name, shape in llama_tensors().items() if ".k_proj" not in name}
    fused = {name.replace("q_proj", "qkv_proj"): shape for name, shape in fused.items()}
    found = compare_structure(make_side(), make_side(index=make_index(fused)))
    assert found.same_shapes is not True


def test_quantization_is_part_of_the_graph() -> None:
    packed = make_side(quantization=Quantization.model_construct(method="fp8"))
    found = compare_structure(make_side(), packed)
    assert (found.same_quantization, found.same_graph) == (False, False)
