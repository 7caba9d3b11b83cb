"""A declared parent that the weights show to be a sibling, or a child."""

from __future__ import annotations

from pathlib import Path

import pytest

from famtree import api
from famtree.types.identification import Identification
from hub.server import HubServer
from tiny_models import make_model, tune
from weighty_hubs import publish


@pytest.fixture
def family(hub: HubServer) -> HubServer:
    base = make_model(1)
    publish(hub, "acme/base", base)
    publish(hub, "acme/one", tune(base, 2, 0.2), "acme/base")
    publish(hub, "acme/two", tune(base, 3, 0.1), "acme/one")
    publish(hub, "acme/child", tune(tune(base, 2, 0.2), 4, 0.1), "acme/one")
    publish(hub, "acme/quiet", tune(base, 5, 0.2), "acme/base")
    return hub


def ask(name: str) -> tuple[Identification, list[str]]:
    found = api.identify(name, verify=True)
    return found, [one.code for one in found.warnings]


def test_a_declared_sibling_is_no_parent(family: HubServer) -> None:
    found, codes = ask("acme/two")
    step = found.lineage.chain[0]
    assert (step.relation, step.status) == ("finetune", "unresolved")
    assert "parent-is-sibling" in codes
    compared = api.compare("acme/two", "acme/one", verify=True)
    lineage = compared.relation.lineage
    assert (lineage.verdict, lineage.status) == ("related", "unresolved")
    assert "parent-is-sibling" in [one.code for one in compared.warnings]
    edge = api.lineage("acme/two", verify=True).edges[0]
    assert (edge.relation, edge.status) == ("finetune", "unresolved")


def test_a_child_has_what_its_parent_learned(family: HubServer) -> None:
    found, codes = ask("acme/child")
    assert found.lineage.chain[0].status == "verified"
    assert codes.count("parent-is-sibling") == 0
    lineage = api.compare("acme/child", "acme/one", verify=True).relation.lineage
    assert (lineage.verdict, lineage.status) == ("a-derives-from-b", "verified")


def test_a_base_that_declares_its_own_child_is_found(family: HubServer, tmp_path: Path) -> None:
    publish(family, "acme/base", make_model(1), "acme/one")
    found, codes = ask("acme/base")
    assert found.lineage.chain[0].status == "unresolved"
    assert "parent-is-child" in codes
    found, codes = ask("acme/one")
    assert found.lineage.chain[0].status == "verified"
    assert "parent-is-child" not in codes


def test_siblings_are_related_and_no_more(family: HubServer) -> None:
    lineage = api.compare("acme/one", "acme/quiet", verify=True).relation.lineage
    assert (lineage.verdict, lineage.status) == ("siblings", "verified")
