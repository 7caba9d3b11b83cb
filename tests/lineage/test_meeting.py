from __future__ import annotations

from famtree.lineage.meeting import find_meeting, name_key
from famtree.types.identification import ChainStep, LinkRelation, LinkStatus


def _step(
    child: str, parent: str, status: LinkStatus = "consistent", relation: LinkRelation = "finetune"
) -> ChainStep:
    return ChainStep(child=child, parent=parent, relation=relation, status=status, confidence=0.9)


def test_nearest_common_ancestor_with_the_weakest_status() -> None:
    a = [_step("x/a", "x/mid"), _step("x/mid", "x/top", "declared"), _step("x/top", "x/root")]
    b = [_step("y/b", "X/TOP"), _step("x/top", "x/root")]
    found = find_meeting("x/a", "y/b", a, b)
    assert found is not None
    assert (name_key(found.ancestor), found.distance) == ("x/top", 3)
    assert (found.from_a.status, found.from_b.status) == ("declared", "consistent")


def test_contradicted_links_are_not_followed() -> None:
    a = [_step("x/a", "x/root", "contradicted")]
    assert find_meeting("x/a", "y/b", a, [_step("y/b", "x/root")]) is None


def test_shortest_way_through_a_merge() -> None:
    a = [_step("x/a", "x/p", relation="merge"), _step("x/a", "x/q", relation="merge"),
         _step("x/p", "x/q")]  # fmt: skip
    found = find_meeting("x/a", "x/q", a, [])
    assert found is not None
    assert (found.distance, found.from_a.light) == (1, True)


def test_heavy_training_is_not_light() -> None:
    found = find_meeting("x/a", "x/p", [_step("x/a", "x/p", relation="distill")], [])
    assert found is not None
    assert not found.from_a.light


def test_cycles_end() -> None:
    steps = [_step("x/a", "x/b"), _step("x/b", "x/a")]
    assert find_meeting("x/a", "y/c", steps, steps) is None
