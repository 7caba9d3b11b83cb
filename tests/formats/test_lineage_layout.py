from __future__ import annotations

from itertools import combinations

import pytest

from famtree.formats.lineage_layout import (
    LABEL_HEIGHT,
    LABEL_WIDTH,
    NODE_HEIGHT,
    NODE_WIDTH,
    Drawing,
    lay_out,
)

CHAIN = (4, [(0, 1), (1, 2), (2, 3)])
MERGE = (6, [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4), (4, 5)])
SKIPPING = (5, [(0, 1), (1, 2), (2, 3), (0, 3), (0, 4), (3, 4)])
TWICE = (2, [(0, 1), (0, 1)])
APART = (6, [(0, 1), (2, 3)])
CYCLE = (3, [(0, 1), (1, 2), (2, 0)])
WIDE = (
    90,
    [(n, t) for n in range(90) for t in (2 * n + 1, 2 * n + 2, n + 30) if t < 90],
)
GRAPHS = {
    "chain": CHAIN,
    "merge": MERGE,
    "skipping": SKIPPING,
    "twice": TWICE,
    "apart": APART,
    "cycle": CYCLE,
    "wide": WIDE,
}


def _list_rectangles(layout: Drawing) -> list[tuple[float, float, float, float]]:
    boxes = [(x, y, NODE_WIDTH, NODE_HEIGHT) for x, y in layout.boxes]
    return boxes + [(*line.label, LABEL_WIDTH, LABEL_HEIGHT) for line in layout.lines]


@pytest.mark.parametrize("name", GRAPHS)
def test_nothing_overlaps_and_all_is_inside(name: str) -> None:
    layout = lay_out(*GRAPHS[name])
    rectangles = _list_rectangles(layout)
    for x, y, width, height in rectangles:
        assert width / 2 <= x <= layout.width - width / 2
        assert height / 2 <= y <= layout.height - height / 2
    for (x, y, w, h), (x2, y2, w2, h2) in combinations(rectangles, 2):
        assert abs(x - x2) >= (w + w2) / 2 or abs(y - y2) >= (h + h2) / 2


@pytest.mark.parametrize("name", [name for name in GRAPHS if name != "cycle"])
def test_children_stand_above_their_parents_and_lines_lead_down(name: str) -> None:
    count, links = GRAPHS[name]
    layout = lay_out(count, links)
    for (child, parent), line in zip(links, layout.lines, strict=True):
        heights = [y for _, y in line.points]
        assert heights == sorted(heights)
        assert heights[0] == layout.boxes[child][1] + NODE_HEIGHT / 2
        assert heights[-1] == layout.boxes[parent][1] - NODE_HEIGHT / 2
        assert abs(line.points[0][0] - layout.boxes[child][0]) < NODE_WIDTH / 2
        assert abs(line.points[-1][0] - layout.boxes[parent][0]) < NODE_WIDTH / 2
        assert layout.boxes[child][1] < line.label[1] < layout.boxes[parent][1]


@pytest.mark.parametrize("name", GRAPHS)
def test_lines_pass_through_their_labels_and_no_box(name: str) -> None:
    layout = lay_out(*GRAPHS[name])
    for line in layout.lines:
        label_x, label_y = line.label
        assert any(x == label_x and y < label_y for x, y in line.points)
        for (x, y), (x2, y2) in zip(line.points, line.points[1:], strict=False):
            if x != x2:
                continue
            # Upright pieces cross whole layers: no box may stand there.
            low, high = sorted((y, y2))
            for box_x, box_y in layout.boxes:
                apart = abs(box_x - x) >= NODE_WIDTH / 2
                assert apart or not low < box_y < high


def test_link_that_closes_a_cycle_leads_up() -> None:
    layout = lay_out(*CYCLE)
    heights = [y for _, y in layout.lines[2].points]
    assert heights == sorted(heights, reverse=True)


def test_parents_stand_in_their_order() -> None:
    layout = lay_out(*MERGE)
    assert layout.boxes[1][0] < layout.boxes[2][0] < layout.boxes[3][0]


def test_equal_graphs_are_drawn_alike() -> None:
    assert lay_out(*WIDE) == lay_out(*WIDE)


def test_nothing_and_one() -> None:
    assert lay_out(0, []).boxes == []
    only = lay_out(1, [])
    assert (only.width, only.height) >= (NODE_WIDTH, NODE_HEIGHT)
