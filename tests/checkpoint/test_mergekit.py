from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famtree.checkpoint.mergekit import MAX_PARENTS, read_merge
from famtree.types.claim import MIXTURE, LayerSpan


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
    assert recipe.spans == [LayerSpan("a/x", 0, 24, to=0), LayerSpan("a/x", 8, 32, to=24)]
    assert recipe.parents == ["a/x"]


def test_base_and_lora_are_understood() -> None:
    recipe = read_merge(
        "models: [{model: {model: {path: a/x}}}, {model: a/y@v2+a/lora},"
        " {model: {model: {path: a/w, revision: r1}, lora: {path: a/other}}}]\n"
        "merge_method: ties\nbase_model: a/z\n"
    )
    assert recipe is not None
    assert recipe.parents == ["a/x", "a/y", "a/lora", "a/w", "a/other", "a/z"]
    assert recipe.base == "a/z"
    assert recipe.revisions == {"a/y": "v2", "a/w": "r1"}


def test_a_distance_is_no_share() -> None:
    text = "models: [{model: a/x}, {model: a/y}]\nbase_model: a/x\nparameters: {t: 0.001}\n"
    recipe = read_merge(f"merge_method: nearswap\n{text}")
    assert recipe is not None
    assert recipe.weights == {}


def test_weights_of_slices_count_by_their_layers() -> None:
    recipe = read_merge(
        "merge_method: linear\nslices:\n"
        "- sources:\n  - {model: a/x, layer_range: [0, 30], parameters: {weight: 1}}\n"
        "- sources:\n  - {model: a/y, layer_range: [30, 40], parameters: {weight: 1}}\n"
    )
    assert recipe is not None
    assert recipe.weights == {"a/x": 0.75, "a/y": 0.25}
    assert recipe.spans[1].to == 30


def test_modules_keep_the_first_ones_layer_numbers() -> None:
    recipe = read_merge(
        "merge_method: passthrough\nmodules:\n"
        "  text: {slices: [{sources: [{model: a/x, layer_range: [0, 4]}]}]}\n"
        "  vision: {slices: [{sources: [{model: a/y, layer_range: [0, 9]}]}]}\n"
    )
    assert recipe is not None
    assert recipe.parents == ["a/x", "a/y"]
    assert recipe.spans == [LayerSpan("a/x", 0, 4, to=0)]


def test_experts_become_a_mixture() -> None:
    recipe = read_merge(
        "base_model: a/x\ngate_mode: hidden\nexperts:\n- {source_model: a/y}\n"
        "- {source_model: a/z, positive_prompts: [math]}\nshared_experts:\n- {source_model: a/w}\n"
    )
    assert recipe is not None
    assert (recipe.method, recipe.parents) == (MIXTURE, ["a/y", "a/z", "a/w", "a/x"])


def test_documents_that_others_use_are_steps() -> None:
    recipe = read_merge(
        "name: step\nmerge_method: linear\nmodels: [{model: a/x}, {model: a/y}]\n---\n"
        "merge_method: slerp\nbase_model: step\nmodels: [{model: step}, {model: a/z}]\n"
        "parameters: {t: 0.5}\n"
    )
    assert recipe is not None
    assert recipe.parents == ["a/x", "a/y", "a/z"]


@pytest.mark.parametrize(
    "method",
    ["linear", "task_arithmetic", "ties", "dare_ties", "dare_linear", "breadcrumbs",
     "breadcrumbs_ties", "della", "della_linear", "model_stock", "nuslerp", "multislerp",
     "karcher", "sce", "arcee_fusion", "ram", "ramplus_tl", "nearswap", "slerp", "passthrough"],
)  # fmt: skip
def test_every_method_names_its_parents(method: str) -> None:
    recipe = read_merge(
        f"merge_method: {method}\nbase_model: a/x\n"
        "models: [{model: a/x}, {model: a/y, parameters: {weight: 0.4}}]\n"
    )
    assert recipe is not None
    assert (recipe.method, recipe.parents) == (method, ["a/x", "a/y"])


@pytest.mark.parametrize(
    "text", ["", "[]", "a: b", "merge_method: 7", "merge_method: x", "{:", "x" * 300000]
)
def test_what_is_no_recipe(text: str) -> None:
    assert read_merge(text) is None


@pytest.mark.property
@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    read_merge(f"merge_method: linear\nmodels:\n{text}")


def test_a_path_that_is_no_text_is_no_parent() -> None:
    text = "merge_method: linear\nmodels:\n- {model: {model: {revision: r}, lora: o/l}}\n"
    recipe = read_merge(text)
    assert recipe is not None
    assert recipe.parents == ["o/l"]


def test_an_unnamed_document_is_no_step_called_none() -> None:
    recipe = read_merge(
        "merge_method: linear\nmodels: [{model: None}, {model: s@v}]\n---\n"
        "name: s\nmerge_method: linear\nmodels: [{model: o/a@w}]\n"
    )
    assert recipe is not None
    assert (recipe.parents, recipe.revisions) == (["o/a"], {"o/a": "w"})


def test_documents_that_only_use_each_other_are_no_recipe() -> None:
    one = "name: {}\nmerge_method: linear\nmodels: [{{model: {}}}]\n"
    assert read_merge(f"{one.format('a', 'b')}---\n{one.format('b', 'a')}") is None


@pytest.mark.parametrize(
    "head",
    ["models:\n{models}", "modules:\n{modules}", "slices:\n{slices}", "experts:\n{experts}"],
)
def test_parents_are_bounded(head: str) -> None:
    rows = range(180)
    many = {
        "models": "".join(f"- model: o/a{n}+o/b{n}\n" for n in rows),
        "slices": "".join(f"- {{sources: [{{model: a{n}}}], base_model: b{n}}}\n" for n in rows),
        "modules": "".join(
            f" m{m}:\n  models: [{', '.join(f'{{model: o/a{m}-{n}}}' for n in range(100))}]\n"
            for m in range(9)
        ),
        "experts": "".join(f"- source_model: o/a{n}+o/b{n}\n" for n in rows),
    }  # fmt: skip
    method = "" if head.startswith("experts") else "merge_method: linear\n"
    documents = "---\n".join([f"{method}base_model: o/base\n{head.format(**many)}"] * 2)
    for text in (documents, documents.partition("---\n")[0]):
        recipe = read_merge(text)
        assert recipe is not None
        assert len(recipe.parents) == MAX_PARENTS
        assert recipe.base in (None, *recipe.parents)
