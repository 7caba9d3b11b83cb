"""Registry folders of people's own, laid over what famtree ships.

Their families are added; where keys are equal, the folder that is named first wins, and any of them
over famtree's own. A folder with a fault is refused whole: nothing is half loaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from os import PathLike
from pathlib import Path

from famtree.errors import RegistryError, UsageError
from famtree.registry import load
from famtree.registry.compiled import read_cached, write_cached
from famtree.registry.load import assemble, read_families, stamp_sources
from famtree.registry.parse import GENERIC, parse_sources
from famtree.registry.registry import Registry
from famtree.types.family import Family, GenericTraits

VARIABLE = "FAMTREE_REGISTRY"
"""Folders joined as those of PATH are."""

Places = str | PathLike[str] | Iterable[str | PathLike[str]]


def list_places(asked: Places) -> list[str | PathLike[str]]:
    """Return the folders that are asked for, in order."""
    return [asked] if isinstance(asked, str | PathLike) else list(asked)


def find_places(asked: Places = ()) -> tuple[str, ...]:
    """Return the folders `asked` for, then those of FAMTREE_REGISTRY, absolute and each once.

    Raises UsageError for one that is no folder, cannot be read or has no TOML file.
    """
    known = [(Path(one), "--registry") for one in list_places(asked)]
    listed = os.environ.get(VARIABLE, "").split(os.pathsep)
    known += [(Path(one), VARIABLE) for one in listed if one]
    for place, origin in known:
        try:
            with os.scandir(place) as entries:
                found = any(entry.name.endswith(".toml") for entry in entries)
        except (OSError, ValueError) as fault:
            raise _tell_unreadable(place, origin, fault) from fault
        if not found:
            raise UsageError(
                f"the registry folder {place} has no .toml file",
                hint=f"check {origin}: a file of a family is named KEY.toml",
            )
    return tuple(dict.fromkeys(str(place.absolute()) for place, _ in known))


def load_publishers(asked: Places = ()) -> dict[str, list[str]]:
    """Return the Hub organisations of each family's maker, by the family's key."""
    return {one.key: list(one.publishers) for one in load_places(find_places(asked)).families}


def load_places(places: Sequence[str] = ()) -> Registry:
    """Return famtree's registry with the families of `places`, of which the first has precedence.

    Raises RegistryError (exit code 2: they are the user's own) listing every fault of every file
    as `file:line: field: reason`.
    """
    if not places:
        return load.load_registry()
    folders = tuple(map(Path, places))
    in_use, *_ = load.locate_registry()
    stamps = [_stamp(folder) for folder in (*folders, in_use)]
    return _load_stamped(folders, sha256("\0".join(["own", *stamps]).encode()).hexdigest())


def _stamp(place: Path) -> str:
    try:
        return stamp_sources(place)
    except OSError as fault:  # gone since it was found
        raise _tell_unreadable(place, "--registry", fault) from fault


@lru_cache(maxsize=4)
def _load_stamped(places: tuple[Path, ...], stamp: str) -> Registry:
    base = load.load_registry()
    own = read_cached(stamp)
    if own is None:
        own = _build(places, base)
        write_cached(own, stamp)
    return _join(own, base, places)


def lay_over(places: Sequence[str], base: Registry) -> Registry:
    """Like `load_places`, over another registry than the one in use."""
    folders = tuple(map(Path, places))
    return _join(_build(folders, base), base, folders) if folders else base


def _join(own: Registry, base: Registry, places: tuple[Path, ...]) -> Registry:
    taken = {family.key for family in own.families}
    kept = [family for family in base.families if family.key not in taken]
    families = sorted((*own.families, *kept), key=lambda family: family.key)
    return Registry(
        families=tuple(families),
        generic=own.generic,
        version=base.version,
        digest=sha256(f"{own.digest}\0{base.digest}".encode()).hexdigest(),
        sources=(*map(str, places), *base.sources),
    )


def _build(places: tuple[Path, ...], base: Registry) -> Registry:
    """Parse and check the files of every place; of one key only the first place's family counts."""
    from famtree.registry.check import check_families

    faults: list[str] = []
    general: GenericTraits | None = None
    read: list[tuple[Path, dict[str, bytes], dict[str, Family]]] = []
    families: dict[str, Family] = {}
    contents: dict[str, bytes] = {}
    for place in places:
        sources = _read(place)
        found, generic, wrong = parse_sources(sources)
        faults += [f"{place / fault}" for fault in wrong]
        if general is None and (place / GENERIC).exists():
            general = generic
        read.append((place, sources, found))
        for family in found.values():
            families.setdefault(family.key, family)
        contents |= {f"{place.name}/{name}": data for name, data in sources.items()}
    kept = [family for family in base.families if family.key not in families]
    whole = Registry(families=(*families.values(), *kept), generic=general or base.generic)
    for place, sources, found in read:
        faults += [f"{place / fault}" for fault in check_families(sources, found, whole)]
    if faults:
        raise _refuse(faults)
    return assemble(families.values(), general or base.generic, contents)


def _read(place: Path) -> dict[str, bytes]:
    try:
        return read_families(place)
    except OSError as fault:
        raise _tell_unreadable(place, "--registry", fault) from fault


def _tell_unreadable(place: Path, origin: str, fault: OSError | ValueError) -> UsageError:
    told = getattr(fault, "strerror", None) or fault
    return UsageError(f"the registry folder {place} cannot be read: {told}", hint=f"check {origin}")


def _refuse(faults: list[str]) -> RegistryError:
    error = RegistryError(
        faults,
        where="the registry folders",
        hint="`famtree families check --registry DIR` lists them all; docs/add-a-family.md has "
        "the form",
    )
    error.exit_code = UsageError.exit_code
    return error
