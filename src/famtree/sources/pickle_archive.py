"""The directory of a PyTorch file: how many storages it holds and how long they are.

`torch.save` writes a zip archive: one pickle, never opened here, and one stored member
`<name>/data/<number>` a storage (pytorch, torch/serialization.py). Nothing is decompressed, so an
archive whose members would unpack to anything is as harmless as any other: it is only listed.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable

from msgspec import Struct

MAX_READ = 4 << 20
"""Most bytes read of one archive; a directory takes about 100 a storage."""
MAX_ALL = 16 << 20
"""Most bytes read of all archives of a checkpoint; the largest ones have some 90,000 storages."""
_STORAGE = re.compile(r"(?:.*/)?data/\d++")


class Storages(Struct, frozen=True):
    """What the directory lists."""

    count: int
    size: int
    """Bytes of all storages together."""


def list_storages(read: Callable[[int, int], bytes], size: int) -> Storages | None:
    """Return the storages of an archive of `size` bytes, whose bytes [start, stop) `read` returns.

    None for a file that is no such archive (the format before PyTorch 1.6, or damaged), whose
    directory is too long, or whose members are packed or claim more bytes than the file has.
    """
    try:
        with zipfile.ZipFile(_Window(read, size)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, struct.error, NotImplementedError):
        return None
    storages = [member for member in members if _STORAGE.fullmatch(member.filename)]
    total = sum(member.file_size for member in storages)
    packed = any(
        member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size
        for member in storages
    )
    if not storages or packed or total > size:
        return None
    return Storages(len(storages), total)


class _Window(io.RawIOBase):
    """A file of which at most `MAX_READ` bytes can be read."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read, self._size, self._at, self._left = read, size, 0, MAX_READ

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("before the start of the file")
        self._at = base + offset
        return self._at

    def read(self, count: int = -1) -> bytes:
        stop = self._size if count < 0 else min(self._size, self._at + count)
        length = max(0, stop - self._at)
        if length > self._left:
            raise OSError("the directory is too long")
        self._left -= length
        data = self._read(self._at, stop) if length else b""
        self._at += len(data)
        return data
