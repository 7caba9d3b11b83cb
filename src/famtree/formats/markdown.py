"""Reports as GitHub-flavoured Markdown; text of checkpoints shows and does nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from famtree.formats.escape import clip_text

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.tree import Tree

# Two kinds, as they are met from left to right. What GitHub and GitLab look for in the text that is
# left when Markdown has been read (mentions, addresses of mail, numbers of issues and requests,
# labels, hashes of commits, emoji, formulas) is left alone in code only: of a backslash or an
# entity nothing is left by then. All else gets a backslash: marks, and what makes a link of
# an address (`:`, `//`, `www.`) or a list, a heading or a rule of how a line begins.
_SPECIAL = re.compile(
    r"(?P<live>(?:@[\w/.-]*\w|[#!~%&](?=[\w\"'])[\w-]*|:[\w+-]+:|(?<![^\W_])GH-\d+|\$"
    r"|(?<![^\W_])[0-9a-f]{7,40}(?![^\W_]))+)"
    r"|[\\`*_{}\[\]<>|#~&@!$:^()]|(?<!\d)\.|\.(?!\d)|/(?=/)|(?<=/)/|(?<!\S)[-+=]",
    re.IGNORECASE,
)


def escape_markdown(text: str) -> str:
    """Return `text` clipped, so that Markdown shows it and does nothing else with it."""
    shown = _SPECIAL.sub(_escape, clip_text(text))
    # Four blanks at the beginning would make it code, backslashes and all.
    return f"&#32;{shown[1:]}" if shown.startswith(" ") else shown


def _escape(match: re.Match[str]) -> str:
    return f"`{match.group()}`" if match["live"] else f"\\{match.group()}"


def make_rows(headings: tuple[str, ...], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a Markdown table, every cell escaped."""
    return [
        f"| {' | '.join(headings)} |",
        f"|{'---|' * len(headings)}",
        *(f"| {' | '.join(escape_markdown(cell) for cell in row)} |" for row in rows),
    ]


def write_markdown(parts: Iterable[RenderableType]) -> str:
    """Return the parts of a report (see `canvas.draw`): grids and trees as lists, bold as heads."""
    lines: list[str] = []
    for part in parts:
        written = list(_write(part))
        if written and lines and lines[-1]:
            lines.append("")
        lines += written
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines) + "\n"


def _write(part: RenderableType) -> Iterator[str]:
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text
    from rich.tree import Tree

    if isinstance(part, Panel):
        yield f"### {escape_markdown(str(part.title))}"
        yield ""
        yield from _write(part.renderable)
    elif isinstance(part, Table):
        yield from _write_table(part)
    elif isinstance(part, Tree):
        yield from _write_tree(part)
    elif isinstance(part, Text) and part.style == "bold":
        yield f"#### {escape_markdown(part.plain)}"
    elif text := str(part):
        yield escape_markdown(text)


def _write_table(table: Table) -> Iterator[str]:
    from famtree.formats.plain import name_rows, read_cells, read_headings

    rows, headings = read_cells(table), read_headings(table)
    if headings:
        yield from make_rows(tuple(map(escape_markdown, headings)), rows)
    elif len(table.columns) == 2:
        for label, value in name_rows(rows):
            yield f"- **{escape_markdown(label)}:** {escape_markdown(value)}"
    else:
        for row in rows:
            yield f"- {escape_markdown(' '.join(cell for cell in row if cell))}"


def _write_tree(tree: Tree) -> Iterator[str]:
    stack = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        first, *others = str(node.label).splitlines()
        told = "; ".join(escape_markdown(line) for line in others)
        yield f"{'  ' * depth}- **{escape_markdown(first)}**{f': {told}' if told else ''}"
        stack += [(child, depth + 1) for child in reversed(node.children)]
