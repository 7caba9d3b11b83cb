"""A bundle: a registry that travels without a release, and which one is in use.

It is `manifest.json` and the files it lists with their sha256, nothing else. What is taken is
validated whole first, lies under the user's cache folder by its digest, and is put in use by one
rename: whatever is interrupted, the registry in use is the former one or the new one.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from famtree import __version__
from famtree.errors import UsageError, refuse_bundle
from famtree.registry.installed import (
    MANIFEST,
    ROOTS,
    STATE,
    InUse,
    Manifest,
    find_base,
    read_state,
)
from famtree.registry.load import assemble, digest_contents
from famtree.registry.parse import GENERIC, parse_sources
from famtree.registry.records import FOLDER
from famtree.registry.registry import Registry

SCHEMA = "famtree/registry-bundle/1"
MAX_FILES = 2_000
MAX_FILE_BYTES = 4 << 20
LARGER = {ROOTS: 50 << 20}
"""Files that may have more bytes, and how many."""
MAX_BYTES = 64 << 20
"""Of all files together; famtree's own take two."""
_DUCKDB = slice(8, 12), b"DUCK"
"""Where a database of DuckDB says what it is (github.com/duckdb/duckdb, main_header.hpp)."""
_STEM = "[a-z0-9_][a-z0-9._-]{0,99}"
_NAME = re.compile(rf"{_STEM}\.toml|{FOLDER}/{_STEM}\.json|{re.escape(ROOTS)}")
_VERSION = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6}){0,3}")
_SHOWN = 3


class Bundle(Struct, frozen=True):
    """A validated one."""

    manifest: Manifest
    registry: Registry
    pin: str
    """Hex sha256 of all but the manifest; without roots the digest of the registry."""
    contents: dict[str, bytes]
    """Of all files, the manifest as it is kept."""

    @property
    def key(self) -> str:
        """Hex sha256 over everything: the name of its folder."""
        return digest_contents(self.contents)


def read_bundle(files: Mapping[str, bytes], *, pin: str | None = None) -> Bundle:
    """Return the bundle that `files` are, by name. Raises UsageError saying why it is refused.

    `pin` is the digest it has to have, with or without `sha256:`: the one that documents state of
    its registry, where it has no atlas of roots.
    """
    manifest = _read_manifest(files)
    _compare_files(manifest, files)
    roots = {ROOTS: files[ROOTS]} if ROOTS in manifest.files else {}
    if any(data[_DUCKDB[0]] != _DUCKDB[1] for data in roots.values()):
        raise refuse_bundle(f"{ROOTS} is no atlas")
    sources = {name: files[name] for name in manifest.files if name not in roots}
    digest = digest_contents({**sources, **roots})
    if pin is not None and pin.removeprefix("sha256:").lower() != digest:
        raise refuse_bundle(f"it is sha256:{digest}, another was asked for: {pin[:80]}")
    registry = _build(sources, manifest)
    kept = json.dumps(msgspec.to_builtins(manifest), sort_keys=True, indent=1)
    return Bundle(manifest, registry, digest, {**sources, **roots, MANIFEST: kept.encode()})


def install_bundle(bundle: Bundle) -> None:
    """Put a bundle in use; the one before is kept. Raises UsageError where nothing can be written.

    Everything is on the disk before it is put in use.
    """
    base = find_base()
    key = bundle.key
    try:
        base.mkdir(parents=True, exist_ok=True)
        for left in base.glob(".new-*"):  # of an update that was killed
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
        place = base / key
        if not _holds(place, bundle):
            fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=base))
            for name, data in bundle.contents.items():
                (fresh / name).parent.mkdir(exist_ok=True)
                _write(fresh / name, data)
            shutil.rmtree(place, ignore_errors=True)
            fresh.replace(place)
        _use(key)
    except OSError as fault:
        raise _tell_unwritable(fault) from fault


