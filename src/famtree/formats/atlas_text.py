"""What an atlas says, as text for people and pipes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from famtree.formats.escape import LONGEST, clip_text, escape_text
from famtree.formats.markdown import escape_markdown, make_rows


def render_info(found: Mapping[str, Any]) -> str:
    """Return one line a table, and a last one on the file."""
    tables = found["tables"]
    width = max(map(len, tables))
    lines = [f"{name:{width}}  {count:,}" for name, count in tables.items()]
    made = escape_text(str(found["famtree"]))
    lines.append(f"{found['bytes']:,} bytes, made by famtree {made}")
    return "\n".join(lines) + "\n"


def render_info_markdown(found: Mapping[str, Any]) -> str:
    """Return the same as a Markdown list."""
    lines = [f"- **{escape_markdown(name)}:** {count:,}" for name, count in found["tables"].items()]
    lines.append(
        f"- {found['bytes']:,} bytes, made by famtree {escape_markdown(str(found['famtree']))}"
    )
    return "\n".join(lines) + "\n"


def render_rows_markdown(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return rows as a Markdown table."""
    headings = tuple(map(escape_markdown, columns))
    return "\n".join(make_rows(headings, [[_show(value) for value in row] for row in rows])) + "\n"


def render_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return rows as tab-separated text under a heading; nothing in them can break a line."""
    lines = [columns, *([_show(value) for value in row] for row in rows)]
    return "".join("\t".join(clip_text(str(cell), LONGEST) for cell in row) + "\n" for row in lines)


def _show(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)
