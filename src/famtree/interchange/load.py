"""Engine files -> `Engine` models, by key; every fault of every file is reported at once.

Parsing the TOML takes longer than all the rest of a comparison, so the checked form is remembered
as JSON beside the registry's, under the names, sizes and times of the files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from pydantic import ValidationError

from famtree.errors import RegistryError
from famtree.interchange.engine import Engine
from famtree.registry.compiled import cached_path, write_cache_file
from famtree.registry.load import read_sources, stamp_sources
from famtree.registry.parse import describe_faults, flatten_conditions, validate

DATA = Path(__file__).parent / "data" / "engines"
FACTS = "facts"
"""Folder beside the engine files: what was read from an engine's source, one JSON file each."""
FORMAT = 8
"""Raised when the remembered form changes, so that one of an older famtree is not used."""


def load_engines(folder: Path | None = None) -> dict[str, Engine]:
    """Return every engine of `folder` (default: those famtree ships) by key, in key order.

    Raises RegistryError listing all faults as `file:line: field: reason`.
    """
    place = folder or DATA
    stamp = stamp_sources(place, FACTS)
    path = cached_path(stamp, "engines")
    engines = _read_cached(path, f"{FORMAT} {stamp}")
    if engines is None:
        engines = build_engines(read_sources(place), read_facts(place / FACTS))
        write_cache_file(path, _dump(engines, f"{FORMAT} {stamp}"))
    return engines


def read_facts(folder: Path) -> dict[str, dict[str, Any]]:
    """Return engine -> fact -> {value, file, line, in, hash, looked_at} of every facts file."""
    return {
        path.stem: msgspec.json.decode(path.read_bytes())["facts"]
        for path in sorted(folder.glob("*.json"))
    }


def build_engines(
    sources: dict[str, bytes], facts: dict[str, dict[str, Any]] | None = None
) -> dict[str, Engine]:
    """Parse and check every file, strictly; `{fact = "name"}` stands for what the source says.

    Raises RegistryError with every fault as `file:line: field: reason`.
    """
    import tomllib  # not needed where the remembered form is at hand, which is nearly always

    from famtree.interchange.check import check_engine

    faults: list[str] = []
    engines: dict[str, Engine] = {}
    for name, data in sources.items():
        try:
            text = data.decode("utf-8")
            table = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
            faults.append(f"{name}: {fault}")
            continue
        known = (facts or {}).get(name.removesuffix(".toml"), {})
        try:
            _cite_values(table)
            table = put_facts(table, known)
        except KeyError as fault:
            faults.append(f"{name}: no fact {fault} was read from this engine's source")
            continue
        _expand(table)
        _mark_unchecked(table, known)
        try:
            engine = validate(Engine, table)
        except ValidationError as fault:
            faults += describe_faults(name, text, fault)
            continue
        faults += check_engine(engine, name, text, known)
        engines[engine.key] = engine
    if faults:
        raise RegistryError(
            faults, where="the engine files", hint="see docs/add-an-engine.md for their form"
        )
    return dict(sorted(engines.items()))


def put_facts(value: Any, known: dict[str, Any]) -> Any:
    """Put the values of facts in place of `{fact = "name"}`, within a list their items.

    Raises KeyError for no fact.
    """
    if isinstance(value, list):
        made: list[Any] = []
        for one in value:
            put = put_facts(one, known)
            several = isinstance(one, dict) and one.keys() == {"fact"}
            made += put if several and isinstance(put, list | dict) else [put]
        return made
    if not isinstance(value, dict):
        return value
    if value.keys() == {"fact"}:
        return known[value["fact"]]["value"]
    return {key: put_facts(one, known) for key, one in value.items()}


def _list_entries(table: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rules and stored forms of an engine file, as far as they are tables."""
    forms = table.get("quantization")
    methods = forms.get("method", ()) if isinstance(forms, dict) else ()
    found = [*table.get("rule", ()), *methods]
    return [one for one in found if isinstance(one, dict)]


def _expand(table: dict[str, Any]) -> None:
    for one in _list_entries(table):
        if isinstance(one.get("when"), dict):
            one["when"] = dict(flatten_conditions(one["when"]))


def list_cited(value: Any) -> list[str]:
    """Return the names in all `{fact = "name"}` within a value."""
    if isinstance(value, list):
        return [name for one in value for name in list_cited(one)]
    if not isinstance(value, dict):
        return []
    if value.keys() == {"fact"}:
        return [str(value["fact"])]
    return [name for one in value.values() for name in list_cited(one)]


def _cite_values(table: dict[str, Any]) -> None:
    """Whoever takes a fact's value leans on the fact."""
    for one in _list_entries(table):
        cited = list_cited(one.get("when"))
        if cited and isinstance(one.setdefault("facts", []), list):
            one["facts"] += [name for name in cited if name not in one["facts"]]


def _mark_unchecked(table: dict[str, Any], known: dict[str, Any]) -> None:
    """Name the facts whose definition has changed since a person looked at it."""
    for one in _list_entries(table):
        changed = [
            name for name in one.get("facts", ())
            if isinstance(name, str) and has_changed(known.get(name, {}))
        ]  # fmt: skip
        one["unchecked"] = changed


def has_changed(fact: dict[str, Any]) -> bool:
    """Return whether a fact stands in another definition than the one a person looked at."""
    return bool(fact.get("hash") != fact.get("looked_at"))


class _Compiled(Struct):
    stamp: str
    engines: dict[str, Engine]


def _read_cached(path: Path, stamp: str) -> dict[str, Engine] | None:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Compiled)
    except (OSError, msgspec.MsgspecError):
        return None  # absent, or cut off while it was written
    return found.engines if found.stamp == stamp else None


def _dump(engines: dict[str, Engine], stamp: str) -> bytes:
    return msgspec.json.encode(_Compiled(stamp, engines))
