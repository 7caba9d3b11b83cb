"""What an atlas holds, and nothing else: base tables of these columns and types.

`data/build.sql` makes them. Anything more (a view, a macro, a default, a trigger) would be a
stranger's code that runs when a table is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TEXTS = "VARCHAR[]"


def _texts(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "VARCHAR")


TABLES: dict[str, dict[str, str]] = {
    "checkpoints": {
        "id": "INTEGER",
        **_texts(
            "key", "ref", "name", "revision", "source", "format", "outcome", "family",
            "generation", "size", "variant",
        ),
        "parameters": "BIGINT",
        "confidence": "DOUBLE",
        "quantization": "VARCHAR",
        "bits": "DOUBLE",
        **_texts("license", "created_at"),
        "parents": _TEXTS,
        "root": "VARCHAR",
        "lineage_complete": "BOOLEAN",
        "warnings": _TEXTS,
        "children": "INTEGER",
        **_texts("quantization_document", "unknown_because"),
    },
    "fingerprints": {
        "id": "INTEGER",
        **_texts(
            "architecture_digest", "tokenizer_digest", "recipe_digest", "vocabulary_digest",
            "vocabulary_sketch", "model_type",
        ),
        "layers": "INTEGER",
        "hidden_size": "INTEGER",
        "document": "VARCHAR",
    },
    "claims": {
        "id": "INTEGER",
        **_texts("child", "parent_key", "parent", "source", "relation", "revision"),
        "weight": "DOUBLE",
    },
    "edges": {**_texts("child", "parent", "relation", "status"), "confidence": "DOUBLE"},
    "hashes": {"sha256": "VARCHAR", "id": "INTEGER", "files": "INTEGER"},
    "sketches": {"id": "INTEGER", "sketch": "VARCHAR"},
    "signatures": {"signature": "VARCHAR", "id": "INTEGER", "children": "INTEGER"},
    "meta": _texts("key", "value"),
}  # fmt: skip
"""Columns and types by table, in the order of each table's columns."""

FOREIGN = {
    "schema": ("schemas", "schema_name", "AND schema_name <> 'main'"),
    "view": ("views", "view_name", ""),
    "macro": ("functions", "function_name", ""),
    "index": ("indexes", "index_name", ""),
    "sequence": ("sequences", "sequence_name", ""),
    "type": ("types", "type_name", "AND NOT internal"),
    "trigger": ("triggers", "trigger_name", ""),
    "constraint": ("constraints", "constraint_text", ""),
}
"""What an atlas has none of: its word, and where DuckDB lists it."""


def find_foreign(connection: DuckDBPyConnection) -> str | None:
    """Return what the opened file holds that no atlas does, or lacks, in words; None if nothing.

    Reads DuckDB's own catalog functions, by their full names: a macro could have the short ones.
    """
    [(database,)] = connection.execute(
        "SELECT database_name FROM system.main.duckdb_databases() WHERE NOT internal"
    ).fetchall()

    def read(function: str, columns: str, where: str = "") -> list[tuple[object, ...]]:
        return connection.execute(
            f"SELECT {columns} FROM system.main.duckdb_{function}() "  # noqa: S608 - our own text
            f"WHERE database_name = ? {where} LIMIT 1000",
            [database],
        ).fetchall()

    # Views first: to list the columns of one, DuckDB reads what it says.
    for word, (function, column, where) in FOREIGN.items():
        for (name,) in read(function, column, where):
            return f"it holds the {word} {_shorten(name)}"
    found: dict[str, list[tuple[object, ...]]] = {}
    for (name,) in read("tables", "table_name"):
        if name not in TABLES:
            return f"it holds the table {_shorten(name)}"
        found[str(name)] = []
    rows = read(
        "columns",
        "table_name, column_name, data_type, is_generated, column_default, is_nullable",
        "ORDER BY table_name, column_index",
    )
    for row in rows:
        found[str(row[0])].append(row[1:])
    return next(_compare(found), None)


def _compare(found: dict[str, list[tuple[object, ...]]]) -> Iterator[str]:
    for table, columns in TABLES.items():
        if table not in found:
            yield f"it lacks the table {table!r}"
            continue
        expected = [(name, kind, False, None, True) for name, kind in columns.items()]
        for column in found[table]:
            if column not in expected:
                name, kind, generated, default, nullable = column
                more = [
                    *(["generated"] if generated else []),
                    *([f"default {_shorten(default)}"] if default and not generated else []),
                    *([] if nullable else ["not null"]),
                ]
                told = ", ".join([_shorten(kind, quoted=False), *more])
                yield f"column {_shorten(name)} of the table {table!r} is not as made ({told})"
        if found[table] != expected:
            yield f"the table {table!r} has not the columns it is made with"


def _shorten(name: object, *, quoted: bool = True) -> str:
    text = str(name)
    text = text if len(text) <= 80 else text[:79] + "…"
    return repr(text) if quoted else text
