"""Open an atlas (extra `atlas`): read by a process of its own, which is bound and can be killed.

An atlas may come from a stranger: it holds base tables of known columns or it is refused
(`tables`), and neither what it holds nor a user's own SQL reads another file (`reader`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import Any

from famtree.errors import (
    DeadlineError,
    FamtreeError,
    UnreadableError,
    UsageError,
    missing_package,
    require_package,
)
from famtree.sources.deadline import NEVER, Deadline

SCHEMA = "famtree/atlas/1"
USUAL_SECONDS = 60.0
"""For all questions to an opened atlas together, unless another time is allowed."""
LEAST_MEMORY = 192 << 20
MOST_MEMORY = 1 << 30
"""Bytes that reading may take, beside the process itself. Between the two it is `LEAST_MEMORY` and
the size of the file: a small one has no reason to take more."""
# -P: modules of the folder that it is started in are no part of the program.
_COMMAND = (sys.executable, "-P", "-m", "famtree.atlas.reader")
_AGAIN = "make it again with `famtree atlas build`"


def require_duckdb() -> Any:
    """Return the module. Raises UsageError where it is not installed."""
    return require_package("duckdb", "an atlas")


class RefusedError(FamtreeError):
    """A statement that failed; `kind` is `memory` where it was too much, else DuckDB's word."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class OpenAtlas:
    """An atlas that is read by a process of its own; `close` ends it."""

    def __init__(self, path: Path, deadline: Deadline) -> None:
        self.path = path
        self._deadline = deadline
        self._left = inf if deadline.at < inf else USUAL_SECONDS
        self._lock = threading.Lock()
        memory = min(LEAST_MEMORY + path.stat().st_size, MOST_MEMORY)
        self._process = subprocess.Popen(  # noqa: S603 - this very program
            # -P: a folder's own modules are no part of the program.
            [
                sys.executable,
                "-P",
                "-m",
                "famtree.atlas.reader",
                os.path.abspath(path),
                str(memory),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if not name.startswith("HF_")}
            | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            # Ctrl-C is the parent's to handle.
            start_new_session=True,
        )

    def __enter__(self) -> OpenAtlas:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, statement: str, **values: Any) -> list[Any]:
        """Return the rows of one of famtree's own statements.

        Raises DeadlineError, and UnreadableError where the atlas cannot answer.
        """
        try:
            rows: list[Any] = self.run(statement, values)["rows"]
        except RefusedError as fault:
            raise unreadable(self.path, fault.message) from fault
        return rows

    def run(self, statement: str, values: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return `columns` and `rows` of a statement. Raises RefusedError, DeadlineError."""
        question = json.dumps({"statement": statement, "values": values or {}})
        return self._exchange(question.encode("utf-8", "backslashreplace") + b"\n")

    def greet(self) -> None:
        """Wait until the atlas is open. Raises UnreadableError for what is none."""
        try:
            foreign = self._exchange(b"").get("foreign")
        except RefusedError as fault:
            raise unreadable(self.path, fault.message) from fault
        if foreign:
            raise unreadable(self.path, foreign)
        found = self.ask("SELECT value FROM meta WHERE key = 'schema' LIMIT 2")
        if found != [[SCHEMA]]:
            raise unreadable(self.path, f"its form is not {SCHEMA}")

    def _exchange(self, question: bytes) -> dict[str, Any]:
        left = min(self._left, self._deadline.left)
        started = time.monotonic()
        timer = threading.Timer(left, self._process.kill)
        timer.daemon = True
        with self._lock:
            timer.start()
            try:
                line = self._send(question)
            finally:
                timer.cancel()
        self._left -= time.monotonic() - started
        if line.endswith(b"\n"):
            told: dict[str, Any] = json.loads(line)
            if "fault" in told:
                raise RefusedError(told["fault"], told["told"])
            return told
        if time.monotonic() - started >= left:
            allowed = self._deadline.seconds if self._deadline.at < inf else USUAL_SECONDS
            raise DeadlineError(
                f"{self.path.name} gave no answer within the {allowed:g} seconds allowed",
                hint="allow more with --timeout",
            )
        raise RefusedError("memory", "reading it ended before there was an answer")

    def _send(self, question: bytes) -> bytes:
        assert self._process.stdin is not None  # noqa: S101 - for mypy
        assert self._process.stdout is not None  # noqa: S101
        with suppress(OSError, ValueError):  # it has ended
            self._process.stdin.write(question)
            self._process.stdin.flush()
        with suppress(OSError, ValueError):
            return self._process.stdout.readline()
        return b""

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                if stream is not None:
                    stream.close()
        self._process.wait()


def open_atlas(path: Path, deadline: Deadline = NEVER) -> OpenAtlas:
    """Return the atlas at `path`, sealed and read-only; the caller closes it.

    Without a deadline, questions may take `USUAL_SECONDS` in all. Raises UsageError for an absent
    file, DeadlineError, and UnreadableError (code `bad-atlas`) for any other that is no atlas of
    this form: the message names what it holds that an atlas does not.
    """
    if find_spec("duckdb") is None:
        raise missing_package("duckdb", "an atlas")
    if not path.is_file():
        raise UsageError(f"no atlas {str(path)!r}", hint="make one with `famtree atlas build`")
    log = path.with_name(f"{path.name}.wal")
    if log.exists():
        # Changes that never came into the file, and that DuckDB would make on opening it.
        raise unreadable(path, f"changes to it lie beside it, in {log.name}")
    opened = OpenAtlas(path, deadline)
    try:
        opened.greet()
    except BaseException:
        opened.close()
        raise
    return opened


def unreadable(path: Path, told: str) -> UnreadableError:
    """Return the error for a file that is no atlas, or cannot answer."""
    return UnreadableError(f"{path.name} is no atlas: {told}", hint=_AGAIN, code="bad-atlas")
