"""Folders that record other hashes than those of their files."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from hub.server import HubServer

BASE = "acme/base"
CARD = f"---\nbase_model: {BASE}\n---\n".encode()
Files = dict[str, bytes]
Lay = Callable[[HubServer, Path, Files, Files], Path]
"""Writes files into a place, recorded as if they were others of the Hub; returns the folder."""


def in_record(hub: HubServer, place: Path, files: Files, recorded: Files) -> Path:
    commit = hub.repositories[BASE].refs["main"]
    folder = place / "acme__thing"
    records = folder / ".cache" / "huggingface" / "download"
    records.mkdir(parents=True)
    for name, data in {**files, "README.md": CARD}.items():
        (folder / name).write_bytes(data)
    for name, data in recorded.items():
        text = f"{commit}\n{sha256(data).hexdigest()}\n{time.time() + 1e9}\n"
        (records / f"{name}.metadata").write_text(text)
    return folder


def in_path(hub: HubServer, place: Path, files: Files, recorded: Files) -> Path:
    root = place / "models--acme--base"
    folder = root / "snapshots" / hub.repositories[BASE].refs["main"]
    folder.mkdir(parents=True)
    (root / "blobs").mkdir()
    for name, data in files.items():
        if name in recorded:
            blob = root / "blobs" / sha256(recorded[name]).hexdigest()
            blob.write_bytes(data)
            (folder / name).symlink_to(f"../../blobs/{blob.name}")
        else:
            (folder / name).write_bytes(data)
    return folder


def weights_of(files: Files) -> Files:
    return {name: data for name, data in files.items() if name.endswith(".safetensors")}


def tamper(data: bytes) -> bytes:
    """Return `data` with other last 1,000 bytes."""
    return data[:-1000] + bytes(byte ^ 0x11 for byte in data[-1000:])
