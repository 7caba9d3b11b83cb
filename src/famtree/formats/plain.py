"""Reports for programs that read text: no frames, no colours, no wrapping, tabs between columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from famtree.formats.parts import Facts, Part, Table, Tree


def write_plain(parts: Iterable[Part]) -> str:
    """Return `parts` one under the other. A fact is `label: value`; cells of a row have tabs."""
    lines = [line for part in parts for line in _write(part)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _write(part: Part) -> Iterator[str]:
    if isinstance(part, Facts):
        if part.title is not None:
            yield str(part.title)
        yield from map(str, part.lead)
        yield from (f"{label}: {value}" for label, value in part.list_rows())
    elif isinstance(part, Table):
        if not part.bare:
            yield "\t".join(part.headings)
        yield from map("\t".join, part.list_texts())
    elif isinstance(part, Tree):
        for depth, node in part.walk():
            indent = "  " * depth
            first, *others = node.lines
            yield f"{indent}- {first}"
            yield from (f"{indent}  {line}" for line in others)
    else:
        yield str(part)
