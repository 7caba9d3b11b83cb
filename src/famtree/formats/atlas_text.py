"""What an atlas says, as text for people and pipes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from famtree.formats.escape import LONGEST, clip_text, escape_text
from famtree.formats.parts import Facts, Part, Table

if TYPE_CHECKING:
    from famtree.formats.table import Options


class RowsAnswer(Protocol):
    """Columns and rows; values are null, number, text, truth or a list."""

    columns: list[str]
    rows: list[list[Any]]


def render_info(found: Mapping[str, Any], _: Options) -> str:
    """Return one line a table, and a last one on the file."""
    tables = found["tables"]
    width = max(map(len, tables))
    lines = [f"{name:{width}}  {count:,}" for name, count in tables.items()]
    return "\n".join([*lines, _describe_file(found)]) + "\n"


def report_info(found: Mapping[str, Any], _: Options) -> list[Part]:
    """Return the same for a page."""
    facts = Facts()
    for name, count in found["tables"].items():
        facts.add(name, f"{count:,}")
    made = Table()
    made.add(_describe_file(found))
    return [facts, made]


def build_rows(answer: RowsAnswer) -> dict[str, Any]:
    """Return the JSON document of a statement's answer."""
    return {"columns": answer.columns, "rows": answer.rows}


def report_rows(answer: RowsAnswer, _: Options) -> list[Part]:
    """Return rows as a table."""
    table = Table(*answer.columns)
    for row in answer.rows:
        table.add(*map(_show, row))
    return [table]


def render_rows(answer: RowsAnswer, _: Options) -> str:
    """Return rows as tab-separated text under a heading; nothing in them can break a line."""
    lines = [answer.columns, *([_show(value) for value in row] for row in answer.rows)]
    return "".join("\t".join(clip_text(str(cell), LONGEST) for cell in row) + "\n" for row in lines)


def _describe_file(found: Mapping[str, Any]) -> str:
    return f"{found['bytes']:,} bytes, made by famtree {escape_text(str(found['famtree']))}"


def _show(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)
