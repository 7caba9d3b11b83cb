"""Which registry is in use: famtree's own, or a bundle that lies under the user's cache folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

MANIFEST = "manifest.json"
STATE = "in-use.json"
ROOTS = "roots.atlas"
"""An atlas of root checkpoints that a bundle may hold: undeclared parents are looked for in it."""
_DIGEST = "[0-9a-f]{64}"


class Manifest(Struct, frozen=True):
    """What a bundle says of itself."""

    schema: str
    version: str
    """Of the bundle: numbers with dots, such as 2026.12.1."""
    date: str
    famtree: str
    """Least version of famtree that understands its files."""
    files: dict[str, str]
    """Name -> hex sha256."""


class InUse(Struct, frozen=True):
    """Folders of the bundle in use and of the one before; None is famtree's own registry."""

    current: str | None = None
    previous: str | None = None


def find_installed() -> tuple[Path, str] | None:
    """Return folder and version of the bundle in use; None where it is famtree's own registry."""
    current = read_state().current
    if current is None:
        return None
    place = find_base() / current
    try:
        manifest = msgspec.json.decode((place / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError):
        return None  # the cache was emptied
    return place, manifest.version


def list_damaged(place: Path, sources: Mapping[str, bytes]) -> list[str]:
    """Return the files of the bundle at `place` that are gone or not what its manifest states."""
    stated = msgspec.json.decode((place / MANIFEST).read_bytes(), type=Manifest).files
    wanted = {name: digest for name, digest in stated.items() if name != ROOTS}
    held = {name: sha256(data).hexdigest() for name, data in sources.items()}
    return sorted(
        name
        for name in wanted.keys() | held.keys()
        if wanted.get(name, "").lower() != held.get(name)
    )


def find_roots() -> Path | None:
    """Return the atlas of roots of the bundle in use, None where it has none."""
    found = find_installed()
    if found is None or not (found[0] / ROOTS).is_file():
        return None
    return found[0] / ROOTS


def read_state() -> InUse:
    """Return what is in use."""
    try:
        found = msgspec.json.decode((find_base() / STATE).read_bytes(), type=InUse)
    except (OSError, msgspec.MsgspecError):
        return InUse()
    if any(one and not re.fullmatch(_DIGEST, one) for one in (found.current, found.previous)):
        return InUse()
    return found


def find_base() -> Path:
    """Return where bundles lie (XDG cache folder)."""
    return find_cache_folder() / "registries"


def find_cache_folder() -> Path:
    """Return where famtree keeps what it can make again (XDG cache folder)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "famtree"
