"""Rows as JSON Lines: every row is whole on disk before the next one begins.

A killed scan leaves at most one torn line at the end. `--resume` drops it, and with it the
failures that may pass (network, offline, time-out, a lost process), which are then asked again.
The file may come from a stranger: of each line only the columns are built, by their types.

One scan writes to a file at a time: another would put a file of its own in its place, and what the
first goes on writing would be in none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from famtree.errors import UnreadableError
from famtree.files import replace_file
from famtree.scan.references import hash_reference
from famtree.scan.row import COLUMNS, SCHEMA, Row, make_failure
from famtree.sources.hub_listing import decode_json

PASSING = frozenset({"network", "offline", "timeout", "worker-lost"})
"""Errors that say nothing about the checkpoint; any other failure is an answer."""
MAX_LINE = 4 * 1024 * 1024
"""Bytes of a row; a longer one is no row. Those of published checkpoints have some 10 kB."""
MAX_FOREIGN = 1000
"""Lines that are no row; a file of more is no output of a scan."""
_TYPES: dict[str, Any] = {
    "string": str | None,
    "float": float | None,
    "integer": int | None,
    "boolean": bool | None,
    "strings": list[str] | None,
}


class JsonLines:
    """Appends rows to a file, and keeps other scans from it while it is open."""

    def __init__(self, path: Path) -> None:
        """Open `path`, made where it is not there.

        Raises ValueError where another scan writes to it, OSError where it cannot be written.
        """
        self._path = path
        self._stream = _claim(path)

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def recover(self) -> set[int]:
        """Do what `recover` says, and go on with the file that is there then."""
        if os.name == "nt":
            self._stream.close()  # what is open cannot be replaced there
        done = recover(self._path)
        if self._stream.closed or not _is_at(self._stream, self._path):
            # The former file stays claimed until the new one is.
            former, self._stream = self._stream, _claim(self._path)
            former.close()
        return done

    def write(self, row: Row) -> None:
        """Append one row; unbuffered, so that a kill cannot lose it. Raises OSError.

        One that would be too long to be read again is a failure.
        """
        line = _encode(row)
        if len(line) > MAX_LINE:
            fault = UnreadableError(f"the answer is longer than a row may be ({MAX_LINE} bytes)")
            line = _encode(make_failure(row["ref"], fault))
        left = memoryview(line)
        while left:
            left = left[self._stream.write(left) :]


def _claim(path: Path) -> BinaryIO:
    """Return `path` opened to append to, for this process alone. Raises ValueError, OSError."""
    stream = path.open("ab", buffering=0)
    try:
        if not (_lock(stream) and _is_at(stream, path)):
            raise ValueError(f"another scan writes to {path.name}")
    except BaseException:
        stream.close()
        raise
    return stream


def _lock(stream: BinaryIO) -> bool:
    """Return whether no other process holds the file; it is free again when this one ends."""
    try:
        import fcntl
    except ImportError:
        return True  # on Windows nobody replaces a file that is open
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks
    return True


def _is_at(stream: BinaryIO, path: Path) -> bool:
    """Return whether `stream` is the file that is at `path` now."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False


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
    for line, row in _list_lines(path, _Said):
        if row.error_code not in PASSING:
            key = hash_reference(row.ref)
            if key not in done:
                done.add(key)
                yield line


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the whole rows of `path`. Raises ValueError where it is no output of a scan."""
    for _, row in _list_lines(path, _make_row_type()):
        yield msgspec.structs.asdict(row)


def check_rows(path: Path) -> None:
    """Raise ValueError where `path` is no output of a scan, or has a longer line than a row's."""
    for line, _ in _list_lines(path, _Said, skips_long=False):
        del line


class _Said(msgspec.Struct):
    schema: str
    ref: str
    error_code: str | None


@cache
def _make_row_type() -> type[Any]:
    """Return the type of a whole row; a file of an earlier version lacks columns added since."""
    needed = [(name, str) for name in ("schema", "ref")] + [("error_code", _TYPES["string"])]
    rest = [
        (name, _TYPES[kind], None)
        for name, kind in COLUMNS.items()
        if name not in _Said.__struct_fields__
    ]
    return msgspec.defstruct("Row", [*needed, *rest])


def _list_lines(
    path: Path, kind: type[Any], *, skips_long: bool = True
) -> Iterator[tuple[bytes, Any]]:
    """Yield each line that is a row, and what it says; torn lines and other documents are passed.

    Raises ValueError where there are more than `MAX_FOREIGN` of those.
    """
    foreign, begun = 0, True
    with path.open("rb") as stream:
        while line := stream.readline(MAX_LINE):
            whole, ends = begun, line.endswith(b"\n")
            begun = ends
            row = _read(line, kind) if whole and ends else None
            if row is not None:
                yield line, row
                continue
            if not (ends or skips_long) and len(line) == MAX_LINE:
                raise ValueError(f"{path.name} has a line of more than {MAX_LINE} bytes")
            foreign += whole
            if foreign > MAX_FOREIGN:
                raise ValueError(f"{path.name} is no output of a scan: {foreign} lines are no rows")


def _read(line: bytes, kind: type[Any]) -> Any:
    """Return the row of a line; None for another document."""
    try:
        row = decode_json(line, kind)
    except ValueError:
        return None
    return row if row.schema == SCHEMA else None


def _encode(row: Row) -> bytes:
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _is_ours(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(64).startswith(b'{"schema":"' + SCHEMA.encode())
