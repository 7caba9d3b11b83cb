from __future__ import annotations

from typing import Any

import pytest

from famtree.policy.conditions import check_identification, check_lineage, needs_lineage
from famtree.types.identification import LinkStatus, Notice
from famtree.types.lineage import Lineage, LineageEdge
from famtree.types.links import STATUSES
from famtree.types.policy import Conditions
from results import make_ambiguous, make_result, make_unknown


def link(status: LinkStatus, parent: str = "a/base", child: str = "a/model") -> LineageEdge:
    return LineageEdge(
        child=child, parent=parent, relation="finetune", status=status, confidence=0.5
    )


def graph(*edges: LineageEdge, **fields: Any) -> Lineage:
    return Lineage(famtree="0", ref="a/model", edges=list(edges), **fields)


def ask(lineage: Lineage, **conditions: Any) -> tuple[bool, str]:
    [found] = check_lineage(lineage, Conditions(**conditions))
    assert needs_lineage(Conditions(**conditions))
    return found.holds, found.message


def test_every_status_has_its_place() -> None:
    assert STATUSES == (
        "verified", "consistent", "declared", "inferred", "unresolved", "contradicted",
    )  # fmt: skip


@pytest.mark.parametrize("bound", STATUSES)
@pytest.mark.parametrize("status", STATUSES)
def test_no_link_may_be_worse_than_asked(bound: LinkStatus, status: LinkStatus) -> None:
    lineage = graph(link("verified"), link(status, parent="a/root", child="a/base"))
    holds, message = ask(lineage, max_status=bound)
    assert holds == (STATUSES.index(status) <= STATUSES.index(bound))
    assert holds or f"from a/base to a/root is {status}" in message


def test_an_unknown_origin_is_no_good_status() -> None:
    assert ask(graph(), max_status="declared") == (False, "nothing is known of where it comes from")
    assert ask(graph(complete=True), max_status="verified")[0]
    assert ask(graph(), max_status="unresolved")[0]


@pytest.mark.parametrize(
    ("edges", "told"),
    [
        ([link("declared")], None),
        ([link("declared", parent="A/Base")], None),
        ([link("contradicted"), link("inferred")], None),
        ([link("contradicted"), link("inferred", parent="a/x")], "rules it out; its parent is a/x"),
        ([link("unresolved")], "could not be settled"),
        ([link("verified", parent="a/x")], "is not among its parents; its parent is a/x"),
        ([link("verified", child="a/x")], "is not among its parents; no parent is known"),
        ([], "no parent is known"),
    ],
)
def test_the_expected_parent(edges: list[LineageEdge], told: str | None) -> None:
    holds, message = ask(graph(*edges), expect_parent="a/base")
    assert holds is (told is None)
    assert told is None or told in message


def test_looser_licences() -> None:
    notice = Notice(code="license-looser", message="a is looser than b")
    asked = {"require_licence_compatible": True}
    assert ask(graph(warnings=[notice]), **asked) == (False, "a is looser than b")
    assert ask(graph(warnings=[Notice(code="cycle", message="x")]), **asked)[0]


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({"expect": "oak"}, True),
        ({"expect": "oak/oak-2"}, True),
        ({"expect": "oak/oak-1"}, False),
        ({"expect": "elm"}, False),
        ({"min_confidence": 0.97}, True),
        ({"min_confidence": 0.98}, False),
        ({"allow_families": ["elm", "oak"]}, True),
        ({"allow_families": ["elm"]}, False),
        ({"allow_families": []}, False),
        ({"deny_families": ["elm"]}, True),
        ({"deny_families": ["elm", "oak"]}, False),
    ],
)
def test_conditions_on_family_and_confidence(conditions: dict[str, Any], holds: bool) -> None:
    [found] = check_identification(make_result(), Conditions(**conditions))
    assert (found.name, found.holds) == (next(iter(conditions)), holds)
    assert not needs_lineage(Conditions(**conditions))


@pytest.mark.parametrize("code", ["renamed", "parent-renamed", "shard-missing"])
def test_older_names(code: str) -> None:
    told = [Notice(code=code, message="org/old is now org/new")]
    result = make_result().model_copy(update={"warnings": told})
    [found] = check_identification(result, Conditions(deny_renamed=True))
    assert (found.name, found.holds) == ("deny_renamed", code == "shard-missing")
    if not found.holds:
        assert "org/old is now org/new" in found.message
    assert check_identification(result, Conditions(deny_renamed=False)) == []


@pytest.mark.parametrize("make", [make_ambiguous, make_unknown])
@pytest.mark.parametrize(
    "conditions",
    [{"expect": "oak/oak-2"}, {"min_confidence": 0.1}, {"allow_families": ["larch"]}],
)
def test_what_is_not_settled_meets_no_condition(make: Any, conditions: dict[str, Any]) -> None:
    [found] = check_identification(make(), Conditions(**conditions))
    assert not found.holds


def test_an_unknown_family_cannot_be_told_from_a_denied_one() -> None:
    [found] = check_identification(make_unknown(), Conditions(deny_families=["elm"]))
    assert not found.holds
    assert "cannot be ruled out" in found.message


def test_nothing_asked_is_nothing_checked() -> None:
    assert check_identification(make_result(), Conditions()) == []
    assert check_lineage(graph(), Conditions()) == []
