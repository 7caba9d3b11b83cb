from __future__ import annotations

import pytest

from famtree.formats.lineage_words import (
    MEANINGS,
    SIGNS,
    build_graph,
    describe_layers,
    describe_relation,
    find_other_publisher,
)
from famtree.types.links import STATUSES
from lineages import PUBLISHERS, make_hostile, make_lineage, make_link, make_merge, make_node


def test_every_status_has_its_own_sign_and_a_meaning() -> None:
    assert set(SIGNS) == set(MEANINGS) == set(STATUSES)
    assert len(set(SIGNS.values())) == len(STATUSES)


def test_nodes_are_ordered_from_the_asked_for_one() -> None:
    graph = build_graph(make_merge(), most=100)
    assert next(iter(graph.nodes)) == graph.ref
    assert list(graph.nodes)[-1] == "acme/oak-1-8b"
    assert graph.edges == make_merge().edges


def test_names_without_a_node_get_one() -> None:
    graph = build_graph(make_lineage("a/a", edges=[make_link("a/a", "a/b")]), most=100)
    assert [node.resolved for node in graph.nodes.values()] == [False, False]


def test_farthest_are_left_out() -> None:
    graph = build_graph(make_merge(), most=3)
    assert list(graph.nodes)[1] == "mergers/Oaken-Trio-8B"
    assert graph.left_out == 4
    assert {edge.parent for edge in graph.edges} <= set(graph.nodes)


def test_detached_links_are_drawn_too() -> None:
    graph = build_graph(make_lineage("a/a", edges=[make_link("b/b", "c/c")]), most=9)
    assert list(graph.nodes) == ["a/a", "b/b", "c/c"]
    assert len(graph.edges) == 1


def test_cycle_ends_and_a_loop_is_dropped() -> None:
    lineage = make_hostile()
    graph = build_graph(lineage, most=100)
    assert len(graph.nodes) == 3
    assert len(graph.edges) == len(lineage.edges) - 1


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ([], None),
        ([(4, 4), (9, 3)], None),
        ([(0, 16), (24, 32)], "layers 0-15, 24-31"),
        ([(7, 8)], "layers 7"),
        ([(n, n + 1) for n in range(0, 16, 2)], "layers 0, 2, 4, 6, 8, 10 and 2 more"),
    ],
)
def test_layers_in_words(layers: list[tuple[int, int]], told: str | None) -> None:
    assert describe_layers(make_link("a", "b", layers=layers)) == told


def test_relation_in_words() -> None:
    assert describe_relation(make_link("a", "b", relation="merge", weight=1 / 3)) == (
        "merge, weight 0.333"
    )
    assert describe_relation(make_link("a", "b", weight=0.0)) == "finetune, weight 0"


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (make_node("tuner/x"), "tuner"),
        (make_node("acme/x"), None),
        (make_node("ACME/x"), None),
        (make_node("tuner/x", publisher=None), None),
        (make_node("tuner/x", family=None), None),
        (make_node("tuner/x", family="fir"), None),
    ],
)
def test_publisher_is_told_where_it_is_known_to_differ(node: object, told: str | None) -> None:
    assert find_other_publisher(node, PUBLISHERS) == told  # type: ignore[arg-type]
