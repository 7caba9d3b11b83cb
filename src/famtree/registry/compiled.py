"""The registry as one JSON file: parsing the TOML files takes several times longer.

The wheel carries `registry/compiled.json`, written by the build hook and used when its digest is
that of the TOML files at hand. What was loaded once is remembered under the user's cache folder,
by the files' names, sizes and times, so that the next run need not read them to trust it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from famtree.files import PACKAGE
from famtree.registry.installed import find_cache_folder
from famtree.registry.registry import Registry
from famtree.types.family import Condition, Family, GenericTraits, Rule

PACKAGED = PACKAGE / "registry/compiled.json"
FORMAT = 9
"""Raised when the compiled form changes, so that one of an older famtree is not used."""


def read_packaged(digest: str, stamp: str) -> Registry | None:
    """Return the compiled registry of the wheel if it is of exactly these contents.

    It is remembered for files with this stamp as it is, under the other key.
    """
    registry = _read(PACKAGED, digest)
    if registry is not None:
        with contextlib.suppress(OSError):
            data = PACKAGED.read_bytes()
            write_cache_file(cached_path(stamp), data.replace(digest.encode(), stamp.encode(), 1))
    return registry


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
        return _restore(msgspec.json.decode(data, type=_Compiled))
    except (msgspec.MsgspecError, LookupError):
        return None  # cut off while it was written


class _Compiled(Struct):
    """The file: entries as they are, but for conditions, of which equal ones are stored once."""

    digest: str
    """The key: of the sources, or a stamp of them."""
    contents: str
    generic: GenericTraits
    conditions: list[Condition]
    whens: list[dict[str, int]]
    """Trait -> number of its condition, of every rule in the order of the families."""
    families: tuple[Family, ...]


def dump_compiled(registry: Registry, digest: str) -> bytes:
    """Serialise a validated registry."""
    numbers: dict[bytes, int] = {}
    whens = []
    for rule in _walk_rules(registry.families):
        texts = {name: msgspec.json.encode(condition) for name, condition in rule.when.items()}
        whens.append({name: numbers.setdefault(one, len(numbers)) for name, one in texts.items()})
    document = {
        "digest": digest,
        "contents": registry.digest,
        "generic": registry.generic,
        "conditions": [Raw(text) for text in numbers],
        "whens": whens,
        "families": [_leave_out(family) for family in registry.families],
    }
    return msgspec.json.encode(document)


def _leave_out(family: Family) -> Family:
    """Return the family with rules that have no conditions."""
    generations = [
        replace(one, rules=[replace(rule, when={}) for rule in one.rules])
        for one in family.generations
    ]
    return replace(family, generations=generations)


def _restore(found: _Compiled) -> Registry:
    """Give every rule its conditions; those that are equal are one object."""
    for rule, when in zip(_walk_rules(found.families), found.whens, strict=True):
        rule.when.update({name: found.conditions[number] for name, number in when.items()})
    return Registry(families=found.families, generic=found.generic, digest=found.contents)


def _walk_rules(families: Iterable[Family]) -> Iterator[Rule]:
    for family in families:
        for generation in family.generations:
            yield from generation.rules


def cached_path(digest: str, kind: str = "registry") -> Path:
    """Return where a checkout's own compiled form lies (XDG cache folder)."""
    return find_cache_folder() / f"{kind}-{digest[:16]}.json"


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
