"""Ask an atlas: what it holds, and one statement of SQL."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from famtree.atlas.connect import open_atlas, require_duckdb
from famtree.errors import UsageError

TABLES = ("checkpoints", "fingerprints", "claims", "edges", "hashes", "sketches")


@dataclass(frozen=True, slots=True)
class Answer:
    """Columns and rows of a statement; values are plain: null, number, text, truth or a list."""

    columns: list[str]
    rows: list[list[Any]]


def query_atlas(path: Path, statement: str) -> Answer:
    """Run `statement` on the atlas at `path`, which cannot be changed by it.

    Raises as `open_atlas`, and UsageError for a statement that fails.
    """
    duckdb = require_duckdb()
    with closing(open_atlas(path)) as connection:
        try:
            found = connection.execute(statement)
            columns = [column[0] for column in found.description or ()]
            rows = [[_make_plain(value) for value in row] for row in found.fetchall()]
        except (duckdb.Error, OverflowError) as fault:
            told = (str(fault).splitlines() or ["the statement failed"])[0][:300]
            raise UsageError(told, hint="tables: " + ", ".join(TABLES)) from fault
    return Answer(columns, rows)


def describe_atlas(path: Path) -> dict[str, Any]:
    """Return how many rows each table has, who made the atlas, and its size in bytes."""
    duckdb = require_duckdb()
    with closing(open_atlas(path)) as connection:
        try:
            made = dict(connection.execute("SELECT key, value FROM meta").fetchall())
            counts = {name: connection.table(name).count("*").fetchall()[0][0] for name in TABLES}
        except duckdb.Error as fault:
            told = (str(fault).splitlines() or [""])[0][:300]
            raise UsageError(f"{path.name} lacks a table: {told}", hint="build it again") from fault
    return {
        "schema": made.get("schema"),
        "famtree": made.get("famtree"),
        "bytes": path.stat().st_size,
        "tables": counts,
    }


def _make_plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_make_plain(item) for item in value]
    return str(value)
