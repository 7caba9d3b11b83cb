from __future__ import annotations

import pytest

from famtree.api import lineage
from famtree.sources import hub_children, hub_models
from hub.server import HubServer
from lineage_hubs import add_model

BASE = "Qwen/Qwen2.5-7B"


def tag(relation: str) -> list[str]:
    return [f"base_model:{BASE}", f"base_model:{relation}:{BASE}"]


def add_children(hub: HubServer, relation: str, count: int) -> None:
    for number in range(count):
        add_model(hub, f"c/{relation}-{number:02}", tags=tag(relation))


def test_children_are_grouped_by_relation(hub: HubServer) -> None:
    add_model(hub, BASE)
    add_children(hub, "finetune", 12)
    add_children(hub, "quantized", 2)
    found = lineage(BASE, children=True)
    assert [(one.relation, one.count, one.complete) for one in found.children] == [
        ("finetune", 12, True),
        ("quantized", 2, True),
    ]
    assert len(found.children[0].examples) == 10
    assert found.children[1].examples == ["c/quantized-00", "c/quantized-01"]
    assert (found.warnings, found.edges) == ([], [])
    assert found.cost.requests == hub.seen.requests


def test_they_are_not_asked_for_unless_wanted(hub: HubServer) -> None:
    add_model(hub, BASE)
    add_children(hub, "finetune", 1)
    assert lineage(BASE).children == []
    assert "/api/models" not in hub.seen.paths


def test_pages_are_followed_and_bounded(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    add_model(hub, BASE)
    add_children(hub, "adapter", 9)
    monkeypatch.setattr(hub_models, "PAGE", 4)
    (group,) = lineage(BASE, children=True).children
    assert (group.count, group.complete) == (9, True)
    monkeypatch.setattr(hub_children, "MAX_PAGES", 2)
    (group,) = lineage(BASE, children=True).children
    assert (group.count, group.complete) == (8, False)


def test_what_cannot_be_asked_is_told(hub: HubServer) -> None:
    add_model(hub, BASE)
    lineage(BASE)
    found = lineage(BASE, children=True, offline=True)
    assert [one.code for one in found.warnings] == ["children-unlisted"]
    assert "offline" in found.warnings[0].message


def test_a_failing_list_leaves_the_ancestry(hub: HubServer) -> None:
    add_model(hub, "a/child", BASE)
    add_model(hub, BASE)
    hub.faults.only = r"/api/models\?"
    hub.faults.html_page = True
    found = lineage("a/child", children=True)
    assert [edge.parent for edge in found.edges] == [BASE]
    assert {one.code for one in found.warnings} == {"children-unlisted"}
    assert len(found.warnings) == 4
