"""The registry as one JSON file: parsing the TOML files takes several times longer.

The wheel carries `registry/compiled.json`, written by the build hook and used when its digest is
that of the TOML files at hand. What was loaded once is remembered under the user's cache folder,
by the files' names, sizes and times, so that the next run need not read them to trust it.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from famtree.files import PACKAGE
from famtree.registry.registry import Registry
from famtree.types.family import (
    Condition,
    Exemplar,
    ExemplarParent,
    Family,
    Generation,
    GenericTraits,
    GroupPolicy,
    KnownTokenizer,
    ParentLink,
    Rule,
    Size,
    TraitPolicy,
)

PACKAGED = PACKAGE / "registry/compiled.json"
FORMAT = 4
"""Raised when the compiled form changes, so that one of an older famtree is not used."""


def read_packaged(digest: str) -> Registry | None:
    """Return the compiled registry of the wheel if it is of exactly these contents."""
    return _read(PACKAGED, digest)


def read_cached(stamp: str) -> Registry | None:
    """Return the compiled registry remembered for files with this stamp, or None."""
    return _read(cached_path(stamp), stamp)


def _read(path: Path, key: str) -> Registry | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    # The key stands first, so that a stale file costs one comparison.
    if not data.startswith(b'{"digest":"' + key.encode() + b'"'):
        return None
    try:
        return _revive(msgspec.json.decode(data))
    except (msgspec.MsgspecError, ValueError, LookupError, TypeError):
        return None  # cut off while it was written


def dump_compiled(registry: Registry, digest: str) -> bytes:
    """Serialise a validated registry; equal conditions are stored once."""
    conditions: dict[str, int] = {}
    families = []
    for family in registry.families:
        # Empty lists are kept: filling them in by a default factory is what costs time later.
        table = family.model_dump(mode="json", exclude_none=True, by_alias=False)
        for generation in table["generations"]:
            for rule in generation["rules"]:
                rule["when"] = {
                    name: conditions.setdefault(json.dumps(_operator(condition)), len(conditions))
                    for name, condition in rule["when"].items()
                }
        families.append(table)
    document = {
        "digest": digest,
        "generic": registry.generic.model_dump(mode="json", by_alias=True),
        "conditions": [json.loads(text) for text in conditions],
        "families": families,
    }
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _operator(condition: dict[str, Any]) -> list[Any]:
    return next([name, value] for name, value in condition.items() if value is not None)


def _revive(document: dict[str, Any]) -> Registry:
    """Build the entries without validating again what was validated before it was stored."""
    conditions = [revive_condition(name, value) for name, value in document["conditions"]]
    return Registry(
        families=tuple(_revive_family(table, conditions) for table in document["families"]),
        generic=_revive_generic(document["generic"]),
    )


def revive_condition(operator: str, value: Any) -> Condition:
    """Return the condition stored as its one operator and operand."""
    operand: dict[str, Any] = {operator: tuple(value) if isinstance(value, list) else value}
    return Condition(**operand)


def _revive_generic(table: dict[str, Any]) -> GenericTraits:
    return GenericTraits.model_construct(
        schema_=table["schema"],
        traits={name: TraitPolicy.model_construct(**one) for name, one in table["traits"].items()},
        groups={name: GroupPolicy.model_construct(**one) for name, one in table["groups"].items()},
        population=table["population"],
        wrappers=table["wrappers"],
    )


def _revive_family(table: dict[str, Any], conditions: list[Condition]) -> Family:
    for generation in table["generations"]:
        for rule in generation["rules"]:
            rule["when"] = {name: conditions[at] for name, at in rule["when"].items()}
        generation["rules"] = [Rule.model_construct(**rule) for rule in generation["rules"]]
        generation["sizes"] = [Size.model_construct(**size) for size in generation["sizes"]]
        generation["parents"] = [
            ParentLink.model_construct(**link) for link in generation["parents"]
        ]
    table["generations"] = [Generation.model_construct(**one) for one in table["generations"]]
    table["tokenizers"] = [KnownTokenizer.model_construct(**one) for one in table["tokenizers"]]
    for exemplar in table["exemplars"]:
        exemplar["parents"] = [
            ExemplarParent.model_construct(**parent) for parent in exemplar["parents"]
        ]
    table["exemplars"] = [Exemplar.model_construct(**one) for one in table["exemplars"]]
    return Family.model_construct(**table)


def cached_path(digest: str, kind: str = "registry") -> Path:
    """Return where a checkout's own compiled form lies (XDG cache folder)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "famtree" / f"{kind}-{digest[:16]}.json"


def write_cached(registry: Registry, digest: str) -> None:
    """Remember the compiled form for the next run; a folder that cannot be written is no fault."""
    write_cache_file(cached_path(digest), dump_compiled(registry, digest))


def write_cache_file(path: Path, data: bytes) -> None:
    """Write `data` at once or not at all; a folder that cannot be written is no fault."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        # A name of its own: processes that start together all write.
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
