"""`lineage --verify` and `compare --verify` on small checkpoints of real weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from famtree import api
from famtree.comparison.descent import Descent
from famtree.comparison.proof import join_proof
from famtree.types.comparison import LineageVerdict
from famtree.types.identification import LinkRelation
from famtree.types.lineage import LineageEdge
from famtree.types.proof import Proof
from hub.server import HubServer
from tiny_models import make_model, tune, write_model
from weighty_hubs import publish


@pytest.fixture
def tree(hub: HubServer) -> HubServer:
    """base <- child <- grandchild, which names an unrelated model of equal design as well."""
    publish(hub, "acme/base", make_model(1))
    publish(hub, "acme/other", make_model(2))
    publish(hub, "acme/child", tune(make_model(1), 3), "acme/base")
    publish(hub, "acme/grandchild", tune(tune(make_model(1), 3), 4), "acme/child", "acme/other")
    return hub


def edges(*, verify: bool) -> dict[tuple[str, str], LineageEdge]:
    found = api.lineage("acme/grandchild", verify=verify)
    return {(edge.child, edge.parent): edge for edge in found.edges}


def test_every_link_of_an_ancestry_is_settled(tree: HubServer) -> None:
    claimed = edges(verify=False)
    assert {edge.status for edge in claimed.values()} <= {"consistent", "declared"}
    found = edges(verify=True)
    assert {link: edge.status for link, edge in found.items()} == {
        ("acme/grandchild", "acme/child"): "verified",
        ("acme/grandchild", "acme/other"): "contradicted",
        ("acme/child", "acme/base"): "verified",
    }
    told = found["acme/grandchild", "acme/other"].evidence[-1]
    assert told.source == "weights"
    assert not told.supports


def test_a_parent_whose_weights_cannot_be_read_keeps_its_status(hub: HubServer) -> None:
    publish(hub, "acme/child", make_model(1), "acme/bare")
    hub.add("acme/bare", {"config.json": b'{"model_type": "llama", "hidden_size": 128}'})
    (edge,) = api.lineage("acme/child", verify=True).edges
    assert edge.status not in ("verified", "contradicted")


def test_a_bom_has_the_verified_ancestry(tree: HubServer) -> None:
    def read(*, verify: bool) -> tuple[dict[str, str], list[str]]:
        [component] = api.bom("acme/grandchild", verify=verify)["components"]
        own = [one["value"] for one in component["properties"]
               if one["name"] == "famtree:lineage:contradicted"]  # fmt: skip
        ancestors = component["pedigree"]["ancestors"]
        return {
            one["name"]: next(
                mark["value"] for mark in one["properties"] if mark["name"] == "famtree:status"
            )
            for one in ancestors
        }, own

    statuses, contradicted = read(verify=False)
    assert set(statuses) == {"child", "other"}
    assert "verified" not in statuses.values()
    assert contradicted == []
    assert read(verify=True) == ({"child": "verified"}, ["acme/other"])


def test_a_policy_can_demand_verified_links(tree: HubServer, tmp_path: Path) -> None:
    policy = tmp_path / "famtree.toml"
    policy.write_text(
        'schema = "famtree/policy/1"\n[defaults]\nmax_status = "verified"\n'
        '[[checkpoint]]\nref = "acme/child"\n[[checkpoint]]\nref = "acme/grandchild"\n'
        '[[checkpoint]]\nref = "acme/base"\nexpect_parent = "acme/other"\n'
    )
    claimed = api.check(str(policy)).checkpoints
    assert [row.result for row in claimed] == ["failed"] * 3
    proven = api.check(str(policy), verify=True).checkpoints
    assert [row.result for row in proven] == ["passed", "failed", "failed"]
    told = " ".join(one.message for one in proven[1].conditions)
    assert "acme/other is contradicted" in told


def test_pairs_are_compared_by_their_weights(tmp_path: Path) -> None:
    base, tuned = make_model(1), tune(make_model(1), 3)
    one = str(write_model(tmp_path / "acme__base", base))
    two = str(write_model(tmp_path / "acme__tuned", tuned))
    three = str(write_model(tmp_path / "acme__other", make_model(2)))
    blind = api.compare(one, two).relation.lineage
    assert (blind.verdict, blind.z, blind.bytes_read) == ("undetermined", None, 0)
    seen = api.compare(one, two, verify=True).relation.lineage
    assert seen.verdict == "related"  # weights alone do not tell whose child it is
    assert seen.status == "verified"
    assert seen.z is not None
    assert seen.z > 6
    assert seen.bytes_read > 0
    apart = api.compare(one, three, verify=True).relation.lineage
    assert (apart.verdict, apart.status) == ("independent", "verified")


def proof(verdict: str, direction: str | None = None) -> Proof:
    return Proof.model_validate(
        {
            "child": "a", "parent": "b", "verdict": verdict, "reason": "by the columns",
            "decided_by": "column", "z": 40.0, "log10_p": -300.0, "p_value": 0.0,
            "direction": direction, "direction_by": "grid" if direction else None,
        }
    )  # fmt: skip


def declared(verdict: str, distance: int | None, *relations: LinkRelation) -> Descent:
    return Descent(
        LineageVerdict.model_validate(
            {"verdict": verdict, "status": "declared", "distance": distance, "path": ["a", "b"]}
        ),
        relations=frozenset(relations),
        b_is_child=verdict == "b-derives-from-a",
    )


@pytest.mark.parametrize(
    ("said", "distance", "shown", "direction", "verdict", "status"),
    [
        ("undetermined", None, "derived", "parent-first", "related", "verified"),
        ("undetermined", None, "derived", "child-first", "related", "verified"),
        ("undetermined", None, "partial", None, "related", "unresolved"),
        ("siblings", 2, "derived", "parent-first", "siblings", "verified"),
        ("a-derives-from-b", 1, "derived", None, "a-derives-from-b", "verified"),
        ("a-derives-from-b", 1, "derived", "child-first", "related", "verified"),
        ("a-derives-from-b", 1, "independent", None, "independent", "contradicted"),
        ("undetermined", None, "independent", None, "independent", "verified"),
        ("undetermined", None, "shared-init", None, "shared-init", "verified"),
        ("a-derives-from-b", 1, "undetermined", None, "a-derives-from-b", "declared"),
        ("siblings", 2, "same-weights", None, "same-weights", "verified"),
    ],
)
def test_what_is_declared_stands_as_far_as_the_weights_bear_it_out(
    said: str,
    distance: int | None,
    shown: str,
    direction: str | None,
    verdict: str,
    status: str,
) -> None:
    relations: list[LinkRelation] = ["finetune"] if distance else []
    found = join_proof(declared(said, distance, *relations), proof(shown, direction))
    assert (found.verdict, found.status) == (verdict, status)
    assert found.z == 40.0


@pytest.mark.parametrize(
    ("said", "relation", "shown", "direction", "verdict", "status"),
    [
        # What came first is shown of the side that was taken for the child, which is b here.
        ("b-derives-from-a", "finetune", "derived", "parent-first", "b-derives-from-a", "verified"),
        ("b-derives-from-a", "finetune", "derived", "child-first", "related", "verified"),
        # An average is smaller than its parts.
        ("a-derives-from-b", "merge", "derived", "child-first", "a-derives-from-b", "verified"),
        # Distillation leaves nothing in the weights, wherever it stands on the path.
        ("a-derives-from-b", "distill", "independent", None, "a-derives-from-b", "declared"),
        ("related", "distill", "independent", None, "related", "declared"),
    ],
)
def test_what_lies_between_decides_what_weights_may_say(
    said: str,
    relation: LinkRelation,
    shown: str,
    direction: str | None,
    verdict: str,
    status: str,
) -> None:
    found = join_proof(declared(said, 2, "finetune", relation), proof(shown, direction))
    assert (found.verdict, found.status) == (verdict, status)


@pytest.mark.parametrize(
    ("shown", "verdict", "status", "relation"),
    [
        ("derived", "related", "verified", "unknown"),
        ("partial", "related", "contradicted", "finetune"),
        ("independent", "independent", "contradicted", "finetune"),
        ("shared-init", "shared-init", "contradicted", "finetune"),
        ("undetermined", "undetermined", "contradicted", "finetune"),
    ],
)
def test_a_claim_that_files_rule_out_is_settled_by_whole_weights_alone(
    shown: str, verdict: str, status: str, relation: str
) -> None:
    ruled_out = LineageVerdict.model_validate(
        {"verdict": "undetermined", "status": "contradicted", "relation": "finetune"}
    )
    found = join_proof(Descent(ruled_out, relations=frozenset({"finetune"})), proof(shown))
    assert (found.verdict, found.status, found.relation) == (verdict, status, relation)
