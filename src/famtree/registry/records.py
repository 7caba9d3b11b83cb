"""What programs recorded of published checkpoints: `records/KEY.json` beside the family's TOML.

Digests, sketches of vocabularies and the traits of exemplars are long, and nobody writes them by
hand (`scripts/update_records.py` does). A file names the tokenizers and exemplars of its family;
the two are laid together before either is validated. A family without such a file states them
itself, or has none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

FOLDER = "records"
SCHEMA = "famtree/records/1"
PARTS = {
    "tokenizer": (
        "files", "kind", "entries", "base_entries", "vocabulary", "merges", "merges_sorted",
        "added", "added_count", "pre_tokenizer", "sketch",
    ),
    "exemplar": ("digests", "traits"),
}  # fmt: skip
"""Table of the family's file -> its fields that a program records."""
NAMES = {"tokenizer": "name", "exemplar": "repo"}
"""Table of the family's file -> the field that tells its entries apart."""

FieldPath = tuple[str | int, ...]


class Records(Struct, forbid_unknown_fields=True):
    """One file; entries by name, see `name_entries`."""

    schema: Literal["famtree/records/1"]
    family: str
    tokenizer: dict[str, dict[str, Any]] = {}
    exemplar: dict[str, dict[str, Any]] = {}


def name_file(key: str) -> str:
    """Return the name of a family's records, as they stand in a registry folder."""
    return f"{FOLDER}/{key}.json"


def is_records(name: str) -> bool:
    """True for the name of a file of records."""
    return name.startswith(f"{FOLDER}/")


def name_entries(kind: str, entries: Iterable[Any]) -> list[str]:
    """Return a name for each entry of a table, the second of one name with ` (2)` behind it."""
    met: Counter[str] = Counter()
    names = []
    for one in entries:
        name = str(one.get(NAMES[kind], "")) if isinstance(one, Mapping) else ""
        met[name] += 1
        names.append(name if met[name] == 1 else f"{name} ({met[name]})")
    return names


def read_records(data: bytes) -> Records:
    """Return one file, parsed. Raises ValueError saying what is wrong with it."""
    try:
        return msgspec.json.decode(data, type=Records)
    except msgspec.MsgspecError as fault:
        raise ValueError(str(fault)) from fault


def join_records(table: dict[str, Any], records: Records) -> tuple[dict[FieldPath, str], list[str]]:
    """Lay `records` into the table of a family's file.

    Returns which entry of the records each field is of, by its path in the table; and what does not
    fit: entries that the family's file has not, fields that stand in both or are not recorded.
    """
    origins: dict[FieldPath, str] = {}
    faults = []
    if records.family != table.get("key"):
        faults.append(f"they are of family {records.family!r}")
    for kind, fields in PARTS.items():
        recorded: dict[str, dict[str, Any]] = dict(getattr(records, kind))
        listed = table.get(kind, [])
        entries = listed if isinstance(listed, list) else []
        for at, name in enumerate(name_entries(kind, entries)):
            if not isinstance(entries[at], dict):
                continue
            for field, value in recorded.pop(name, {}).items():
                where = f"{kind} {name!r}"
                if field not in fields:
                    faults.append(f"{where}: {field}: is not recorded but stated")
                elif field in entries[at]:
                    faults.append(f"{where}: {field}: stands in the family's file too")
                else:
                    entries[at][field] = value
                    origins[kind, at, field] = where
        faults += [f"{kind} {name!r}: the family's file has none of this name" for name in recorded]
    return origins, faults
