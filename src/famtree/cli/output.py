"""Where text goes: data to stdout, everything else to stderr.

All that famtree prints or writes as a report passes here, and is no command to a runner of
continuous integration, whatever a checkpoint, a reference or a server put into it.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from famtree.errors import UsageError
from famtree.formats.escape import break_commands, clip_text, is_runner

if TYPE_CHECKING:
    from famtree.formats.lineage_words import Publishers

USUAL_WIDTH = 100
"""Columns of a terminal that does not tell."""
WIDEST = 140
"""Longer lines are harder to read than wrapped ones."""


class _Streams:
    """Where reports go, as options of a command ask for."""

    collected: list[str] | None = None
    """What is to be written to the file of `--output`; None prints."""
    colorless = False


@contextmanager
def redirect(output: str | None, *, no_color: bool) -> Iterator[None]:
    """Print without colours, and into a file, while a command runs.

    The file is written once there is an answer, whether or not what was asked for holds.
    """
    before = _Streams.collected, _Streams.colorless
    if output is not None:
        check_target("--output", output)
    _Streams.collected, _Streams.colorless = ([] if output is not None else None), no_color
    try:
        yield
    finally:
        told = _Streams.collected
        _Streams.collected, _Streams.colorless = before
        if output is not None and told:
            write_file(output, "".join(told))


def open_streams() -> None:
    """Open what was closed before this process began (`2>&-`, a daemon's): messages go nowhere,
    and data is what cannot be written.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # This takes the lowest number that is free: else the next file to be opened would get
            # it, and whatever a library prints.
            mode = os.O_RDONLY if number == 1 else os.O_RDWR
            os.set_inheritable(os.open(os.devnull, mode), True)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)


def write_stdout(text: str) -> None:
    """Write data. Raises UsageError where that fails (a full disk, a closed stdout).

    A reader that has gone away (`| head`) is no fault: the rest is dropped.
    """
    if _Streams.collected is not None:
        _Streams.collected.append(text)
        return
    try:
        _write(sys.stdout, text)
    except BrokenPipeError:
        silence_stdout()
    except OSError as fault:
        silence_stdout()
        raise UsageError(
            f"stdout cannot be written: {fault.strerror or fault}",
            hint="send the output elsewhere, or make room for it",
        ) from fault


def write_stderr(text: str) -> None:
    """Write a message; where even that fails there is nobody left to tell."""
    try:
        _write(sys.stderr, text)
    except (OSError, ValueError):
        return


def render(
    kind: str,
    document: Any,
    form: str,
    *,
    verbose: bool = False,
    publishers: Publishers | None = None,
    questions: Sequence[str] = (),
    at_length: bool = False,
) -> str:
    """Return `document` in a format that `formats.table` has, as stdout can show it."""
    from famtree.formats import table

    options = table.Options(
        find_width(), use_color(), verbose, publishers or {}, tuple(questions), at_length
    )
    if form == "html":
        from famtree.sources.addresses import find_hub

        options = options._replace(hub=find_hub())
    return table.render(kind, document, form, options)


def check_target(option: str, name: str) -> None:
    """Raise UsageError for a file that cannot be written, before any work is done."""
    # os.path, not Path: an impossible name is no folder, rather than an OSError of its own.
    if not name or os.path.isdir(name):
        raise UsageError(f"{option} needs a file, not {name!r}", hint="name a file to write")
    folder = os.path.dirname(name)
    if folder and not os.path.isdir(folder):
        raise UsageError(f"no folder {folder!r}", hint="make it first")


def write_file(name: str, text: str) -> None:
    """Write a report as UTF-8, all of it or nothing. Raises UsageError where that fails."""
    from famtree.files import replace_file

    path, data = Path(name), _mute(text).encode("utf-8", errors="backslashreplace")
    try:
        if path.exists() and not os.path.isfile(os.path.realpath(path)):
            path.write_bytes(data)  # a pipe, a device
        else:
            with replace_file(path) as partial, partial.open("xb") as stream:
                stream.write(data)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"{name!r} cannot be written: {reason}", hint="name another file"
        ) from error


def write_page(name: str, text: str) -> None:
    """Write a report to a file and say so; `-` is stdout."""
    if name == "-":
        write_stdout(text)
        return
    write_file(name, text)
    write_stderr(f"wrote {clip_text(name)}\n")


def find_width() -> int | None:
    """Return the columns to draw reports in: those COLUMNS says, else the terminal's.

    None where there is neither: a pipe, a file, a program. Shells do not hand COLUMNS on, so
    whoever exports it wants a drawing.
    """
    if _Streams.collected is not None:
        return None
    if not (sys.stdout.isatty() or os.environ.get("COLUMNS") or _is_forced()):
        return None
    return min(shutil.get_terminal_size((USUAL_WIDTH, 24)).columns, WIDEST)


def use_color() -> bool:
    """Return whether stdout is a terminal that shows colours, or FORCE_COLOR asks for them.

    NO_COLOR and `--no-color` go before both.
    """
    if os.environ.get("NO_COLOR") or _Streams.colorless or _Streams.collected is not None:
        return False
    return _is_forced() or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def _is_forced() -> bool:
    """Return whether FORCE_COLOR asks for colours whatever stdout is (force-color.org)."""
    return os.environ.get("FORCE_COLOR", "") not in {"", "0", "false"}


def _mute(text: str) -> str:
    """Return `text` so that a runner takes nothing in it, whoever wrote it, for a command."""
    return break_commands(text) if is_runner(os.environ) else text


def _write(stream: TextIO, text: str) -> None:
    # UTF-8 whatever the locale: the contract promises it for JSON, and a report must not fail
    # because a name has letters the locale lacks.
    text = _mute(text)
    buffer = getattr(stream, "buffer", None)
    stream.flush()
    if buffer is None:
        stream.write(text)
    else:
        buffer.write(text.encode("utf-8", errors="backslashreplace"))
    stream.flush()


def silence_stdout() -> None:
    """Drop what is still to be written."""
    # The interpreter flushes stdout once more at exit and would complain there.
    try:
        handle = os.open(os.devnull, os.O_WRONLY)
        os.dup2(handle, sys.stdout.fileno())
    except (OSError, ValueError):
        return
