"""Rows as one Parquet file (zstd), made from JSON Lines in batches (extra `parquet`: pyarrow).

Parquet has its directory at the end, so that a killed writer leaves nothing readable. A scan
therefore writes JSON Lines beside the output and turns them into Parquet when it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from famtree.errors import UsageError, require_package
from famtree.files import replace_file
from famtree.scan.jsonl import PASSING
from famtree.scan.references import hash_reference
from famtree.scan.row import COLUMNS, Row

if TYPE_CHECKING:
    import pyarrow

BATCH = 500
"""Rows held in memory at a time: some 5 MB with their documents."""


def require_parquet() -> None:
    """Raise UsageError where pyarrow is not installed."""
    require_package("pyarrow.parquet", "Parquet output", instead=", or write to a .jsonl file")


def require_text(path: Path) -> None:
    """Raise UsageError for a path that is no UTF-8: DuckDB and Arrow cannot open such a one."""
    try:
        str(path).encode()
    except UnicodeEncodeError as fault:
        raise UsageError(
            f"{path.name!r}: the path is not UTF-8, and cannot be used for this form",
            hint="name another file",
        ) from fault


def make_schema() -> pyarrow.Schema:
    """Return the columns in Arrow's types."""
    import pyarrow

    types = {
        "string": pyarrow.string(),
        "float": pyarrow.float64(),
        "integer": pyarrow.int64(),
        "boolean": pyarrow.bool_(),
        "strings": pyarrow.list_(pyarrow.string()),
    }
    return pyarrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])


def write_parquet(rows: Iterable[Row], path: Path) -> None:
    """Write `rows` to `path`, which is replaced when all is there. Raises OSError."""
    import pyarrow
    import pyarrow.parquet

    schema = make_schema()
    with (
        replace_file(path) as partial,
        pyarrow.parquet.ParquetWriter(partial, schema, compression="zstd") as writer,
    ):
        for batch in _batch(rows):
            writer.write_table(pyarrow.Table.from_pylist(batch, schema=schema))


def read_parquet(path: Path) -> Iterator[Row]:
    """Yield the rows of a scan's Parquet file that are answers, not failures that may pass.

    Raises ValueError for a file that is none.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as stored:
            if not {"ref", "error_code"} <= set(stored.schema_arrow.names):
                raise ValueError(f"{path.name} holds no rows of a scan")
            for batch in stored.iter_batches(BATCH):
                for row in batch.to_pylist():
                    if row["error_code"] not in PASSING:
                        yield row
    except pyarrow.ArrowException as fault:
        raise ValueError(f"{path.name} is no Parquet file: {fault}") from fault


def count_rows(path: Path) -> int:
    """Return how many rows a Parquet file holds, failures that may pass among them."""
    import pyarrow.parquet

    return int(pyarrow.parquet.read_metadata(path).num_rows)


def list_done(path: Path) -> set[int]:
    """Return hashes of the references a Parquet file has a final row for. Raises ValueError."""
    return {hash_reference(row["ref"]) for row in read_parquet(path)}


def extend_parquet(path: Path, rows: Iterable[Row]) -> None:
    """Write what `path` holds already, if it is there, and then `rows`."""
    held: Iterable[Row] = read_parquet(path) if path.exists() else ()
    write_parquet(chain(held, rows), path)


def _batch(rows: Iterable[Row]) -> Iterator[list[dict[str, Any]]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
