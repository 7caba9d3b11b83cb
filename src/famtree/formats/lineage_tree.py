"""`Lineage` -> a tree for the terminal: the asked-for checkpoint on top, its parents below."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from famtree.formats.canvas import draw, make_table
from famtree.formats.escape import clip_text, make_text
from famtree.formats.lineage_words import (
    Graph,
    Publishers,
    build_graph,
    describe_completeness,
    describe_layers,
    describe_node,
    describe_relation,
    describe_status,
    describe_verification,
    find_other_publisher,
)

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text
    from rich.tree import Tree

    from famtree.types.identification import LinkStatus
    from famtree.types.lineage import ChildGroup, Lineage, LineageEdge, LineageNode

_STYLES: dict[LinkStatus, str] = {
    "verified": "bold green",
    "consistent": "green",
    "declared": "cyan",
    "inferred": "yellow",
    "contradicted": "bold red",
    "unresolved": "magenta",
}
_INDENT = 4
_ROOM = 36
"""Columns that a node keeps for its text; a branch that would leave less starts anew below."""
_MOST_NODES = 400
_MOST_AGAINST = 3
_LONGEST_NAME = 120


def render_tree(
    lineage: Lineage, *, width: int | None, color: bool, publishers: Publishers | None = None
) -> str:
    """Return the ancestry of one checkpoint, `width` columns wide; None is plain text.

    A checkpoint that several branches lead to is shown in full once. `publishers` (family key ->
    the maker's Hub organisations) lets nodes published by somebody else say so.
    """
    return draw(*_make_parts(lineage, width, publishers), width=width, color=color)


def render_tree_markdown(lineage: Lineage, *, publishers: Publishers | None = None) -> str:
    """Return the ancestry as a nested list in Markdown."""
    from famtree.formats.markdown import write_markdown

    return write_markdown(_make_parts(lineage, None, publishers))


def _make_parts(
    lineage: Lineage, width: int | None, publishers: Publishers | None
) -> list[RenderableType]:
    graph = build_graph(lineage, most=_MOST_NODES)
    drawing = _Drawing(graph, publishers or {}, set(lineage.roots), width)
    parts: list[RenderableType] = list(drawing.draw_trees())
    if graph.left_out:
        parts.append(f"... and {graph.left_out} more checkpoints; --json has all")
    if not graph.parents[graph.ref]:
        parts.append("no parent is known")
    if lineage.children:
        parts += ["", make_text("Children", "bold"), _make_children(lineage.children)]
    parts += ["", describe_completeness(lineage)]
    if lineage.verification is not None:
        parts += [
            make_text(f"verify: {line}", style)
            for style, line in describe_verification(lineage.verification)
        ]
    parts += [
        make_text(f"warning: {notice.message} [{notice.code}]", "yellow")
        for notice in lineage.warnings
    ]
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
        self.shown: set[str] = set()

    def draw_trees(self) -> list[Tree]:
        """Return the tree of the asked-for checkpoint, and those of branches too deep for it."""
        from rich.tree import Tree

        trees = []
        waiting = deque([self.graph.ref])
        while waiting:
            start = waiting.popleft()
            if start in self.shown:
                continue
            self.shown.add(start)
            tree = Tree(self._label(start), guide_style="dim")
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

    def _label(self, ref: str, edge: LineageEdge | None = None, note: str = "") -> Text:
        text = make_text(ref, "bold", limit=_LONGEST_NAME)
        if edge is not None:
            text.append(f"\n{describe_relation(edge)}  ", "not bold")
            text.append(describe_status(edge), f"not bold {_STYLES[edge.status]}")
            layers = describe_layers(edge)
            if layers:
                text.append(f"  {layers}", "not bold")
        facts = note or self._describe(self.graph.nodes[ref])
        if facts:
            text.append(f"\n{facts}", "not bold dim")
        if edge is not None and edge.status == "contradicted":
            against = [item for item in edge.evidence if not item.supports]
            for item in against[:_MOST_AGAINST]:
                told = f"\nagainst: {clip_text(item.signal, 80)}: "
                told += f"expected {clip_text(item.expected, 80)}, seen {clip_text(item.seen, 80)}"
                text.append(told, "not bold red")
        return text

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


def _make_children(groups: list[ChildGroup]) -> Table:
    from rich.text import Text

    table = make_table("relation", "count", "examples", right=("count",))
    for group in groups:
        count = f"{group.count:,}" if group.complete else f"{group.count:,} or more"
        names = [make_text(name, limit=_LONGEST_NAME) for name in group.examples]
        table.add_row(group.relation, count, Text("\n").join(names))
    return table
