"""Where text goes: data to stdout, everything else to stderr."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO

PLAIN_WIDTH = 100
"""Columns of a report that does not go to a terminal, unless COLUMNS says otherwise."""
WIDEST = 140
"""Longer lines are harder to read than wrapped ones."""


def write_stdout(text: str) -> None:
    """Write data. A reader that has gone away (`| head`) is no fault: the rest is dropped."""
    try:
        _write(sys.stdout, text)
    except BrokenPipeError:
        _silence_stdout()


def write_stderr(text: str) -> None:
    """Write a message; where even that fails there is nobody left to tell."""
    try:
        _write(sys.stderr, text)
    except OSError:
        return


def find_width() -> int:
    """Return the columns to draw reports in (COLUMNS, else the terminal's, else 100)."""
    return min(shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns, WIDEST)


def use_color() -> bool:
    """Return whether stdout is a terminal that shows colours and NO_COLOR is not set."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout.isatty()


def _write(stream: TextIO, text: str) -> None:
    # UTF-8 whatever the locale: the contract promises it for JSON, and a report must not fail
    # because a name has letters the locale lacks.
    buffer = getattr(stream, "buffer", None)
    stream.flush()
    if buffer is None:
        stream.write(text)
    else:
        buffer.write(text.encode("utf-8", errors="backslashreplace"))
    stream.flush()


def _silence_stdout() -> None:
    # The interpreter flushes stdout once more at exit and would complain there.
    try:
        handle = os.open(os.devnull, os.O_WRONLY)
        os.dup2(handle, sys.stdout.fileno())
    except (OSError, ValueError):
        return
