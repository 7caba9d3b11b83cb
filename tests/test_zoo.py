"""The zoo's bookkeeping: what is drawn, what is true of it, and how answers are counted."""

from __future__ import annotations

import json
import re
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from zoo.answers import DirectionAnswer, MergeAnswer, PairAnswer, PlaceAnswer
from zoo.baselines import Tensors, measure_distances, measure_kurtosis, span_arborescence, span_tree
from zoo.design import Shape, build_config, load_designs, walk_matrices
from zoo.families import list_design_recipes
from zoo.figures import Figure, digest_constants, fit_normal, make_share
from zoo.forest import Forest, list_families
from zoo.page import update_page
from zoo.pair_figures import count_directions, count_related, describe_null
from zoo.recipe import (
    KINDS,
    MERGES,
    Recipe,
    describe_truth,
    find_root,
    make_keys,
    walk_ancestors,
)
from zoo.records import Member, Zoo, compare_origins, list_pairs, read_zoo
from zoo.tree_figures import Tally, count_merges, list_placeable, tally_places
from zoo.trees import NULL_TREE, SEEDS, draw_tree, list_held_out_recipes

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


def _member(name: str, parents: tuple[str, ...] = (), **facts: Any) -> Member:
    root = facts.pop("root", name.partition("-")[0])
    origin = {"design": "d", "shape": {"hidden": 8}, "initialisation": root}
    known: dict[str, Any] = {
        "kind": "finetune" if parents else "root", "relation": None, "tree": "t", "weights": (),
        "base": None, "disguised": False, "held_out": True, "origin": origin,
    }  # fmt: skip
    return Member(name, Path(name), parents=parents, root=root, **(known | facts))


FAMILY = Zoo(
    [
        _member("a"),
        _member("a-1", ("a",)),
        _member("a-2", ("a-1",)),
        _member("a-3", ("a",)),
        _member("a-mix", ("a-2", "a-3"), kind="linear", weights=(0.3, 0.7)),
        _member("a-ties", ("a-2", "a-3"), kind="ties", base="a"),
        _member("a-hidden", ("a-1",), kind="rotated", disguised=True),
        _member("b"),
    ]
)


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
    other = _member("c", tree="u")
    shared = _member("s", origin=FAMILY["a"].origin)
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


def _values(figures: list[Figure]) -> dict[str, tuple[float | None, int]]:
    return {figure.name.strip(): (figure.value, figure.size) for figure in figures}


def _pair(group: str, verdict: str, z: float = 0.0, disguised: bool = False) -> PairAnswer:
    related = verdict in ("derived", "shared-init")
    return PairAnswer("x", "y", group, disguised, verdict, related, z, z, None, None, 0.0)


def test_related_or_not_is_counted() -> None:
    answers = [
        _pair("related", "derived"),
        _pair("related", "independent"),
        _pair("related", "derived", disguised=True),
        _pair("twins", "independent"),
        _pair("twins", "derived"),
        _pair("strangers", "undetermined"),
        _pair("shared-init", "shared-init"),
    ]
    figures = count_related(answers, marked=True)
    found = _values(figures)
    assert found["negatives"] == (3.0, 3)
    assert found["false positives: unrelated pairs said to be related"] == (1 / 3, 3)
    assert found["of these same config, same data, other seed"] == (1 / 2, 2)
    assert found["true pairs found, disguised included"] == (2 / 3, 3)
    assert found["without disguises"] == (1 / 2, 2)
    assert found["shared initialisation said to be descent"] == (0.0, 1)
    assert [figure.met for figure in figures[:5]] == [False] * 5
    assert all(figure.met is None for figure in count_related(answers, marked=False))


def test_a_mark_without_cases_is_not_met() -> None:
    assert make_share("none", 0, 0, ("at least", 0.5)).met is False
    assert "MISSED" in make_share("none", 0, 0, ("at least", 0.5)).as_line()


