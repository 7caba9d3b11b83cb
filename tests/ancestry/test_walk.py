from __future__ import annotations

from ancestry.hubs import add_model
from famtree.api import lineage
from hub.server import HubServer


def test_a_chain_is_walked_to_what_the_registry_knows(hub: HubServer) -> None:
    add_model(hub, "a/third", "a/second")
    add_model(hub, "a/second", "Qwen/Qwen2.5-7B")
    found = lineage("a/third")
    assert [(e.child, e.parent, e.status) for e in found.edges] == [
        ("a/third", "a/second", "consistent"),
        ("a/second", "Qwen/Qwen2.5-7B", "consistent"),
    ]
    assert found.roots == ["Qwen/Qwen2.5-7B"]
    assert found.complete


def test_a_circle_is_cut(hub: HubServer) -> None:
    add_model(hub, "a/one", "a/two")
    add_model(hub, "a/two", "a/one")
    found = lineage("a/one")
    assert [(e.child, e.parent) for e in found.edges] == [("a/one", "a/two")]
    assert [notice.code for notice in found.warnings] == ["cycle"]
    assert not found.complete
