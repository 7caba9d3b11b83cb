"""The process that reads an atlas: DuckDB, cut off from everything, in so much memory and no more.

An atlas may come from a stranger, and DuckDB counts neither the text that a statement makes nor the
time a function takes. A process of its own can be bound by the system and killed. It gets the path
and the bytes of memory as arguments, questions as lines of JSON, and answers each with one.
"""

from __future__ import annotations

import json
import os
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from famtree.atlas.tables import find_foreign

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SEALED = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "threads": "1",
    "temp_directory": "",
    "max_temp_directory_size": "0B",
    "lock_configuration": "true",
}
"""No file, no network, no extension, no variable of the Python program, and no way to change it."""

MAX_ANSWER = 16 << 20
"""Bytes of an answer as JSON."""
MAX_VALUES = 1_000_000
"""Values of an answer: each takes tens of bytes in memory, however short it is written."""
_CHUNK = 256


class AnswerTooLongError(Exception):
    """An answer beyond `MAX_ANSWER` or `MAX_VALUES`."""


def bind_memory(size: int) -> None:
    """Let this process take `size` bytes more than it has, where the system can hold it to that."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        held = int(status.partition("VmData:")[2].split()[0]) << 10
        resource.setrlimit(resource.RLIMIT_DATA, (held + size, held + size))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def answer(connection: DuckDBPyConnection, question: dict[str, Any]) -> dict[str, Any]:
    """Return columns and rows of one statement. Raises duckdb.Error, AnswerTooLongError."""
    values = question.get("values")
    found = connection.execute(question["statement"], values if values else None)
    # A statement of comments alone is none, and has no result: None, whatever DuckDB's types say.
    columns = [column[0] for column in getattr(found, "description", None) or ()]
    if not columns:
        return {"columns": [], "rows": []}
    rows: list[str] = []
    counter = _Counter()
    while chunk := found.fetchmany(_CHUNK):
        for row in chunk:
            rows.append(json.dumps([counter.make_plain(value) for value in row]))
            counter.add(len(rows[-1]))
    return {"columns": columns, "rows": rows}


class _Counter:
    """What an answer has come to."""

    def __init__(self) -> None:
        self._bytes = 0
        self._values = 0

    def add(self, size: int) -> None:
        self._bytes += size
        if self._bytes > MAX_ANSWER:
            raise AnswerTooLongError(f"the answer is longer than {MAX_ANSWER >> 20} MB")

    def make_plain(self, value: Any) -> Any:
        """Return null, number, text, truth or a list."""
        self._values += 1
        if self._values > MAX_VALUES:
            raise AnswerTooLongError(f"the answer has more than {MAX_VALUES:,} values")
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            self.add(0 if len(value) <= MAX_ANSWER else MAX_ANSWER + 1)
            return value
        if isinstance(value, list | tuple):
            return [self.make_plain(item) for item in value]
        return str(value)


def serve(path: str, memory: int) -> Iterator[dict[str, Any]]:
    """Yield the answer to opening the atlas, then one for each line of stdin."""
    import duckdb

    bind_memory(memory)
    try:
        # DuckDB's own bound is the lower: it tells what would not fit.
        config: dict[str, Any] = SEALED | {"memory_limit": f"{memory * 3 // 4 >> 20}MiB"}
        connection = duckdb.connect(path, read_only=True, config=config)
        foreign = find_foreign(connection)
    except (duckdb.Error, MemoryError, ValueError) as fault:
        yield _tell(fault)
        return
    yield {"foreign": foreign} if foreign else {}
    for line in sys.stdin.buffer:
        try:
            yield answer(connection, json.loads(line))
        except (duckdb.Error, MemoryError, ValueError, AnswerTooLongError) as fault:
            yield _tell(fault)


def _tell(fault: BaseException) -> dict[str, Any]:
    kind = "memory" if "Memory" in type(fault).__name__ else type(fault).__name__
    return {"fault": kind, "told": (str(fault).splitlines() or [""])[0][:300]}


def _end_with_asker() -> None:
    """End this process when nobody is left to answer: whoever is killed cannot end it."""
    watch = select.poll()
    watch.register(sys.stdin.fileno(), 0)  # that the other end was closed is always told
    watch.poll()
    os._exit(1)


def main() -> NoReturn:
    """Serve until stdin ends, then end this process at once."""
    path, memory = sys.argv[1:]
    if hasattr(select, "poll"):  # Windows has none
        threading.Thread(target=_end_with_asker, daemon=True).start()
    for told in serve(path, int(memory)):
        rows = told.pop("rows", None)
        text = json.dumps(told)
        if rows is not None:
            # Rows are JSON already.
            text = f'{text[:-1]}, "rows": [{", ".join(rows)}]}}'
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
        sys.stdout.buffer.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
