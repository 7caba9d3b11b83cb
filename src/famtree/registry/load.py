"""TOML files -> `Registry`; every fault of every file is reported at once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from famtree import __version__
from famtree.errors import RegistryError
from famtree.registry.compiled import (
    FORMAT,
    make_adapter,
    read_cached,
    read_packaged,
    write_cached,
)
from famtree.registry.installed import find_installed
from famtree.registry.locate import describe_fault
from famtree.registry.registry import Registry
from famtree.types.family import OPERATORS, Condition, Family, GenericTraits

DATA = Path(__file__).parent / "data"
GENERIC = "_generic.toml"
SHIPPED = "famtree"
"""What the registry that comes with famtree is called among the sources of an answer."""
_T = TypeVar("_T")


def load_registry(folder: Path | None = None) -> Registry:
    """Return the registry of `folder` (default: the bundle in use, else the one famtree ships).

    Uses the compiled form where there is one of exactly these files: first by their names, sizes
    and times, as Python does for its own compiled modules, then by their content. One process
    loads files that did not change once. Raises RegistryError listing all faults as
    `file:line: field: reason`.
    """
    place, version, source = (folder, __version__, str(folder)) if folder else locate_registry()
    stamp = stamp_sources(place)
    if not (place / GENERIC).exists():
        stamp = sha256(f"{stamp}\0{stamp_sources(DATA)}".encode()).hexdigest()
    return load_stamped(place, stamp, version, source)


def locate_registry() -> tuple[Path, str, str]:
    """Return folder, version and name of the registry in use."""
    installed = find_installed()
    if installed is None:
        return DATA, __version__, SHIPPED
    place, version = installed
    return place, version, f"bundle {version}"


@lru_cache(maxsize=4)
def load_stamped(folder: Path, stamp: str, version: str, source: str) -> Registry:
    """Return the registry of `folder`, whose files have this stamp, once a process."""
    registry = read_cached(stamp)
    if registry is None:
        sources = read_families(folder)
        digest = digest_sources(sources)
        registry = read_packaged(digest, stamp)
        if registry is None:
            registry = build_registry(sources)
            write_cached(registry, stamp)
    return replace(registry, version=version, sources=(source,))


def stamp_sources(folder: Path, ending: str = ".toml") -> str:
    """Return one hex sha256 over names, sizes and times of the files; none of them is read."""
    state = sha256(f"{FORMAT}\0{folder.resolve()}\0".encode())
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.endswith(ending):
                status = entry.stat()
                state.update(f"{entry.name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return state.hexdigest()


def read_sources(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every TOML file of `folder`, by file name, sorted."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.toml"))}


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


def parse_sources(
    sources: dict[str, bytes],
) -> tuple[dict[str, Family], GenericTraits | None, list[str]]:
    """Return the families that are sound by themselves, by file name; and every fault."""
    import tomllib  # not needed where the compiled form is at hand, which is nearly always

    faults: list[str] = []
    families: dict[str, Family] = {}
    generic: GenericTraits | None = None
    for name, data in sources.items():
        try:
            text = data.decode("utf-8")
            table = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
            faults.append(f"{name}: {fault}")
            continue
        try:
            if name == GENERIC:
                generic = validate(GenericTraits, table)
            else:
                families[name] = validate(Family, expand_conditions(table))
        except ValidationError as fault:
            faults.extend(describe_faults(name, text, fault))
    if generic is None and not any(fault.startswith(GENERIC) for fault in faults):
        faults.append(f"{GENERIC}: missing")
    return families, generic, faults


def validate(kind: type[_T], table: Any) -> _T:
    """Return `table` as an entry, strictly. Raises pydantic's ValidationError with every fault."""
    made: _T = make_adapter(kind).validate_python(table)
    return made


def share_conditions(families: Iterable[Family]) -> None:
    """Make equal conditions one object, as the compiled form does: each is judged once a run."""
    # By type too: True and 1 are equal, and not the same.
    held: dict[tuple[type, Condition], Condition] = {}
    for family in families:
        for generation in family.generations:
            for rule in generation.rules:
                for name, condition in rule.when.items():
                    distinct = (type(condition.equals), condition)
                    rule.when[name] = held.setdefault(distinct, condition)


def expand_conditions(table: dict[str, Any]) -> dict[str, Any]:
    """Turn the nested `when` tables of rules into {dotted trait: condition}.

    In the file a condition is written `architecture.vocab_rows = 151936` or
    `recipe.rope_theta = {one_of = [1e6, 5e6]}`; a plain value means equality.
    """
    for generation in table.get("generation", ()):
        if not isinstance(generation, dict):
            continue
        for rule in generation.get("rule", ()):
            if isinstance(rule, dict) and isinstance(rule.get("when"), dict):
                rule["when"] = dict(flatten_conditions(rule["when"]))
    for exemplar in table.get("exemplar", ()):
        if isinstance(exemplar, dict) and isinstance(exemplar.get("traits"), dict):
            exemplar["traits"] = {
                name: condition.get("equals", condition)
                for name, condition in flatten_conditions(exemplar["traits"])
            }
    return table


def flatten_conditions(table: dict[str, Any], prefix: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Return (dotted name, operator and operand) for every condition of nested tables."""
    found: list[tuple[str, dict[str, Any]]] = []
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and not (value.keys() & set(OPERATORS)):
            found.extend(flatten_conditions(value, f"{name}."))
        elif isinstance(value, dict):
            found.append((name, value))
        else:
            found.append((name, {"equals": value}))
    return found


def describe_faults(name: str, text: str, fault: ValidationError) -> list[str]:
    """Return every fault of one file as `file:line: field: reason`."""
    return [
        describe_fault(name, text, error["loc"], _WORDS.get(error["type"], error["msg"]))
        for error in fault.errors()
    ]


_WORDS = {
    "unexpected_keyword_argument": "no such field",
    "dataclass_type": "Input should be a table",
}
"""Of pydantic's reasons those that speak of Python."""
