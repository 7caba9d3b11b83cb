"""Make an atlas out of the rows of scans, by DuckDB's own readers: nothing passes through Python.

Rows of one checkpoint in several files are taken from the last file named.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from famtree import __version__
from famtree.atlas.connect import SCHEMA, require_duckdb
from famtree.errors import UsageError
from famtree.files import PACKAGE, replace_file
from famtree.scan.jsonl import MAX_LINE, check_rows
from famtree.scan.parquet import require_text
from famtree.scan.row import COLUMNS
from famtree.scan.row import SCHEMA as ROW_SCHEMA

if TYPE_CHECKING:
    import duckdb

MAX_ITEMS = 1024
"""Items of a list in a row; a longer one counts as none, as a scan never writes it."""
LEAST_MEMORY = 96 << 20
"""Bytes that DuckDB may take beside what `_measure` tells; more goes to a file for the time."""
MAX_THREADS = 4
"""Each has buffers of its own."""
_TYPES = {
    "string": "VARCHAR",
    "float": "DOUBLE",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "strings": "VARCHAR[]",
}


@dataclass(frozen=True, slots=True)
class Built:
    """What went into an atlas."""

    rows: int
    """Rows read, failures and repetitions among them."""
    checkpoints: int
    seconds: float


def build_atlas(sources: Sequence[Path], target: Path) -> Built:
    """Build the atlas `target` from files (.jsonl, .parquet) and folders of Parquet files.

    `target` is replaced when all is there. Raises UsageError where a source is none, cannot be
    read, or `target` cannot be written.
    """
    duckdb = require_duckdb()
    require_text(target)
    started = time.monotonic()
    try:
        with (
            replace_file(target) as partial,
            _clean_beside(partial),
            duckdb.connect(str(partial), config=_CONFIG) as connection,
        ):
            connection.execute(_COMPRESSION)
            memory = LEAST_MEMORY + sum(map(_measure, sources))
            connection.execute(f"SET memory_limit = '{memory} bytes'")
            connection.execute(f"SET threads = {min(MAX_THREADS, os.cpu_count() or 1)}")
            connection.execute(_make_raw())
            for number, source in enumerate(sources):
                _load(connection, source, number)
            rows = connection.execute("SELECT count(*) FROM raw").fetchone()
            text = (PACKAGE / "atlas/data/build.sql").read_text("utf-8")
            connection.execute(text)
            connection.executemany(
                "INSERT INTO meta VALUES (?, ?)",
                [
                    ("schema", SCHEMA),
                    ("famtree", __version__),
                    ("rows", str(rows[0])),
                    ("built", datetime.now(UTC).date().isoformat()),
                ],
            )
            kept = connection.execute("SELECT count(*) FROM checkpoints").fetchone()
            connection.execute("CHECKPOINT")
    except (duckdb.Error, OSError) as fault:
        told = (str(fault).splitlines() or [""])[0][:300]
        raise UsageError(
            f"{target.name} cannot be built: {told}", hint="check the files"
        ) from fault
    return Built(rows[0], kept[0], time.monotonic() - started)


@contextmanager
def _clean_beside(path: Path) -> Iterator[None]:
    """Remove what DuckDB keeps beside a database it writes, a killed one's before that as well."""
    log, spilled = Path(f"{path}.wal"), Path(f"{path}.tmp")
    try:
        log.unlink(missing_ok=True)
        yield
    finally:
        log.unlink(missing_ok=True)
        shutil.rmtree(spilled, ignore_errors=True)


_CONFIG = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}

_COMPRESSION = "PRAGMA force_compression = 'zstd'"
"""Trying which one suits takes DuckDB (2.0) four fifths of a build, and ends with a longer file."""


def _make_raw() -> str:
    """Return the statement for the table of rows as read; temporary, so that it can spill."""
    columns = ", ".join(f'"{name}" {_TYPES[kind]}' for name, kind in COLUMNS.items())
    return f"CREATE TEMP TABLE raw (input INTEGER, {columns})"


def _load(connection: duckdb.DuckDBPyConnection, source: Path, number: int) -> None:
    """Append the rows of one source; what is no row of a scan is left out, as `--resume` does."""
    if source.suffix == ".jsonl" and source.is_file():
        try:
            check_rows(source)
        except ValueError as fault:
            raise UsageError(str(fault), hint="name an output of `famtree scan`") from fault
        kinds = ", ".join(f"'{name}': '{_TYPES[kind]}'" for name, kind in COLUMNS.items())
        table = (
            f"read_json($path, format = 'newline_delimited', columns = {{{kinds}}}, "
            f"ignore_errors = true, maximum_object_size = {MAX_LINE})"
        )
        held, place = set(COLUMNS), str(source)
    else:
        table, place = "read_parquet($path, union_by_name = true)", _find_parquet(source)
        described = connection.execute(f"DESCRIBE SELECT * FROM {table}", {"path": place})  # noqa: S608 - our own text
        held = {row[0] for row in described.fetchall()}
        if not {"schema", "ref", "document"} <= held:
            raise _not_rows(source)
    # Files of an earlier version lack columns that were added since.
    chosen = ", ".join(
        _take(name, kind) if name in held else "NULL" for name, kind in COLUMNS.items()
    )
    connection.execute(
        f"INSERT INTO raw SELECT {number}, {chosen} FROM {table} "  # noqa: S608 - our own text
        "WHERE schema = $schema AND ref IS NOT NULL",
        {"path": place, "schema": ROW_SCHEMA},
    )


def _take(name: str, kind: str) -> str:
    value = f'CAST("{name}" AS {_TYPES[kind]})'
    return f"CASE WHEN len({value}) <= {MAX_ITEMS} THEN {value} END" if kind == "strings" else value


def _measure(source: Path) -> int:
    """Return the bytes of memory that building from a source takes: lines a quarter of theirs."""
    if source.is_file() and source.suffix == ".jsonl":
        return source.stat().st_size // 4
    files = source.glob("*.parquet") if source.is_dir() else [source]
    return sum(path.stat().st_size for path in files)


def _find_parquet(source: Path) -> str:
    if source.suffix == ".parquet" and source.is_file():
        return str(source)
    if source.is_dir() and any(source.glob("*.parquet")):
        return str(source / "*.parquet")
    raise _not_rows(source)


def _not_rows(source: Path) -> UsageError:
    return UsageError(
        f"{source}: no rows of a scan",
        hint="name .jsonl or .parquet files of `famtree scan`, or a folder of Parquet files",
    )
