"""Ask an atlas: what it holds, and one statement of SQL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from famtree.atlas.connect import SCHEMA, RefusedError, open_atlas
from famtree.errors import UsageError
from famtree.sources.deadline import NEVER, Deadline

TABLES = ("checkpoints", "fingerprints", "claims", "edges", "hashes", "sketches")
"""Those that are of use to people."""


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Columns and rows of a statement; values are plain: null, number, text, truth or a list."""

    columns: list[str]
    rows: list[list[Any]]


def query_atlas(path: Path, statement: str, deadline: Deadline = NEVER) -> QueryResult:
    """Run `statement` on the atlas at `path`, which cannot be changed by it.

    Raises as `open_atlas`, DeadlineError, and UsageError for a statement that fails, takes more
    memory than there is for it, or has too long an answer.
    """
    with open_atlas(path, deadline) as atlas:
        try:
            found = atlas.run(statement)
        except RefusedError as fault:
            hint = "tables: " + ", ".join(TABLES)
            if fault.kind in ("memory", "AnswerTooLongError"):
                hint = "ask for less: fewer columns, LIMIT, or counts in place of rows"
            raise UsageError(fault.message, hint=hint) from fault
    if not found["columns"]:
        raise UsageError("there is no statement to ask", hint="for instance SELECT 1")
    return QueryResult(found["columns"], found["rows"])


def describe_atlas(path: Path, deadline: Deadline = NEVER) -> dict[str, Any]:
    """Return how many rows each table has, who made the atlas, and its size in bytes."""
    with open_atlas(path, deadline) as atlas:
        made = dict(atlas.ask("SELECT key, value FROM meta WHERE key = 'famtree' LIMIT 1"))
        counts = {
            name: atlas.ask(f"SELECT count(*) FROM {name}")[0][0]  # noqa: S608 - our own names
            for name in TABLES
        }
    return {
        "schema": SCHEMA,
        "famtree": made.get("famtree"),
        "bytes": path.stat().st_size,
        "tables": counts,
    }