def test_normal_samples_fit_and_others_do_not() -> None:
    normal = statistics.NormalDist()
    sample = [normal.inv_cdf((place + 0.5) / 500) for place in range(500)]
    fit = fit_normal(sample)
    assert fit.distance < 0.002
    assert fit.p_value > 0.99
    narrow = fit_normal([value / 2 for value in sample])
    assert narrow.p_value < 1e-6
    assert narrow.excess < 0.01  # lighter tails are allowed
    wide = fit_normal([value * 2 for value in sample])
    assert wide.excess > 0.1
    answers = [_pair("twins", "independent", value * 1.6) for value in sample]
    missed = [one.name for one in describe_null("roots", answers, True) if one.met is False]
    assert missed == ["column z of roots: excess of the upper tail"]


def test_directions_are_counted() -> None:
    answers = [
        DirectionAnswer("p", "c", "finetune", False, "p", "growth"),
        DirectionAnswer("p", "c", "finetune", False, "c", "growth"),
        DirectionAnswer("p", "c", "finetune", False, None, None),
        DirectionAnswer("p", "c", "rotated", True, None, None),
    ]
    found = _values(count_directions(answers, True))
    assert found["direction right where given, edges"] == (1 / 2, 2)
    assert found["direction abstained, edges"] == (1 / 3, 3)
    assert found["direction abstained, disguised edges"] == (1.0, 1)


def test_places_are_counted() -> None:
    tally = Tally()
    placed = {
        "a-1": PlaceAnswer("a-1", "a", ()),
        "a-2": PlaceAnswer("a-2", "a", ("a-1",)),
        "a-3": PlaceAnswer("a-3", "a-1", ()),
    }
    members = [*list_placeable(FAMILY.members.values(), "a"), FAMILY["a-hidden"]]
    tally_places(FAMILY, members, placed, tally)
    found = _values(tally.as_figures("x", True))
    assert found["exact parent, x"] == (1 / 4, 4)
    assert found["named parent is a true ancestor, x"] == (2 / 3, 3)
    assert tally.open == 1


def test_merges_are_counted() -> None:
    answers = [
        MergeAnswer("a-mix", ("a-3", "a-2"), (0.65, 0.35), "linear"),
        MergeAnswer("a-ties", ("a-1", "a-3"), (0.5, 0.5), "sparse"),
        MergeAnswer("a-1", ("a", "a-2"), (0.5, 0.5), "linear"),
    ]
    found = _values(count_merges(FAMILY.members.values(), answers, True))
    assert found["linear and SLERP merges: parents right"] == (1.0, 1)
    error, size = found["linear and SLERP merges: largest error of a weight"]
    assert size == 2
    assert error == pytest.approx(0.05)
    assert found["TIES and DARE merges: parents right"] == (0.0, 1)
    assert found["false merges"] == (1, 6)


def test_baselines_follow_a_chain() -> None:
    numpy = pytest.importorskip("numpy")
    rng = numpy.random.default_rng(0)
    chain = {"a": {"w": rng.normal(size=(16, 16))}}
    for parent, child in (("a", "b"), ("b", "c"), ("a", "d")):
        chain[child] = {"w": chain[parent]["w"] + 0.1 * rng.normal(size=(16, 16))}
    chain["e"] = {"w": rng.normal(size=(4, 4))}  # nothing to compare
    distances = measure_distances(chain)
    assert max(distances.values()) == distances["a", "e"]
    tree = span_tree(distances, "a")
    assert {child: tree[child] for child in "bcd"} == {"b": "a", "c": "b", "d": "a"}
    kurtosis = {name: measure_kurtosis(tensors) for name, tensors in chain.items()}
    for falling in (True, False):
        parents = span_arborescence(distances, kurtosis, "a", falling=falling)
        assert set(parents) == set("bcde")
    rising = {name: float(place) for place, name in enumerate(chain)}
    parents = span_arborescence(distances, rising, "a", falling=False)
    assert {child: parents[child] for child in "bcd"} == {"b": "a", "c": "b", "d": "a"}


