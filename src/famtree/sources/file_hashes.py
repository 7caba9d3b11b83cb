"""sha256 of whole files on this machine, computed once for each state of a file.

What was computed is kept below `$HF_HOME/famtree/hashes/`, never beside the file. An entry holds
for the path, device, inode, size, modification time and change time it was made for: the last
cannot be set back, so that a file of equal length with its old modification time is read again.
Entries of another user, or that others may write, count for nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from famtree.files import open_regular
from famtree.sources.hashes import add_computed, is_sha256
from famtree.sources.hub_settings import load_settings
from famtree.types.checkpoint import Listing
from famtree.types.source import Report

_BLOCK = 1 << 20
_INTERVAL = 0.1
"""Seconds between two words on how far it is."""
_SETTLED = 0.05
"""Seconds after which a change of a file must show in its change time: clocks of file systems tick
every 1 to 10 ms."""
_COARSE = 2.0
"""The same where a file system keeps whole seconds (FAT keeps every second one)."""
_BAR = 20
_OTHERS_WRITE = 0o022


def hash_into(
    listing: Listing, places: Mapping[str, Path], report: Report
) -> tuple[Listing, int, int]:
    """Return `listing` with the hashes of the files at `places`, bytes read, and bytes hashed.

    Files that cannot be read, or change meanwhile, stay as they are.
    """
    found: dict[str, str] = {}
    read = total = 0
    for name, path in places.items():
        hashed = hash_file(path, report)
        if hashed is not None:
            found[name], size, fresh = hashed
            total += size
            read += size if fresh else 0
    entries = [
        add_computed(entry, found[entry.name]) if entry.name in found else entry
        for entry in listing.files
    ]
    return replace(listing, files=tuple(entries)), read, total


def hash_file(path: Path, report: Report) -> tuple[str, int, bool] | None:
    """Return (lower-case hex sha256, size in bytes, whether it was read) of a regular file.

    None where it cannot be read, or changes while it is read. `report` gets a bar, bytes and rate.
    """
    started = time.time()
    try:
        with open_regular(path) as stream:
            before = os.fstat(stream.fileno())
            state = _describe(path, before)
            kept = _recall(state)
            if kept is not None:
                return kept, before.st_size, False
            digest = _read_through(stream, path.name, before.st_size, report)
            if _describe(path, os.fstat(stream.fileno())) != state:
                return None
    except OSError:
        return None
    tick = _COARSE if before.st_ctime_ns % 10**9 == 0 else _SETTLED
    if before.st_ctime + tick < started:
        _remember(state, digest)
    return digest, before.st_size, True


def _read_through(stream: Any, name: str, size: int, report: Report) -> str:
    state, done = sha256(), 0
    started = told = time.monotonic()
    while block := stream.read(_BLOCK):
        state.update(block)
        done += len(block)
        now = time.monotonic()
        if now - told >= _INTERVAL:
            told = now
            report(_tell(name, done, size, done / (now - started)))
    return state.hexdigest()


def _tell(name: str, done: int, size: int, rate: float) -> str:
    full = round(_BAR * min(done / size, 1.0)) if size else _BAR
    bar = "#" * full + "-" * (_BAR - full)
    return f"hashing [{bar}] {_megabytes(done)} of {_megabytes(size)}, {_megabytes(rate)}/s  {name}"


def _megabytes(number: float) -> str:
    return f"{number / 1e9:.2f} GB" if number >= 1e9 else f"{number / 1e6:.1f} MB"


def _describe(path: Path, status: os.stat_result) -> dict[str, Any]:
    return {
        "path": os.path.realpath(path),
        "device": status.st_dev,
        "inode": status.st_ino,
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "ctime_ns": status.st_ctime_ns,
    }


def _recall(state: Mapping[str, Any]) -> str | None:
    try:
        with open(_place(state), "rb") as stream:
            status = os.fstat(stream.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & _OTHERS_WRITE:
                return None
            text, _, check = stream.read(1 << 16).partition(b"\n")
        if sha256(text).hexdigest().encode() != check:
            return None
        found = json.loads(text)
    except (OSError, ValueError, RecursionError, AttributeError):
        return None
    digest = found.pop("sha256", None) if isinstance(found, dict) else None
    return digest if is_sha256(digest) and found == state else None


def _remember(state: Mapping[str, Any], digest: str) -> None:
    """Keep a hash; a cache that cannot be written is no error."""
    if not hasattr(os, "geteuid"):
        return  # Windows keeps no change time, and has no owners of this kind
    path, temporary = _place(state), None
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".new-")
        text = json.dumps({**state, "sha256": digest}).encode()
        with os.fdopen(handle, "wb") as stream:
            stream.write(text + b"\n" + sha256(text).hexdigest().encode())
        os.replace(temporary, path)
        temporary = None
    except (OSError, ValueError):
        pass
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _place(state: Mapping[str, Any]) -> str:
    constants = load_settings()
    key = sha256(os.fsencode(f"{state['device']}\n{state['inode']}\n{state['path']}")).hexdigest()
    return os.path.join(constants.HF_HOME, "famtree", "hashes", key[:2], key)
