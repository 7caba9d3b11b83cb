"""`Lineage` -> a tree for the terminal: the asked-for checkpoint on top, its parents below."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from famtree.formats.escape import clip_name, clip_text
from famtree.formats.lineage_words import (
    STATUS_STYLES,
    Graph,
    Publishers,
    build_graph,
    describe_candidates,
    describe_completeness,
    describe_layers,
    describe_node,
    describe_recipes,
    describe_relation,
    describe_status,
    describe_verification,
    find_other_publisher,
)
from famtree.formats.parts import BLANK, Heading, Part, Table, Text, Tree

if TYPE_CHECKING:
    from famtree.formats.table import Options
    from famtree.types.lineage import ChildGroup, Lineage, LineageEdge, LineageNode

_INDENT = 4
_ROOM = 36
"""Columns that a node keeps for its text; a branch that would leave less starts anew below."""
_MOST_NODES = 400
_MOST_AGAINST = 3
_LONGEST_NAME = 120
"""On a screen, cut in the middle."""
_WHOLE_NAME = 600
"""Without one: longer than any path of a Hub, and no hostile megabyte."""
_MOST_SPELLED = 8 * _WHOLE_NAME
_LONGEST_FACTS = 600


def report_lineage(lineage: Lineage, options: Options) -> list[Part]:
    """Return the ancestry of one checkpoint.

    A checkpoint that several branches lead to is shown in full once. `options.publishers` lets
    nodes published by somebody else than the family's maker say so.
    """
    graph = build_graph(lineage, most=_MOST_NODES)
    drawing = _Drawing(graph, options.publishers, set(lineage.roots), options.width)
    parts: list[Part] = list(drawing.draw_trees())
    if graph.left_out:
        parts.append(Text(f"... and {graph.left_out} more checkpoints; --json has all"))
    if not graph.parents[graph.ref]:
        parts.append(Text("no parent is known"))
    if lineage.children:
        parts += [BLANK, Heading("Children"), _list_children(lineage.children)]
    parts += [BLANK, Text(describe_completeness(lineage))]
    if lineage.verification is not None:
        told = describe_verification(lineage.verification)
        parts += [Text(f"verify: {line}", style) for style, line in told]
    parts += [Text(line) for line in describe_candidates(lineage)]
    parts += [Text(line, style) for style, line in describe_recipes(lineage)]
    parts += [Text(f"warning: {one.message} [{one.code}]", "yellow") for one in lineage.warnings]
    return parts


class _Drawing:
    """Trees of one graph; what has been shown in full is remembered."""

    def __init__(
        self, graph: Graph, publishers: Publishers, roots: set[str], width: int | None
    ) -> None:
        self.graph = graph
        self.publishers = publishers
        self.roots = roots
        # Without a screen there is no right edge to run into.
        self.deepest = _MOST_NODES if width is None else max((width - _ROOM) // _INDENT, 2)
        self.longest = _WHOLE_NAME if width is None else _LONGEST_NAME
        self.shown: set[str] = set()

    def draw_trees(self) -> list[Tree]:
        """Return the tree of the asked-for checkpoint, and those of branches too deep for it."""
        trees = []
        waiting = deque([self.graph.ref])
        while waiting:
            start = waiting.popleft()
            if start in self.shown:
                continue
            self.shown.add(start)
            tree = Tree(self._label(start))
            trees.append(tree)
            # A stack, not recursion: the depth is the documents', not Python's, to decide.
            stack = [(tree, edge, 1) for edge in reversed(self.graph.parents[start])]
            while stack:
                branch, edge, depth = stack.pop()
                above = self.graph.parents[edge.parent]
                if edge.parent in self.shown:
                    branch.add(self._label(edge.parent, edge, note="shown above" if above else ""))
                elif above and depth >= self.deepest:
                    branch.add(self._label(edge.parent, edge, note="continued below"))
                    waiting.append(edge.parent)
                else:
                    self.shown.add(edge.parent)
                    grown = branch.add(self._label(edge.parent, edge))
                    stack += [(grown, link, depth + 1) for link in reversed(above)]
        return trees

    def _label(self, ref: str, edge: LineageEdge | None = None, note: str = "") -> list[Text]:
        lines = [Text(clip_name(ref, self.longest), "bold", limit=_MOST_SPELLED)]
        if edge is not None:
            link = Text(f"{describe_relation(edge)}  ")
            lines.append(link.append(describe_status(edge), STATUS_STYLES[edge.status]))
            layers = describe_layers(edge)
            if layers:
                link.append(f"  {layers}")
        facts = note or self._describe(self.graph.nodes[ref])
        if facts:
            lines.append(Text(facts, "dim", limit=_LONGEST_FACTS))
        if edge is not None and edge.status == "contradicted":
            against = [item for item in edge.evidence if not item.supports]
            for item in against[:_MOST_AGAINST]:
                told = Text("against: ", "red").append(item.signal, limit=80)
                told.append(": expected ").append(item.expected, limit=80)
                lines.append(told.append(", seen ").append(item.seen, limit=80))
        return lines

    def _describe(self, node: LineageNode) -> str:
        parts = [clip_text(describe_node(node))]
        publisher = find_other_publisher(node, self.publishers)
        if publisher:
            parts.append(f"published by {clip_text(publisher)}")
        if node.ref in self.roots:
            parts.append("root")
        if not node.resolved:
            parts.append("known by name only")
        return "; ".join(part for part in parts if part)


def _list_children(groups: list[ChildGroup]) -> Table:
    table = Table("relation", "count", "examples", right=("count",))
    for group in groups:
        count = f"{group.count:,}" if group.complete else f"{group.count:,} or more"
        names = [
            Text(clip_name(name, _LONGEST_NAME), limit=_MOST_SPELLED) for name in group.examples
        ]
        table.add(group.relation, count, names)
    return table
