"""Where the boxes and lines of a lineage drawing stand: a layered (Sugiyama) layout.

fast-sugiyama ranks the checkpoints, orders each layer for few crossings and aligns them
(https://github.com/austinorr/fast-sugiyama). Labels of links take part in the layout as
checkpoints of their own, so that none ever covers a box or another label.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct

from famtree.errors import require_package

NODE_WIDTH = 236.0
NODE_HEIGHT = 76.0
LABEL_WIDTH = 172.0
LABEL_HEIGHT = 40.0
GAP = 28.0
"""Between two boxes of a layer."""
LAYER_GAP = 26.0
"""Between two layers; lines bend there."""
MARGIN = 16.0
_LINE_SHARE = 0.2
"""Room of a line passing through a layer, as a share of a box's."""
_PORT_STEP = 22.0
"""Between the ends of two lines at one box."""

Point = tuple[float, float]


class Line(Struct, frozen=True):
    """One link: from the child's lower edge through bends to the parent's upper edge."""

    points: list[Point]
    """Ends and bends, in pixels; the line stands upright in each."""
    label: Point
    """Middle of its label."""


class Drawing(Struct, frozen=True):
    """Middles of all boxes, lines in the order of the links, and the size of it all, in pixels."""

    boxes: list[Point]
    lines: list[Line]
    width: float
    height: float


class _Placed(Struct):
    x: dict[int, float] = {}
    layer: dict[int, int] = {}
    beyond: dict[int, list[int]] = {}
    """Vertex -> next vertices, bends included."""
    width: float = 0.0


def lay_out(count: int, links: Sequence[tuple[int, int]]) -> Drawing:
    """Place boxes 0..count-1 and `links` (child, parent), children above their parents.

    Equal arguments give equal places. Links that would close a cycle are drawn upwards.
    """
    reverse = _find_cycle_links(count, links)
    edges: list[tuple[int, int]] = []
    for number, (child, parent) in enumerate(links):
        label = count + number
        upper, lower = (parent, child) if number in reverse else (child, parent)
        edges += [(upper, label), (label, lower)]
    placed = _place(count + len(links), edges)
    middles, heights, total = _stack_layers(placed, count)

    def locate(vertex: int) -> Point:
        return placed.x[vertex] + MARGIN, middles[placed.layer[vertex]]

    boxes = [locate(vertex) for vertex in range(count)]
    paths = [_trace(placed, count + number, edges, number) for number in range(len(links))]
    starts = _spread([(path[0], locate(path[1])[0]) for path in paths])
    ends = _spread([(path[-1], locate(path[-2])[0]) for path in paths])
    lines = []
    for number, path in enumerate(paths):
        bends = []
        for vertex in path[1:-1]:
            x, y = locate(vertex)
            half = heights[placed.layer[vertex]] / 2
            bends += [(x, y - half), (x, y + half)]
        (top_x, top_y), (low_x, low_y) = boxes[path[0]], boxes[path[-1]]
        points = [
            (top_x + starts[number], top_y + NODE_HEIGHT / 2),
            *bends,
            (low_x + ends[number], low_y - NODE_HEIGHT / 2),
        ]
        if number in reverse:
            points.reverse()
        lines.append(Line(points, locate(count + number)))
    return Drawing(boxes, lines, placed.width + 2 * MARGIN, total + 2 * MARGIN)


def _find_cycle_links(count: int, links: Sequence[tuple[int, int]]) -> set[int]:
    """Return the numbers of links that lead back to a box they came from."""
    above: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for number, (child, parent) in enumerate(links):
        above[child].append((number, parent))
    state = [0] * count  # 1 while on the way, 2 when done
    found: set[int] = set()
    for start in range(count):
        if state[start]:
            continue
        state[start] = 1
        stack = [(start, iter(above[start]))]
        while stack:
            vertex, rest = stack[-1]
            for number, parent in rest:
                if state[parent] == 1:
                    found.add(number)
                elif not state[parent]:
                    state[parent] = 1
                    stack.append((parent, iter(above[parent])))
                    break
            else:
                state[vertex] = 2
                stack.pop()
    return found


def require_layout() -> None:
    """Raise UsageError where what lays out is not installed."""
    require_package("fast_sugiyama", "a drawing of the lineage")


