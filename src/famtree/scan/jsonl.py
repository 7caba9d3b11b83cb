"""Rows as JSON Lines: every row is whole on disk before the next one begins.

A killed scan leaves at most one torn line at the end. `--resume` drops it, and with it the
failures that may pass (network, offline, time-out, a lost process), which are then asked again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from famtree.files import replace_file
from famtree.scan.references import hash_reference
from famtree.scan.row import SCHEMA, Row

PASSING = frozenset({"network", "offline", "timeout", "worker-lost"})
"""Errors that say nothing about the checkpoint; any other failure is an answer."""


class JsonLines:
    """Appends rows to a file."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("ab", buffering=0)

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def write(self, row: Row) -> None:
        """Append one row; unbuffered, so that a kill cannot lose it. Raises OSError."""
        text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
        left = memoryview(text.encode("utf-8", "backslashreplace") + b"\n")
        while left:
            left = left[self._stream.write(left) :]


def recover(path: Path) -> set[int]:
    """Return hashes of the references `path` has a final row for; the file then holds just these.

    An absent file holds none. A file of anything else raises ValueError and is left as it is.
    """
    done: set[int] = set()
    if not path.exists():
        return done
    kept = sum(len(line) for line in _list_final(path, done))
    if kept != path.stat().st_size:
        if not done and not _is_ours(path):
            raise ValueError(f"{path.name} holds no rows of a scan")
        with replace_file(path) as partial, partial.open("xb") as stream:
            stream.writelines(_list_final(path, set()))
    return done


def _list_final(path: Path, done: set[int]) -> Iterator[bytes]:
    """Yield the lines that say the last of a reference, each once; `done` grows by what they do."""
    with path.open("rb") as stream:
        for line in stream:
            row = _read(line)
            if row is not None and row["error_code"] not in PASSING:
                key = hash_reference(row["ref"])
                if key not in done:
                    done.add(key)
                    yield line


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the whole rows of `path`."""
    with path.open("rb") as stream:
        for line in stream:
            row = _read(line)
            if row is not None:
                yield row


def _read(line: bytes) -> Row | None:
    """Return the row of a line; None for a torn line or another document."""
    if not line.endswith(b"\n"):
        return None
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    good = isinstance(row, dict) and row.get("schema") == SCHEMA and isinstance(row.get("ref"), str)
    return row if good and "error_code" in row else None


def _is_ours(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(64).startswith(b'{"schema":"' + SCHEMA.encode())
