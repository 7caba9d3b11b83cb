"""A known root tells which of two kin comes from the other; without one they are related."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from famtree import api
from famtree.comparison.placement import place_pair
from famtree.types.comparison import LineageVerdict
from hub.server import HubServer
from tiny_models import make_model, tune
from weighty_hubs import publish


@pytest.fixture
def tree(hub: HubServer) -> HubServer:
    root = make_model(1)
    first = tune(root, 2, 0.2)
    publish(hub, "acme/root", root)
    publish(hub, "acme/a", first, "acme/root")
    publish(hub, "acme/b", tune(root, 3, 0.2), "acme/root")
    publish(hub, "acme/aa", tune(first, 4, 0.1), "acme/root")
    return hub


def verdict(a: str, b: str) -> LineageVerdict:
    return api.compare(a, b, engines=["vllm"], verify=True).relation.lineage


def test_what_has_a_siblings_training_is_its_child(tree: HubServer) -> None:
    found = verdict("acme/aa", "acme/a")
    assert (found.verdict, found.status) == ("a-derives-from-b", "inferred")
    assert "a has what b learned since acme/root" in found.reason


def test_siblings_have_no_arrow(tree: HubServer) -> None:
    found = verdict("acme/a", "acme/b")
    assert (found.verdict, found.status) == ("siblings", "verified")
    assert found.common_ancestor is not None


@pytest.mark.parametrize(
    ("roots", "direction", "expected"),
    [
        ((True, False), None, "b-derives-from-a"),
        ((False, True), None, "a-derives-from-b"),
        ((True, False), "child-first", "b-derives-from-a"),
        ((True, False), "parent-first", None),
        ((True, True), None, None),
        ((False, False), None, None),
    ],
)
def test_kin_of_a_root_on_record_comes_from_it(
    roots: tuple[bool, bool], direction: str | None, expected: str | None
) -> None:
    a, b = (
        SimpleNamespace(ref=name, node=SimpleNamespace(root=root),
                        source=SimpleNamespace(ref=SimpleNamespace(text=name)))
        for name, root in zip("ab", roots, strict=True)
    )  # fmt: skip
    proof = SimpleNamespace(
        verdict="derived", no_parent=None, child="a", parent="b", direction=direction
    )
    nothing = LineageVerdict.model_construct(
        verdict="undetermined", status="unresolved", distance=None, common_ancestor=None
    )
    found = place_pair(
        nothing, cast("Any", proof), cast("Any", a), cast("Any", b), cast("Any", None)
    )
    assert (found[0] if found else None) == expected
