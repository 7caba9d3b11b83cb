"""Files of this machine: the package's data, regular files, outputs whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent


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
    # A fixed name: what a killed process left is replaced by the next.
    partial = target.with_name(f".{target.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        yield partial
        with contextlib.suppress(FileNotFoundError):
            _dress_as(partial, target.stat())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _dress_as(path: Path, former: os.stat_result) -> None:
    """Give `path` the mode of a former file, and its owner and group as far as the system lets."""
    if hasattr(os, "chown"):
        for owner, group in ((-1, former.st_gid), (former.st_uid, -1)):
            with contextlib.suppress(PermissionError):
                os.chown(path, owner, group)
    path.chmod(stat.S_IMODE(former.st_mode))


def open_regular(path: Path) -> Any:
    """Return a regular file opened for reading. Raises OSError."""
    # Non-blocking, so that a pipe put in a file's place cannot hang the reader.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileNotFoundError(f"{path} is not a regular file")
    return os.fdopen(handle, "rb")
