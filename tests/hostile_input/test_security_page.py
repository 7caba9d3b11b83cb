"""docs/security.md names constants that exist, with the values they have."""

from __future__ import annotations

import re
from importlib import import_module

from conftest import ROOT

ROW = re.compile(r"^\| `([\w.]+)\.([A-Z_]+)` \| ([^|]+) \|", re.MULTILINE)


def test_bounds_are_those_of_the_code() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    rows = ROW.findall(text)
    assert len(rows) > 30
    for module, name, told in rows:
        assert told == show(getattr(import_module(f"famtree.{module}"), name)), name


def show(value: float) -> str:
    value = int(value)
    for unit, size in (("MiB", 1 << 20), ("KiB", 1 << 18)):
        if value % size == 0:
            return f"{value // (size if unit == 'MiB' else 1 << 10)} {unit}"
    return f"{value:,}"