def _place(count: int, edges: list[tuple[int, int]]) -> _Placed:
    require_layout()
    from fast_sugiyama import from_edges

    placed = _Placed()
    step = NODE_WIDTH + GAP
    left = 0.0
    # Numbers go in, so numbers come out, bends among them; the library's types allow names too.
    components: Any = (
        from_edges(edges, vertex_spacing=step, dummy_vertices=True, dummy_size=_LINE_SHARE)
        if edges
        else []
    )
    bend = count
    for positions, _, _, inner in components:
        names: dict[int, int] = {}
        # Sorted: the library hands positions out in the order of a hash table.
        for vertex, (_, y) in sorted(positions):
            names[vertex] = vertex if vertex < count else bend
            bend += vertex >= count
            placed.layer[names[vertex]] = round(-y / step)
        lowest_x = min(x for _, (x, _) in positions)
        top = min(placed.layer[names[vertex]] for vertex, _ in positions)
        for vertex, (x, _) in sorted(positions):
            placed.layer[names[vertex]] -= top
            placed.x[names[vertex]] = x - lowest_x
        for source, target in sorted(inner or ()):
            placed.beyond.setdefault(names[source], []).append(names[target])
        width = max(x for _, (x, _) in positions) - lowest_x
        mirrored = _runs_backwards(placed, [names[vertex] for vertex, _ in sorted(positions)])
        for name in names.values():
            x = placed.x[name]
            placed.x[name] = left + NODE_WIDTH / 2 + (width - x if mirrored else x)
        left += width + step
    for vertex in range(count):
        if vertex not in placed.x:
            placed.x[vertex], placed.layer[vertex] = left + NODE_WIDTH / 2, 0
            left += step
    placed.width = max(left - GAP, 0.0)
    return placed


def _runs_backwards(placed: _Placed, vertices: list[int]) -> bool:
    """Return whether most neighbours under one box stand right to left; first ones go left."""
    forwards = 0
    for vertex in vertices:
        below = [placed.x[name] for name in placed.beyond.get(vertex, ())]
        forwards += sum((b > a) - (b < a) for a, b in pairwise(below))
    return forwards < 0


def _stack_layers(placed: _Placed, count: int) -> tuple[dict[int, float], dict[int, float], float]:
    """Return each layer's middle and height, and the height of all."""
    heights: dict[int, float] = {}
    for vertex, layer in placed.layer.items():
        tall = NODE_HEIGHT if vertex < count else LABEL_HEIGHT
        heights[layer] = max(heights.get(layer, 0.0), tall)
    middles = {}
    top = MARGIN
    for layer in sorted(heights):
        middles[layer] = top + heights[layer] / 2
        top += heights[layer] + LAYER_GAP
    return middles, heights, top - LAYER_GAP - MARGIN


def _trace(placed: _Placed, label: int, edges: list[tuple[int, int]], number: int) -> list[int]:
    """Return the vertices of one link from its upper box to its lower one."""
    upper, lower = edges[2 * number][0], edges[2 * number + 1][1]
    return [*_walk(placed, upper, label), *_walk(placed, label, lower)[1:]]


def _walk(placed: _Placed, start: int, goal: int) -> list[int]:
    """Return the way from `start` to `goal` over bends alone (each has one way on)."""
    bends_from = len(placed.x)
    for first in placed.beyond.get(start, ()):
        way = [start, first]
        while way[-1] != goal and len(way) <= bends_from:
            following = placed.beyond.get(way[-1], [])
            if len(following) != 1:
                break
            way.append(following[0])
        if way[-1] == goal:
            return way
    return [start, goal]


def _spread(ends: list[tuple[int, float]]) -> list[float]:
    """Return how far from a box's middle each line ends, so that lines side by side stay so."""
    offsets = [0.0] * len(ends)
    groups: dict[int, list[int]] = {}
    for number, (box, _) in enumerate(ends):
        groups.setdefault(box, []).append(number)
    for numbers in groups.values():
        numbers.sort(key=lambda number: ends[number][1])
        step = min(_PORT_STEP, NODE_WIDTH * 0.8 / len(numbers))
        for place, number in enumerate(numbers):
            offsets[number] = (place - (len(numbers) - 1) / 2) * step
    return offsets
