"""`lineage --verify --candidate`: parents and members of a merge that nobody declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from famtree import api
from famtree.errors import NotFoundError, UsageError
from famtree.types.lineage import Lineage
from hub.server import HubServer
from rendering import show
from tiny_merges import merge_ties, mix
from tiny_models import make_model, tune, write_model
from weighty_hubs import publish

ROOT = make_model(1)
A, B = tune(ROOT, 2, 0.2), tune(ROOT, 3, 0.2)
AA = tune(A, 4, 0.1)


@pytest.fixture
def tree(hub: HubServer) -> HubServer:
    publish(hub, "acme/root", ROOT)
    publish(hub, "acme/a", A, "acme/root")
    publish(hub, "acme/b", B, "acme/root")
    publish(hub, "acme/other", make_model(9))
    return hub


def ask(name: str, *candidates: str) -> Lineage:
    return api.lineage(name, verify=True, candidates=candidates)


def links(found: Lineage) -> list[tuple[str, str, str]]:
    return [(one.parent, one.relation, one.status) for one in found.edges
            if one.child == found.ref]  # fmt: skip


def test_an_undeclared_parent_is_named_below_the_root_that_candidates_declare(
    tree: HubServer,
) -> None:
    publish(tree, "acme/silent", AA)
    assert links(ask("acme/silent")) == []
    found = ask("acme/silent", "acme/b", "acme/other", "acme/a")
    assert links(found) == [("acme/a", "finetune", "inferred")]
    told = [(one.ref, one.reason.split(":")[0]) for one in found.candidates]
    assert told == [("acme/b", "related"), ("acme/other", "independent"), ("acme/a", "related")]
    assert ("acme/a", "acme/root") in [(one.child, one.parent) for one in found.edges]
    assert "candidate: acme/other: independent" in show("lineage", "text", found)


def test_a_sibling_is_no_parent(tree: HubServer) -> None:
    publish(tree, "acme/silent", tune(ROOT, 7, 0.2))
    assert links(ask("acme/silent", "acme/a", "acme/b")) == [
        ("acme/root", "finetune", "inferred")
    ]  # fmt: skip


def test_without_a_known_root_a_relative_is_a_candidate_and_no_more(hub: HubServer) -> None:
    publish(hub, "acme/a", A)
    publish(hub, "acme/silent", AA)
    found = ask("acme/silent", "acme/a")
    assert links(found) == []
    assert found.candidates[0].reason.startswith("related")


def test_kin_of_a_root_that_others_do_not_declare_is_no_child(hub: HubServer) -> None:
    publish(hub, "acme/root", ROOT)
    publish(hub, "acme/a", A, "acme/root")
    publish(hub, "acme/b", B)
    publish(hub, "acme/silent", AA)
    found = ask("acme/silent", "acme/a", "acme/b")
    assert links(found) == []
    assert [one.reason.split(":")[0] for one in found.candidates] == ["related", "related"]


@pytest.mark.parametrize("named", [(), ("acme/a",)])
def test_the_members_of_a_merge_are_named_with_their_shares(
    tree: HubServer, named: tuple[str, ...]
) -> None:
    publish(tree, "acme/mix", mix(A, B, 0.3), *named)
    found = ask("acme/mix", "acme/other", "acme/a", "acme/b")
    status = "verified" if named else "inferred"
    assert sorted(links(found)) == [("acme/a", "merge", status), ("acme/b", "merge", "inferred")]
    weights = {one.parent: one.weight for one in found.edges if one.child == "acme/mix"}
    assert weights["acme/b"] == pytest.approx(0.7, abs=0.02)
    [recipe] = [one.recipe for one in found.nodes if one.recipe is not None]
    assert recipe.method == "linear"
    assert "recipe: the weights of acme/mix are 0.70 of acme/b" in show("lineage", "text", found)


def test_the_base_of_a_sparse_merge_is_told(tree: HubServer) -> None:
    publish(tree, "acme/ties", merge_ties(ROOT, [A, B], 0.5))
    found = ask("acme/ties", "acme/a", "acme/b")
    [recipe] = [one.recipe for one in found.nodes if one.recipe is not None]
    assert (recipe.method, recipe.base) == ("sparse", "acme/root")
    assert {parent for parent, *_ in links(found)} == {"acme/a", "acme/b"}


def test_folders_are_candidates_too(tmp_path: Path) -> None:
    a, b, mixed, copy = (
        str(write_model(tmp_path / name, arrays))
        for name, arrays in (("a", A), ("b", B), ("mix", mix(A, B, 0.4)), ("copy", A))
    )
    assert {parent for parent, *_ in links(ask(mixed, a, b))} == {"a", "b"}
    assert links(ask(copy, a)) == [("a", "copy", "verified")]
    other = str(write_model(tmp_path / "there" / "a", B))
    with pytest.raises(UsageError, match="two folders are called a"):
        ask(a, other)


def test_what_cannot_be_asked_is_an_error(tree: HubServer) -> None:
    with pytest.raises(NotFoundError):
        ask("acme/a", "acme/gone")
    with pytest.raises(UsageError, match="too many"):
        ask("acme/a", *["acme/b"] * 8)
    # The checkpoint itself says nothing of where it comes from.
    assert links(ask("acme/root", "acme/root")) == []
