"""Rows as CSV (RFC 4180): the columns that people filter by, without whole documents."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import Any

from famtree.formats.escape import escape_text
from famtree.scan.row import COLUMNS, Row

_LEFT_OUT = frozenset({"schema", "claims", "sketch", "document", "weight_files"})
HEADINGS = tuple(name for name in COLUMNS if name not in _LEFT_OUT)
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take a cell for a formula by (OWASP, CSV Injection)."""


def write_heading() -> str:
    """Return the first line."""
    return _write(HEADINGS)


def write_row(row: Row) -> str:
    """Return the line of a row; lists are JSON, and no text is a formula."""
    return _write([_tell(row.get(name)) for name in HEADINGS])


def _tell(value: Any) -> Any:
    if isinstance(value, list):
        return json.dumps([escape_text(str(one)) for one in value], ensure_ascii=False)
    if not isinstance(value, str):
        return value
    text = escape_text(value)
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _write(cells: Any) -> str:
    line = StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
