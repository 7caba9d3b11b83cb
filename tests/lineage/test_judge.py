"""What a proof does to a link, and where a graph ends."""

from __future__ import annotations

import pytest

from famtree.lineage.judge import apply_proof, find_status
from famtree.lineage.links import Link
from famtree.lineage.steps import JudgedLink
from famtree.lineage.walk import Walk
from famtree.types.identification import LinkRelation, LinkStatus
from famtree.types.proof import Proof


def _step(
    parent: str = "a/parent",
    status: LinkStatus = "consistent",
    relation: LinkRelation = "finetune",
    *,
    child: str = "a/child",
    aside: bool = False,
) -> JudgedLink:
    return JudgedLink(child, parent, relation, status, 0.9, Link(parent, ()), aside=aside)


def _proof(verdict: str, *, unread: bool = False) -> Proof:
    parts = [{"part": "layer 0", "reason": "packed"}] if unread else []
    return Proof.model_validate(
        {
            "child": "a/child",
            "parent": "a/parent",
            "verdict": verdict,
            "reason": "x",
            "decided_by": "column",
            "sides": [{"ref": "a/child", "unread": parts}],
        }
    )


@pytest.mark.parametrize(
    ("verdict", "unread", "relation", "ceiling"),
    [
        ("derived", False, "finetune", "verified"),
        ("same-weights", False, "copy", "verified"),
        ("independent", False, "finetune", "contradicted"),
        ("independent", True, "finetune", "unresolved"),
        ("shared-init", False, "finetune", "unresolved"),
        ("independent", False, "distill", "declared"),
        ("undetermined", False, "finetune", None),
    ],
)
def test_the_best_status_after_a_proof(
    verdict: str, unread: bool, relation: LinkRelation, ceiling: LinkStatus | None
) -> None:
    assert find_status(_proof(verdict, unread=unread), relation) == ceiling


@pytest.mark.parametrize(
    ("verdict", "by", "relation", "kept", "ceiling"),
    [
        ("partial", "column", "finetune", 3, "unresolved"),
        ("partial", "column", "merge", 2, "verified"),
        ("partial", "column", "merge", 1, "unresolved"),
        ("undetermined", "consistency", "finetune", 4, "unresolved"),
        ("undetermined", "consistency", "merge", 4, "unresolved"),
    ],
)
def test_parts_of_a_parent_are_no_descent_but_in_a_merge(
    verdict: str, by: str, relation: LinkRelation, kept: int, ceiling: LinkStatus
) -> None:
    layers = [(layer, layer if layer < kept else None) for layer in range(4)]
    proof = _proof(verdict).model_copy(update={"decided_by": by, "layers": layers})
    assert find_status(proof, relation, "consistent") == ceiling


def test_an_inherited_part_overturns_no_shape() -> None:
    layers = [(layer, layer) for layer in range(3)]
    proof = _proof("partial").model_copy(update={"layers": [*layers, (3, None)]})
    assert find_status(proof, "merge", "consistent") == "verified"
    assert find_status(proof, "merge", "contradicted") is None


@pytest.mark.parametrize(
    ("before", "unread", "after"),
    [
        ("consistent", False, "contradicted"),
        ("consistent", True, "unresolved"),
        ("contradicted", True, "contradicted"),
        ("unresolved", True, "unresolved"),
    ],
)
def test_a_proof_of_independence_makes_no_link_better(
    before: LinkStatus, unread: bool, after: LinkStatus
) -> None:
    step = _step(status=before)
    apply_proof(step, _proof("independent", unread=unread))
    assert step.status == after
    assert step.confidence < 0.5


def test_a_claim_aside_opens_no_end() -> None:
    steps = {"a/child": [_step(), _step("a/other", aside=True)], "a/parent": []}
    walk = Walk("a/child", dict.fromkeys(["a/child", "a/parent", "a/other"]), steps)
    assert walk.find_ends() == ([], ["a/parent"])


def test_claims_aside_are_followed_where_there_are_no_others() -> None:
    walk = Walk(
        "a/child",
        dict.fromkeys(["a/child", "a/other"]),
        {"a/child": [_step("a/other", aside=True), _step("a/wrong", "contradicted")]},
    )
    assert walk.find_ends() == ([], ["a/other"])
