from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famtree.lineage.mergekit import read_merge
from famtree.types.claim import LayerSpan


def test_linear_weights_are_shares() -> None:
    recipe = read_merge(
        "models:\n- {model: a/x, parameters: {weight: 3}}\n"
        "- {model: a/y, parameters: {weight: 1}}\nmerge_method: linear\n"
    )
    assert recipe is not None
    assert recipe.parents == ["a/x", "a/y"]
    assert recipe.weights == {"a/x": 0.75, "a/y": 0.25}


def test_slerp_interpolates_between_base_and_other() -> None:
    recipe = read_merge(
        "slices:\n- sources:\n  - {model: a/x, layer_range: [0, 32]}\n"
        "  - {model: a/y, layer_range: [0, 32]}\nmerge_method: slerp\nbase_model: a/x\n"
        "parameters: {t: [{filter: mlp, value: 0.2}, {value: 0.4}]}\n"
    )
    assert recipe is not None
    assert recipe.weights == {"a/x": 0.7, "a/y": 0.3}


def test_passthrough_keeps_the_order_of_layers() -> None:
    recipe = read_merge(
        "slices:\n- sources: [{model: a/x, layer_range: [0, 24]}]\n"
        "- sources: [{model: a/x, layer_range: [8, 32]}]\nmerge_method: passthrough\n"
    )
    assert recipe is not None
    assert recipe.spans == [LayerSpan("a/x", 0, 24), LayerSpan("a/x", 8, 32)]
    assert recipe.parents == ["a/x"]


def test_base_and_lora_are_understood() -> None:
    recipe = read_merge(
        "models: [{model: {model: {path: a/x}}}, {model: a/y+a/lora}]\n"
        "merge_method: ties\nbase_model: a/z\n"
    )
    assert recipe is not None
    assert recipe.parents == ["a/x", "a/y", "a/z"]
    assert recipe.base == "a/z"


@pytest.mark.parametrize(
    "text", ["", "[]", "a: b", "merge_method: 7", "merge_method: x", "{:", "x" * 300000]
)
def test_what_is_no_recipe(text: str) -> None:
    assert read_merge(text) is None


@pytest.mark.property
@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    read_merge(f"merge_method: linear\nmodels:\n{text}")
