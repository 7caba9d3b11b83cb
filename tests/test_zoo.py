"""The zoo's bookkeeping: what is drawn, and what is true of it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from zoo.design import Shape, build_config, load_designs, walk_matrices
from zoo.families import list_design_recipes
from zoo.recipe import (
    KINDS,
    MERGES,
    Recipe,
    describe_truth,
    find_root,
    make_keys,
    walk_ancestors,
)
from zoo.records import compare_origins, list_pairs, read_zoo
from zoo.tree_figures import list_placeable
from zoo.trees import NULL_TREE, SEEDS, draw_tree, list_held_out_recipes
from zoo_members import FAMILY, make_member

RELATIONS = {
    "finetune", "continued-pretrain", "quantized", "converted", "merge", "pruned", "upscaled",
    "upcycled",
}  # fmt: skip


def _by_name(recipes: list[Recipe]) -> dict[str, Recipe]:
    named = {recipe.name: recipe for recipe in recipes}
    assert len(named) == len(recipes)
    return named


DESIGN = _by_name(list_design_recipes())
HELD_OUT = _by_name(list_held_out_recipes())


@pytest.mark.parametrize("recipes", [DESIGN, HELD_OUT], ids=["design", "held-out"])
def test_recipes_can_be_made_in_some_order(recipes: dict[str, Recipe]) -> None:
    for name, recipe in recipes.items():
        assert recipe.kind in KINDS
        assert all(other in recipes for other in recipe.needs())
        assert name not in walk_ancestors(name, recipes)
        # A packed or disguised checkpoint is nobody's parent.
        for parent in recipe.parents:
            assert recipes[parent].kind not in {"cast", "int8", "nf4", "gptq", "q8_0", "q4_k"}


def test_design_families_have_every_relation() -> None:
    kinds = Counter(recipe.kind for recipe in DESIGN.values())
    assert set(kinds) == set(KINDS)
    assert {KINDS[kind][0] for kind in kinds} - {None} == RELATIONS
    assert any(len(list(walk_ancestors(name, DESIGN))) == 3 for name in DESIGN)
    assert {recipe.origin["design"] for recipe in DESIGN.values() if recipe.origin} == set(
        load_designs()
    )


def test_held_out_trees_are_as_large_as_promised() -> None:
    single = [one for one in HELD_OUT.values() if len(one.parents) == 1]
    assert len(SEEDS) >= 3
    assert len([one for one in single if not KINDS[one.kind][1]]) >= 45
    assert set(SEEDS.values()) == set(load_designs())
    assert all(recipe.held_out for recipe in HELD_OUT.values())
    assert not any(recipe.held_out for recipe in DESIGN.values())
    seeds = [
        {recipe.origin["initialisation"] for recipe in recipes.values() if recipe.origin}
        for recipes in (DESIGN, HELD_OUT)
    ]
    assert not seeds[0] & seeds[1]


def test_a_tree_is_its_seed() -> None:
    assert draw_tree(7, "gated-tied") == draw_tree(7, "gated-tied")
    assert draw_tree(7, "gated-tied") != draw_tree(8, "gated-tied")


@pytest.mark.parametrize("design", list(load_designs()))
@pytest.mark.parametrize("seed", range(20))
def test_drawn_trees_are_sound(seed: int, design: str) -> None:
    recipes = _by_name(draw_tree(seed, design))
    kinds = Counter(recipe.kind for recipe in recipes.values())
    assert set(MERGES) <= set(kinds)
    assert max(len(list(walk_ancestors(name, recipes))) for name in recipes) >= 3
    for name, recipe in recipes.items():
        if recipe.kind in MERGES:
            first, second = recipe.parents
            assert first not in walk_ancestors(second, recipes)
            assert second not in walk_ancestors(first, recipes)
            if recipe.base:
                assert recipe.base in walk_ancestors(first, recipes)
                assert recipe.base in walk_ancestors(second, recipes)
        assert find_root(name, recipes) in (f"t{seed}", f"t{seed}-twin", f"t{seed}-shared")
    roots = [recipe.origin for recipe in recipes.values() if recipe.origin]
    assert len({json.dumps(one["shape"], sort_keys=True) for one in roots}) == 1


def test_a_key_changes_with_everything_the_weights_depend_on() -> None:
    keys = make_keys(DESIGN, "text", 1)
    assert make_keys(DESIGN, "text", 1) == keys
    assert not set(make_keys(DESIGN, "other text", 1).values()) & set(keys.values())
    assert not set(make_keys(DESIGN, "text", 2).values()) & set(keys.values())
    parent = next(one for one in DESIGN.values() if one.kind == "finetune")
    step = ("train", parent.steps[0][1] | {"seed": 4242})
    changed = make_keys(DESIGN | {parent.name: replace(parent, steps=(step,))}, "text", 1)
    differing = {name for name in DESIGN if changed[name] != keys[name]}
    below = {
        name
        for name in DESIGN
        if parent.name in walk_ancestors(name, DESIGN) or name == parent.name
    }
    assert differing == below
    assert len(below) > 1


@pytest.mark.parametrize("key", list(load_designs()))
def test_configs_name_the_shape(key: str) -> None:
    design = load_designs()[key]
    shape = Shape(64, 2, 2, 2, 96, 300, experts=design.experts)
    config = build_config(design, shape)
    assert not [value for value in config.values() if str(value).startswith("$")]
    assert (config["hidden_size"], config["num_hidden_layers"]) == (64, 2)
    roles = {name.rpartition(".")[2] for name, _ in walk_matrices(design, shape)}
    stored = {role.removeprefix("expert_") for role in design.tensors}
    assert roles - {"q", "k", "v"} <= stored
    assert ("head" in roles) == (not design.tied)


def test_truth_survives_the_disk(tmp_path: Path) -> None:
    name = "a-linear-30"
    folder = tmp_path / "models" / name
    folder.mkdir(parents=True)
    (folder / "truth.json").write_text(json.dumps(describe_truth(name, DESIGN)))
    unfinished = tmp_path / "models" / ".other.partial"
    unfinished.mkdir()
    (unfinished / "truth.json").write_text("{")
    member = read_zoo(tmp_path)[name]
    assert member.path == folder
    assert (member.kind, member.relation, member.root) == ("linear", "merge", "a")
    assert (member.parents, member.weights) == (("a-cpt", "a-ft-ft"), (0.3, 0.7))
    (folder / "model.Q8_0.gguf").touch()
    assert read_zoo(tmp_path)[name].path == folder / "model.Q8_0.gguf"


def test_an_empty_cache_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"make_zoo\.py"):
        read_zoo(tmp_path)


def test_pairs_are_told_by_their_roots() -> None:
    other = make_member("c", tree="u")
    shared = make_member("s", origin=FAMILY["a"].origin)
    assert compare_origins(FAMILY["a-2"], FAMILY["a-3"]) == "related"
    assert compare_origins(FAMILY["a-2"], FAMILY["b"]) == "twins"
    assert compare_origins(FAMILY["a-2"], other) == "strangers"
    assert compare_origins(FAMILY["a-2"], shared) == "shared-init"
    groups = list_pairs(list(FAMILY.members.values()))
    assert {name: len(pairs) for name, pairs in groups.items()} == {
        "related": 21, "shared-init": 0, "twins": 7, "strangers": 0
    }  # fmt: skip


def test_ancestors_and_edges() -> None:
    assert list(FAMILY.ancestors("a-mix")) == ["a-2", "a-3", "a-1", "a"]
    edges = {(one.name, other.name) for one, other in FAMILY.edges(FAMILY.members.values())}
    assert edges == {("a", "a-1"), ("a-1", "a-2"), ("a", "a-3"), ("a-1", "a-hidden")}
    placeable = {one.name for one in list_placeable(FAMILY.members.values(), "a")}
    assert placeable == {"a", "a-1", "a-2", "a-3"}


def test_null_roots_differ_by_their_seed_alone() -> None:
    roots = [recipe for recipe in HELD_OUT.values() if recipe.tree == NULL_TREE]
    assert len(roots) * (len(roots) - 1) // 2 >= 100
    assert len({recipe.origin["initialisation"] for recipe in roots}) == len(roots)
    assert len({json.dumps(recipe.steps) for recipe in roots}) == 1
