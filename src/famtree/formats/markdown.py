"""Reports as GitHub-flavoured Markdown; text of checkpoints shows and does nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from famtree.formats.escape import clip_text
from famtree.formats.parts import Facts, Heading, Part, Table, Tree

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
    return _mark(clip_text(text))


def _mark(text: object) -> str:
    shown = _SPECIAL.sub(_escape, str(text))
    # Four blanks at the beginning would make it code, backslashes and all.
    return f"&#32;{shown[1:]}" if shown.startswith(" ") else shown


def _escape(match: re.Match[str]) -> str:
    return f"`{match.group()}`" if match["live"] else f"\\{match.group()}"


def write_markdown(parts: Iterable[Part]) -> str:
    """Return the parts of a report: facts, grids and trees as lists, a frame's title as a head."""
    lines: list[str] = []
    for part in parts:
        written = list(_write(part))
        if written and lines:
            lines.append("")
        lines += written
    return "\n".join(lines) + "\n"


def _write(part: Part) -> Iterator[str]:
    if isinstance(part, Facts):
        if part.title is not None:
            yield from (f"### {_mark(part.title)}", "")
        for sentence in part.lead:
            yield from (_mark(sentence), "")
        for label, value in part.list_rows():
            yield f"- **{_mark(label)}:** {_mark(value)}"
    elif isinstance(part, Table):
        yield from _write_table(part)
    elif isinstance(part, Tree):
        for depth, node in part.walk():
            first, *others = map(_mark, node.lines)
            told = f": {'; '.join(others)}" if others else ""
            yield f"{'  ' * depth}- **{first}**{told}"
    elif text := _mark(part):
        yield f"{'#' * part.level} {text}" if isinstance(part, Heading) else text


def _write_table(table: Table) -> Iterator[str]:
    rows = table.list_texts()
    if not table.headings:
        yield from (f"- {_mark(' '.join(filter(None, row)))}" for row in rows)
        return
    shown, called = table.fold or (len(rows), "rows")
    yield from _write_rows(table.headings, rows[:shown])
    if rows[shown:]:
        yield from ("", f"<details><summary>{len(rows) - shown} more {called}</summary>", "")
        yield from _write_rows(table.headings, rows[shown:])
        yield from ("", "</details>")


def _write_rows(headings: list[str], rows: list[list[str]]) -> Iterator[str]:
    head, *body = (f"| {' | '.join(map(_mark, row))} |" for row in (headings, *rows))
    yield from (head, f"|{'---|' * len(headings)}", *body)