class _Truth:
    """Answers everything rightly, or, where `wrong`, names the root as everybody's parent."""

    def __init__(self, wrong: bool) -> None:
        self.wrong = wrong

    def find_merges(self, family: Iterable[Member], root: str) -> list[MergeAnswer]:
        return [
            MergeAnswer(one.name, one.parents, one.weights or (0.5, 0.5), "linear")
            for one in family
            if one.is_merge and not self.wrong
        ]

    def place(self, family: Iterable[Member], root: str) -> dict[str, PlaceAnswer]:
        return {
            one.name: PlaceAnswer(one.name, root if self.wrong else one.parents[0], ())
            for one in family
            if one.name != root
        }

    def read_matrices(self, member: Member) -> Tensors:
        numpy = pytest.importorskip("numpy")
        depth = len(list(FAMILY.ancestors(member.name)))
        return {"w": numpy.diag(numpy.arange(1.0, 9.0)) + 0.1 * depth}


@pytest.mark.parametrize("wrong", [False, True])
def test_a_forest_is_judged_by_the_truth(wrong: bool) -> None:
    pytest.importorskip("networkx")
    members = list(FAMILY.members.values())
    answers = [
        replace(_pair("related", "derived"), first="a", second=one.name)
        for one in members
        if one.root == "a" and one.name not in ("a", "a-3")
    ]
    answers.append(replace(_pair("twins", "independent"), first="a", second="b"))
    assert [one.name for one in list_families(members)] == ["a"]
    part = Forest(FAMILY, answers, _Truth(wrong))
    part.run(members, FAMILY["a"])
    forest = Forest(FAMILY, answers, None)
    forest.absorb(part)
    found = _values(forest.as_figures(True))
    # a-3 was not recognised as one of the family, so nobody placed it.
    assert found["exact parent, famtree"] == ((1 if wrong else 2) / 3, 3)
    assert found["named parent is a true ancestor, famtree"] == (1.0, 2)
    everyone = "exact parent, famtree, disguised members included"
    assert found[everyone] == ((1 if wrong else 3) / 4, 4)
    assert found["linear and SLERP merges: parents right"] == (0.0 if wrong else 1.0, 1)
    assert found["false merges"] == (0.0, 4)
    assert found["exact parent, minimum spanning tree"][1] == 3
    assert found["exact parent, MoTHer, kurtosis falls"][1] == 3


def test_a_digest_of_constants_sees_every_value() -> None:
    constants = {"LIMIT": 6.0, "_OTHER": 1, "LARGE": (1, 2), "function": print}
    assert digest_constants(constants) == digest_constants(constants | {"function": len})
    assert digest_constants(constants) != digest_constants(constants | {"LIMIT": 6.5})
    assert digest_constants(constants) != digest_constants({"LIMIT": 6.0, "LARGE": (1, 2)})


def test_null_roots_differ_by_their_seed_alone() -> None:
    roots = [recipe for recipe in HELD_OUT.values() if recipe.tree == NULL_TREE]
    assert len(roots) * (len(roots) - 1) // 2 >= 100
    assert len({recipe.origin["initialisation"] for recipe in roots}) == len(roots)
    assert len({json.dumps(recipe.steps) for recipe in roots}) == 1


ROOT = Path(__file__).parents[1]


def test_the_page_is_rewritten_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- design figures: begin -->\nstale\n<!-- design figures: end -->\nb\n")
    figures = [make_share("right", 1, 2, ("at least", 0.8)).as_json(), Figure("n", 3, 3).as_json()]
    document = {"thresholds": "0123", "design": {"figures": {"direction": figures, "none": []}}}
    update_page(page, document)
    text = page.read_text()
    assert "stale" not in text
    assert "| right | 0.5 | 2 | at least 0.8 | **missed** | 1/2 |" in text
    assert "| n | 3 | 3 |" in text
    assert text.startswith("a\n")
    assert text.endswith("end -->\nb\n")
    with pytest.raises(SystemExit, match="held-out"):
        update_page(page, document | {"held-out": document["design"]})


def test_published_figures_belong_to_todays_thresholds() -> None:
    """Whoever changes a threshold has to measure again."""
    from famtree.weights import thresholds

    text = (ROOT / "docs" / "verify-figures.md").read_text(encoding="utf-8")
    digest = digest_constants(vars(thresholds))
    assert re.findall(r"Thresholds `(\w+)`", text) == [digest, digest]
    assert all(str(seed) in text for seed in SEEDS)
