"""`lineage --verify` holds merges against their declared parents, and reads no more for others."""

from __future__ import annotations

from pathlib import Path

import pytest

from famtree import api
from famtree.lineage import recipes
from famtree.types.lineage import Lineage
from famtree.types.proof import FoundMerge
from hub.server import HubServer
from rendering import show
from tiny_merges import merge_ties, mix
from tiny_models import files_of, make_model, tune
from weighty_hubs import publish

ROOT = make_model(1)
A, B = tune(ROOT, 2, 0.2), tune(ROOT, 3, 0.2)
RECIPE = """
merge_method: linear
models:
  - model: acme/a
    parameters: {{weight: {0}}}
  - model: acme/b
    parameters: {{weight: {1}}}
"""


@pytest.fixture
def parents(hub: HubServer) -> HubServer:
    publish(hub, "acme/root", ROOT)
    publish(hub, "acme/a", A, "acme/root")
    publish(hub, "acme/b", B, "acme/root")
    return hub


def recipe_of(lineage: Lineage) -> FoundMerge | None:
    return next(node.recipe for node in lineage.nodes if node.ref == lineage.ref)


def state(hub: HubServer, first: float, second: float) -> None:
    """Publish a merge of .3 and .7 that states other shares."""
    files = {
        **files_of(mix(A, B, 0.3)),
        "mergekit_config.yml": RECIPE.format(first, second).encode(),
    }
    hub.add("acme/mix", files)


def test_a_declared_merge_has_its_recipe(parents: HubServer) -> None:
    publish(parents, "acme/mix", mix(A, B, 0.3), "acme/a", "acme/b")
    found = api.lineage("acme/mix", verify=True)
    recipe = recipe_of(found)
    assert recipe is not None
    assert recipe.method == "linear"
    assert {part.ref: round(part.weight, 2) for part in recipe.parents} == {
        "acme/a": 0.3, "acme/b": 0.7,
    }  # fmt: skip
    told = "recipe: the weights of acme/mix are 0.70 of acme/b and 0.30 of acme/a"
    assert told in show("lineage", "text", found)
    assert found.verification is not None
    assert found.verification.bytes_read > recipe.bytes_read > 0
    assert [node.ref for node in found.nodes if node.recipe is not None] == ["acme/mix"]
    assert [note for note in found.warnings if note.code == "recipe-differs"] == []


def test_a_base_among_the_parents_is_told_from_them(parents: HubServer) -> None:
    publish(parents, "acme/ties", merge_ties(ROOT, [A, B], 0.5), "acme/a", "acme/root", "acme/b")
    recipe = recipe_of(api.lineage("acme/ties", verify=True))
    assert recipe is not None
    assert (recipe.method, recipe.base) == ("sparse", "acme/root")


@pytest.mark.parametrize(
    ("first", "second", "differ"), [(0.3, 0.7, []), (3, 7, []), (0.6, 0.4, ["acme/a", "acme/b"])]
)
def test_another_recipe_than_stated_is_a_warning(
    parents: HubServer, first: float, second: float, differ: list[str]
) -> None:
    state(parents, first, second)
    found = api.lineage("acme/mix", verify=True)
    told = [note.message for note in found.warnings if note.code == "recipe-differs"]
    assert len(told) == len(differ)
    assert all(name in message for name, message in zip(differ, told, strict=True))


def test_a_stated_part_of_which_nothing_is_there_is_a_warning(parents: HubServer) -> None:
    publish(parents, "acme/c", tune(ROOT, 5, 0.2), "acme/root")
    text = RECIPE.format(0.3, 0.4) + "  - model: acme/c\n    parameters: {weight: 0.3}\n"
    files = {**files_of(mix(A, B, 0.3)), "mergekit_config.yml": text.encode()}
    parents.add("acme/mix", files)
    told = [note.message for note in api.lineage("acme/mix", verify=True).warnings]
    assert any("acme/c" in one and "nothing of it" in one for one in told)


def test_what_is_no_merge_of_its_parents_says_so(parents: HubServer) -> None:
    publish(parents, "acme/mix", tune(mix(A, B, 0.5), 8, 0.02), "acme/a", "acme/b")
    found = api.lineage("acme/mix", verify=True)
    recipe = recipe_of(found)
    assert recipe is not None
    assert (recipe.method, recipe.parents) == (None, [])
    assert "recipe: the weights of acme/mix are no linear" in show("lineage", "text", found)


def test_a_parent_that_is_not_to_be_had_stops_nothing(parents: HubServer) -> None:
    publish(parents, "acme/mix", mix(A, B, 0.3), "acme/a", "acme/gone")
    found = api.lineage("acme/mix", verify=True)
    assert recipe_of(found) is None
    assert found.edges


def test_without_verify_no_weight_is_read(parents: HubServer) -> None:
    publish(parents, "acme/mix", mix(A, B, 0.3), "acme/a", "acme/b")
    assert recipe_of(api.lineage("acme/mix")) is None


def test_only_merges_cost_more(
    parents: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(parents, "acme/aa", tune(A, 4, 0.1), "acme/a")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a merge was looked for")

    monkeypatch.setattr("famtree.weights.merges.find_merge", refuse)
    found = api.lineage("acme/aa", verify=True)
    assert [edge.status for edge in found.edges] == ["verified", "verified"]
    assert found.verification is not None
    # What the proofs of two links take, and nothing more: columns of A and its root are no closer
    # than two trainings from one start may be, so what each has learned is asked as well.
    assert found.verification.bytes_read <= 1 << 20


@pytest.mark.parametrize(
    ("limit", "most", "told"),
    [
        ("MOST_MERGES", 0, "the recipe of acme/mix was not looked for"),
        ("MOST_PARENTS", 2, "2 of 3 parents of acme/mix were looked at"),
    ],
)
def test_what_is_cut_off_is_said(
    parents: HubServer, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, told: str
) -> None:
    monkeypatch.setattr(recipes, limit, most)
    publish(parents, "acme/mix", mix(A, B, 0.3), "acme/a", "acme/b", "acme/root")
    warnings = api.lineage("acme/mix", verify=True).warnings
    assert any(told in one.message for one in warnings if one.code == "not-verified")
