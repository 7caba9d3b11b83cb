"""Files of this machine: the package's data, regular files, outputs whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
ABANDONED_SECONDS = 24 * 3600.0
"""After which an unfinished file that nobody writes to any more is removed."""


def load_data(name: str) -> Any:
    """Return a JSON file of the package by its place (`fingerprints/data/gguf.json`)."""
    from msgspec.json import decode  # `famtree --help` writes files, and reads none

    return decode((PACKAGE / name).read_bytes())


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Yield where to write what then takes the place of `path`, with that one's mode and owner.

    Whatever fails, `path` stays as it was and nothing is left beside it. Where `path` is a link,
    the file it leads to is replaced. Raises OSError.
    """
    target = Path(os.path.realpath(path))
    # A name of its own, as two may write one file; what a killed process left goes some time after.
    partial = target.with_name(f".{target.name}.{os.getpid()}-{os.urandom(4).hex()}.partial")
    _sweep(target)
    try:
        yield partial
        with contextlib.suppress(FileNotFoundError):
            _dress_as(partial, target.stat())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _sweep(target: Path) -> None:
    """Remove what processes have left that were killed while they wrote `target`."""
    with contextlib.suppress(OSError), os.scandir(target.parent) as found:
        left = [
            one
            for one in found
            if one.name.startswith(f".{target.name}.") and one.name.endswith(".partial")
        ]
        for one in left:
            with contextlib.suppress(OSError):
                if time.time() - one.stat(follow_symlinks=False).st_mtime > ABANDONED_SECONDS:
                    os.unlink(one.path)


def _dress_as(path: Path, former: os.stat_result) -> None:
    """Give `path` the mode of a former file, and its owner and group as far as the system lets."""
    if hasattr(os, "chown"):
        for owner, group in ((-1, former.st_gid), (former.st_uid, -1)):
            with contextlib.suppress(PermissionError):
                os.chown(path, owner, group)
    path.chmod(stat.S_IMODE(former.st_mode))


def read_stream(path: Path, most: int, *, seconds: float) -> bytes:
    """Return at most `most` bytes of a file, or of a pipe, which has to end within `seconds`.

    Raises OSError; TimeoutError for a pipe that stays open.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb", buffering=0) as stream:
        status = os.fstat(handle).st_mode
        if not hasattr(os, "O_NONBLOCK") or stat.S_ISREG(status) or stat.S_ISDIR(status):
            return stream.read(most)
        from select import select

        data, until = bytearray(), time.monotonic() + seconds
        while len(data) < most:
            if not select([handle], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError(
                    None, f"it is a pipe that did not end within {seconds:g} seconds"
                )
            block = stream.read(most - len(data))
            if not block:
                break
            data += block
        return bytes(data)


PATIENCE = 10.0
"""Seconds in which a pipe has to end that the user gives for a file."""


def read_given(name: Path | str, most: int) -> bytes:
    """As `read_stream`, of what the user gave. Raises ValueError, saying why it cannot be read."""
    try:
        return read_stream(Path(name), most, seconds=PATIENCE)
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise ValueError(f"{name} cannot be read: {reason}") from fault


def open_regular(path: Path | str) -> Any:
    """Return a regular file opened for reading. Raises OSError."""
    # Non-blocking, so that a pipe put in a file's place cannot hang the reader.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileNotFoundError(f"{path} is not a regular file")
    return os.fdopen(handle, "rb")
