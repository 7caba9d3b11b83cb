"""Documents as results of a notebook's cell: tables and a tree, without script or style of a page.

Text of checkpoints is escaped: a notebook trusts what was made in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from famtree.formats import table
from famtree.formats.parts import Facts, Heading, Part, Table, Text, Tree
from famtree.registry.places import load_publishers
from famtree.sources.addresses import find_hub

_PRE = '<pre style="line-height:1.3">'


def show(kind: str, document: Any, form: str) -> str:
    """Return a document of that kind in a format that `formats.table` has, or as `fragment`."""
    if form != "fragment":
        publishers = load_publishers() if kind == "lineage" else {}
        options = table.Options(publishers=publishers)
        if form == "html":
            options = options._replace(hub=find_hub())
        return table.render(kind, document, form, options)
    if kind in table.PARTS:
        return write_fragment(table.list_parts(kind, document))
    return f"{_PRE}{escape(table.render(kind, document, 'text'))}</pre>\n"


def write_fragment(parts: Iterable[Part]) -> str:
    """Return the parts of a report as HTML for a place within a page."""
    return "\n".join(line for part in parts for line in _write(part)) + "\n"


def _write(part: Part) -> Iterator[str]:
    if isinstance(part, Facts):
        if part.title is not None:
            yield f"<p><strong>{_mark(part.title)}</strong></p>"
        yield from (f"<p>{_mark(sentence)}</p>" for sentence in part.lead)
        rows = [[label, str(value)] for label, value in part.list_rows()]
        yield from _write_rows([], rows, head=True)
    elif isinstance(part, Table):
        yield from _write_rows([] if part.bare else part.headings, part.list_texts())
    elif isinstance(part, Tree):
        lines = [line for depth, node in part.walk() for line in _indent(depth, node.lines)]
        yield f"{_PRE}{'<br>'.join(lines)}</pre>"
    elif isinstance(part, Heading):
        yield f"<h4>{_mark(part)}</h4>"
    elif text := _mark(part):
        yield f"<p>{text}</p>"


def _indent(depth: int, lines: list[Text]) -> Iterator[str]:
    first, *others = lines
    yield f"{'   ' * (depth - 1)}└─ {_mark(first)}" if depth else f"<strong>{_mark(first)}</strong>"
    yield from (f"{'   ' * depth}{_mark(line)}" for line in others)


def _write_rows(headings: list[str], rows: list[list[str]], *, head: bool = False) -> Iterator[str]:
    yield "<table>"
    if headings:
        yield f"<tr>{''.join(f'<th>{_mark(one)}</th>' for one in headings)}</tr>"
    for row in rows:
        tags = ["th" if head and not at else "td" for at in range(len(row))]
        cells = (f"<{tag}>{_mark(cell)}</{tag}>" for tag, cell in zip(tags, row, strict=True))
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</table>"


def _mark(text: object) -> str:
    return escape(str(text))
