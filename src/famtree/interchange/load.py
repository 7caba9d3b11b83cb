"""Engine files -> `Engine` models, by key; every fault of every file is reported at once.

Parsing the TOML takes longer than all the rest of a comparison, so the checked form is remembered
as JSON beside the registry's, under the names, sizes and times of the files.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Raw, Struct
from pydantic import ValidationError

from famtree.errors import RegistryError
from famtree.interchange.engine import Engine
from famtree.registry.compiled import cached_path, encode_entry, write_cache_file
from famtree.registry.load import (
    describe_faults,
    flatten_conditions,
    read_sources,
    stamp_sources,
    validate,
)

DATA = Path(__file__).parent / "data" / "engines"
FORMAT = 5
"""Raised when the remembered form changes, so that one of an older famtree is not used."""


def load_engines(folder: Path | None = None) -> dict[str, Engine]:
    """Return every engine of `folder` (default: those famtree ships) by key, in key order.

    Raises RegistryError listing all faults as `file:line: field: reason`.
    """
    stamp = stamp_sources(folder or DATA)
    path = cached_path(stamp, "engines")
    engines = _read_cached(path, f"{FORMAT} {stamp}")
    if engines is None:
        engines = build_engines(read_sources(folder or DATA))
        write_cache_file(path, _dump(engines, f"{FORMAT} {stamp}"))
    return engines


def build_engines(sources: dict[str, bytes]) -> dict[str, Engine]:
    """Parse and check every file, strictly.

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
        for rule in table.get("rule", ()):
            if isinstance(rule, dict) and isinstance(rule.get("when"), dict):
                rule["when"] = dict(flatten_conditions(rule["when"]))
        try:
            engine = validate(Engine, table)
        except ValidationError as fault:
            faults += describe_faults(name, text, fault)
            continue
        faults += check_engine(engine, name, text)
        engines[engine.key] = engine
    if faults:
        raise RegistryError(
            faults, where="the engine files", hint="see docs/add-an-engine.md for their form"
        )
    return dict(sorted(engines.items()))


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
    tables = {key: Raw(encode_entry(engine)) for key, engine in engines.items()}
    return msgspec.json.encode({"stamp": stamp, "engines": tables})