def roll_back() -> None:
    """Put the registry that was in use before in use again.

    Raises UsageError where none was in use before.
    """
    state = read_state()
    if state == InUse() or (state.previous and not (find_base() / state.previous).is_dir()):
        raise UsageError("there is no earlier registry to go back to", hint="nothing was changed")
    _use(state.previous)


def use_builtin() -> None:
    """Put famtree's own registry in use."""
    if read_state().current is not None:
        _use(None)


def _use(key: str | None) -> None:
    state = read_state()
    base = find_base()
    former = state.previous if state.current == key else state.current
    try:
        base.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=base, prefix=".new-")
        os.close(handle)
        _write(Path(temporary), msgspec.json.encode(InUse(key, former)))
        Path(temporary).replace(base / STATE)
    except OSError as fault:
        raise _tell_unwritable(fault) from fault
    for place in base.iterdir():  # older ones
        if len(place.name) == 64 and place.name not in (key, former):
            shutil.rmtree(place, ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _holds(place: Path, bundle: Bundle) -> bool:
    with contextlib.suppress(OSError):
        return (
            all((place / name).read_bytes() == data for name, data in bundle.contents.items())
            and (place / MANIFEST).is_file()
        )
    return False


def _read_manifest(files: Mapping[str, bytes]) -> Manifest:
    if MANIFEST not in files:
        raise refuse_bundle(f"it has no {MANIFEST}")
    try:
        manifest = msgspec.json.decode(files[MANIFEST], type=Manifest)
    except (msgspec.MsgspecError, RecursionError) as fault:
        raise refuse_bundle(f"{MANIFEST}: {fault}") from fault
    if manifest.schema != SCHEMA:
        raise refuse_bundle(f"it is of schema {manifest.schema!r}, this famtree reads {SCHEMA!r}")
    for field, text in (("version", manifest.version), ("famtree", manifest.famtree)):
        if not _VERSION.fullmatch(text):
            raise refuse_bundle(f"{MANIFEST}: {field} {text[:40]!r} is no version")
    if _order(manifest.famtree) > _order(__version__):
        raise refuse_bundle(f"it needs famtree {manifest.famtree}, this is {__version__}")
    return manifest


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall("[0-9]+", version)[:4])


def _compare_files(manifest: Manifest, files: Mapping[str, bytes]) -> None:
    if wrong := [name for name in manifest.files if not _NAME.fullmatch(name)]:
        raise refuse_bundle(f"{_some(wrong)} can be no registry file")
    if absent := sorted(manifest.files.keys() - files.keys()):
        raise refuse_bundle(f"{_some(absent)} is listed and not there")
    if extra := sorted(files.keys() - manifest.files.keys() - {MANIFEST}):
        raise refuse_bundle(f"{_some(extra)} is there and not listed")
    for name, stated in sorted(manifest.files.items()):
        if sha256(files[name]).hexdigest() != stated.lower():
            raise refuse_bundle(f"{name} is not what the manifest states (sha256)")
    if GENERIC not in manifest.files:
        raise refuse_bundle(f"{GENERIC} is missing")


def _build(sources: dict[str, bytes], manifest: Manifest) -> Registry:
    from famtree.registry.check import check_families

    try:
        families, generic, faults = parse_sources(sources)
        if not (families or faults):
            raise refuse_bundle("it has no family")
        if generic is not None and not faults:
            whole = Registry(families=tuple(families.values()), generic=generic)
            faults = check_families(sources, families, whole)
        if generic is None or faults:
            raise refuse_bundle(f"{len(faults)} fault(s) in its files, the first: {faults[0]}")
        return replace(assemble(families.values(), generic, sources), version=manifest.version)
    except RecursionError as fault:
        raise refuse_bundle(f"its files cannot be read: {fault}") from fault


def _some(names: list[str]) -> str:
    shown = ", ".join(repr(name[:100]) for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


def _tell_unwritable(fault: OSError) -> UsageError:
    return UsageError(
        f"{find_base()} cannot be written: {fault.strerror or fault}",
        hint="check the folder, or XDG_CACHE_HOME; the registry in use is the one before",
    )
