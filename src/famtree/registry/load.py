"""TOML files -> `Registry`; every fault of every file is reported at once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace

from famtree import __version__
from famtree.errors import RegistryError, UsageError
from famtree.registry.compiled import (
    FORMAT,
    read_cached,
    read_packaged,
    write_cached,
)
from famtree.registry.installed import find_installed, list_damaged
from famtree.registry.parse import GENERIC, parse_sources, share_conditions
from famtree.registry.records import FOLDER
from famtree.registry.registry import Registry
from famtree.types.family import Family, GenericTraits

DATA = Path(__file__).parent / "data"
SHIPPED = "famtree"
"""What the registry that comes with famtree is called among the sources of an answer."""

_BUNDLE = "bundle "


def load_registry(folder: Path | None = None) -> Registry:
    """Return the registry of `folder` (default: the bundle in use, else the one famtree ships).

    Uses the compiled form where there is one of exactly these files: first by their names, sizes
    and times, as Python does for its own compiled modules, then by their content. One process
    loads files that did not change once. Raises RegistryError listing all faults as
    `file:line: field: reason`, UsageError for a bundle in use whose files were damaged.
    """
    place, version, source = (folder, __version__, str(folder)) if folder else locate_registry()
    stamp = stamp_sources(place)
    if not (place / GENERIC).exists():
        stamp = sha256(f"{stamp}\0{stamp_sources(DATA)}".encode()).hexdigest()
    return load_stamped(place, stamp, version, source)


def load_former() -> Registry:
    """Return the registry in use; where it is a bundle that was damaged, the one famtree ships."""
    try:
        return load_registry()
    except UsageError:
        return load_registry(DATA)


def locate_registry() -> tuple[Path, str, str]:
    """Return folder, version and name of the registry in use."""
    installed = find_installed()
    if installed is None:
        return DATA, __version__, SHIPPED
    place, version = installed
    return place, version, f"{_BUNDLE}{version}"


@lru_cache(maxsize=4)
def load_stamped(folder: Path, stamp: str, version: str, source: str) -> Registry:
    """Return the registry of `folder`, whose files have this stamp, once a process."""
    registry = read_cached(stamp)
    if registry is None:
        sources = read_families(folder)
        if source.startswith(_BUNDLE) and (damaged := list_damaged(folder, sources)):
            raise UsageError(
                f"{source}, the registry in use, is damaged: {damaged[0]} is not what its manifest "
                f"states ({folder})",
                hint="take it again with `famtree families update SOURCE`, or use famtree's own: "
                "`famtree families update --builtin`",
                code="bad-bundle",
            )
        digest = digest_sources(sources)
        registry = read_packaged(digest, stamp)
        if registry is None:
            registry = build_registry(sources)
            write_cached(registry, stamp)
    return replace(registry, version=version, sources=(source,))


def stamp_sources(folder: Path, beside: str = FOLDER) -> str:
    """Return one hex sha256 over names, sizes and times of the files; none of them is read.

    They are the TOML files of `folder` and the JSON files of its folder `beside`.
    """
    state = sha256(f"{FORMAT}\0{folder.resolve()}\0".encode())
    for place, ending in ((folder, ".toml"), (folder / beside, ".json")):
        if place is not folder and not place.is_dir():
            continue
        with os.scandir(place) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.endswith(ending):
                    status = entry.stat()
                    told = f"{entry.name}\0{status.st_size}\0{status.st_mtime_ns}\0"
                    state.update(told.encode())
    return state.hexdigest()


def read_sources(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every TOML file of `folder` and of its records, by name, sorted."""
    files = [*sorted(folder.glob("*.toml")), *sorted(folder.glob(f"{FOLDER}/*.json"))]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def read_families(folder: Path) -> dict[str, bytes]:
    """Like `read_sources`; a folder without general knowledge of its own has that of famtree."""
    sources = read_sources(folder)
    if GENERIC not in sources:
        sources[GENERIC] = (DATA / GENERIC).read_bytes()
    return sources


def digest_sources(sources: dict[str, bytes]) -> str:
    """Return one hex sha256 over names and contents, and the compiled form's number."""
    return sha256(f"{FORMAT}\0{digest_contents(sources)}".encode()).hexdigest()


def digest_contents(sources: dict[str, bytes]) -> str:
    """Return one hex sha256 over names and contents, whatever the order."""
    state = sha256()
    for name, data in sorted(sources.items()):
        state.update(f"{name}\0{len(data)}\0".encode())
        state.update(data)
    return state.hexdigest()


def build_registry(sources: dict[str, bytes]) -> Registry:
    """Parse and validate every file, strictly.

    Raises RegistryError with every fault as `file:line: field: reason`.
    """
    families, generic, faults = parse_sources(sources)
    if faults or generic is None:
        raise RegistryError(faults)
    return assemble(families.values(), generic, sources)


def assemble(
    families: Iterable[Family], generic: GenericTraits, sources: dict[str, bytes]
) -> Registry:
    """Return a registry of families that were parsed from `sources` and found sound."""
    held = tuple(families)
    share_conditions(held)
    return Registry(families=held, generic=generic, digest=digest_contents(sources))
