"""Bring the registry files into the form they are kept in; run it after one was added or edited.

What a program recorded (traits and digests of exemplars, digests and sketches of tokenizers) moves
from the families' files to `records/KEY.json`, where the digests of exemplars are made anew of
their traits; conditions that all rules of a generation state move to its `[generation.common]`.
Nothing changes its meaning: that is compared.

    python scripts/update_records.py [--folder DIR]
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec
from family_text import join_blocks, leave_out_records, share_conditions, split_blocks

from famtree.fingerprints.from_traits import fingerprint_traits
from famtree.registry.load import DATA
from famtree.registry.parse import (
    GENERIC,
    expand_conditions,
    flatten_conditions,
    inherit_conditions,
    validate,
)
from famtree.registry.records import (
    FOLDER,
    PARTS,
    SCHEMA,
    join_records,
    name_entries,
    name_file,
    read_records,
)
from famtree.types.family import Family


def tidy_family(text: str, recorded: bytes | None) -> tuple[str, bytes | None]:
    """Return file and records of one family in the form they are kept in.

    Raises ValueError where the meaning would not stay.
    """
    table = _join(text, recorded)
    records = {
        kind: {
            name: {field: entry[field] for field in fields if field in entry}
            for name, entry in zip(
                name_entries(kind, table.get(kind, [])), table.get(kind, []), strict=True
            )
        }
        for kind, fields in PARTS.items()
    }
    kept = {kind: {name: one for name, one in records[kind].items() if one} for kind in PARTS}
    written = {"schema": SCHEMA, "family": table["key"], **kept}
    data = (json.dumps(written, indent=1, ensure_ascii=False) + "\n").encode()
    tidy = join_blocks(share_conditions(leave_out_records(split_blocks(text))))
    beside = data if any(kept.values()) else None
    if _mean(_join(tidy, beside)) != _mean(table):
        raise ValueError(f"{table['key']}.toml would mean something else")
    return tidy, beside


def _join(text: str, recorded: bytes | None) -> dict[str, Any]:
    """Return the table of a family with its records; what its file states itself is the newer."""
    table = tomllib.loads(text)
    if recorded is not None:
        records = read_records(recorded)
        for kind in PARTS:
            entries = table.get(kind, [])
            known = dict(zip(name_entries(kind, entries), entries, strict=True))
            held: dict[str, dict[str, Any]] = getattr(records, kind)
            for name in list(held):
                if name not in known:
                    del held[name]
                    continue
                for field in held[name].keys() & known[name].keys():
                    del held[name][field]
        if unfit := join_records(table, records)[1]:
            raise ValueError(f"{name_file(table['key'])}: {unfit[0]}")
    for exemplar in table.get("exemplar", []):
        exemplar["traits"] = {
            name: condition.get("equals", condition)
            for name, condition in flatten_conditions(exemplar["traits"])
        }
        made = fingerprint_traits(exemplar["traits"])
        exemplar["digests"] = {
            **exemplar.get("digests", {}),
            "architecture": made.architecture.digest,
            "recipe": made.recipe.digest,
        }
    return table


def _mean(table: dict[str, Any]) -> str:
    """Return the family as text that is equal for equal ones."""
    family: Family = validate(Family, expand_conditions(table))
    if twice := list(inherit_conditions(family)):
        raise ValueError(f"{family.key}.toml: {twice[0]}")
    whole = msgspec.to_builtins(family)
    for generation in whole["generation"]:
        generation.pop("common", None)
    return json.dumps(whole, sort_keys=True)


def main() -> int:
    """Rewrite what is not in form, and say what was."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=DATA)
    folder: Path = parser.parse_args().folder
    (folder / FOLDER).mkdir(exist_ok=True)
    for path in sorted(folder.glob("*.toml")):
        if path.name == GENERIC:
            continue
        beside = folder / name_file(path.stem)
        text, recorded = path.read_text("utf-8"), None
        if beside.exists():
            recorded = beside.read_bytes()
        try:
            tidy, kept = tidy_family(text, recorded)
        except ValueError as fault:
            print(f"{path.name}: {fault}", file=sys.stderr)
            return 1
        if (tidy, kept) != (text, recorded):
            path.write_text(tidy, encoding="utf-8")
            beside.write_bytes(kept) if kept else beside.unlink(missing_ok=True)
            print(f"{path.name}: {len(text):,} -> {len(tidy):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
