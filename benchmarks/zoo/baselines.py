"""Published ways to recover a family tree from whole weights, to print beside famtree's.

* Minimum spanning tree over weight distances, directed away from a known root: what remains of
  Model Atlas (arXiv 2503.10633) without upload times and download counts.
* MoTHer (arXiv 2405.18432): distances plus a penalty where kurtosis says that the direction is
  wrong, and a minimum arborescence (Edmonds).

Both are told which members belong to the family and which one is the root.
"""

from __future__ import annotations

from collections.abc import Mapping

import networkx
import numpy as np

Tensors = Mapping[str, np.ndarray]
DIRECTION_WEIGHT = 0.3
"""MoTHer's weight of the direction term, of the mean distance."""


def measure_distance(first: Tensors, second: Tensors) -> float:
    """Return the root mean square difference over the matrices both have in one shape.

    Infinite where there is none.
    """
    total, size = 0.0, 0
    for name, value in first.items():
        other = second.get(name)
        if other is not None and other.shape == value.shape and value.ndim == 2:
            total += float(((value - other) ** 2).sum())
            size += value.size
    return (total / size) ** 0.5 if size else float("inf")


def measure_distances(family: Mapping[str, Tensors]) -> dict[tuple[str, str], float]:
    """Return the distance of every ordered pair; incomparable pairs get twice the largest."""
    names = sorted(family)
    found = {
        (one, other): measure_distance(family[one], family[other])
        for place, one in enumerate(names)
        for other in names[place + 1 :]
    }
    largest = max((value for value in found.values() if np.isfinite(value)), default=1.0)
    distances = {}
    for (one, other), value in found.items():
        distances[one, other] = distances[other, one] = min(value, 2 * largest)
    return distances


def measure_kurtosis(tensors: Tensors) -> float:
    """Return the sum of the matrices' kurtosis."""
    total = 0.0
    for value in tensors.values():
        if value.ndim == 2:
            centred = value - value.mean()
            variance = float((centred**2).mean())
            total += float((centred**4).mean()) / variance**2 if variance else 0.0
    return total


def span_tree(distances: Mapping[tuple[str, str], float], root: str) -> dict[str, str]:
    """Return each member's parent in the minimum spanning tree, directed away from `root`."""
    graph = networkx.Graph()
    graph.add_node(root)
    graph.add_weighted_edges_from((one, other, value) for (one, other), value in distances.items())
    tree = networkx.minimum_spanning_tree(graph)
    return {child: parent for parent, child in networkx.bfs_edges(tree, root)}


def span_arborescence(
    distances: Mapping[tuple[str, str], float],
    kurtosis: Mapping[str, float],
    root: str,
    *,
    falling: bool,
) -> dict[str, str]:
    """Return each member's parent in MoTHer's minimum arborescence.

    Args:
        distances: of every ordered pair.
        kurtosis: of every member.
        root: the known root.
        falling: whether training lowers the kurtosis ("specialisation") or raises it.

    """
    graph = networkx.DiGraph()
    graph.add_node(root)
    penalty = DIRECTION_WEIGHT * float(np.mean(list(distances.values()) or [0.0]))
    for (parent, child), value in distances.items():
        if child != root:
            wrong = (kurtosis[parent] < kurtosis[child]) == falling
            graph.add_edge(parent, child, weight=value + penalty * wrong)
    tree = networkx.minimum_spanning_arborescence(graph)
    return {child: parent for parent, child in tree.edges}
