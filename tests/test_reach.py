"""No module of the package is there for tests alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pytest

from famtree.cli.app import COMMANDS

SOURCE = Path(__file__).parents[1] / "src" / "famtree"
MODULES = sorted(SOURCE.rglob("*.py"))
ENTRIES = (
    "famtree",
    "famtree.__main__",
    "famtree.api",
    "famtree.session",
    *(f"famtree.cli.{name}" for name in COMMANDS),
)
"""What users import or run: the package, `python -m famtree`, and the commands it loads by name."""


def _list_named_in_data() -> set[str]:
    """Return the modules of `packings` that its layouts name, which are loaded by that name."""
    text = (SOURCE / "packings" / "data" / "packings.json").read_text(encoding="utf-8")
    return {f"famtree.packings.{name}" for name in re.findall(r'"([a-z_]+)\.[a-z_]+"', text)}


def _name_module(path: Path) -> str:
    parts = ("famtree", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def find_imports(name: str, tree: ast.Module, known: Collection[str]) -> set[str]:
    """Return the modules of `known` that module `name` imports, at its top or anywhere inside.

    Imports for the type checker alone do not count: they load nothing. A module that is named in a
    text is loaded by that name: in full, or as `module:function` of its own package.
    """
    package = name.rpartition(".")[0]
    unloaded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for part in node.body
        for inner in ast.walk(part)
    }
    named: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in unloaded:
            continue
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            module, colon, _ = node.value.partition(":")
            named |= {module, f"{package}.{module}" if colon else ""}
    return named & set(known)


def find_unreached(modules: Mapping[str, ast.Module], entries: Iterable[str]) -> list[str]:
    """Return the modules that have code and that no import leads to from `entries`."""
    reached: set[str] = set()
    waiting = [name for name in entries if name in modules]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += find_imports(name, modules[name], modules)
    return sorted(name for name in modules.keys() - reached if modules[name].body)


def test_no_module_is_reached_by_tests_alone() -> None:
    modules = {_name_module(path): ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
    assert set(ENTRIES) <= modules.keys()
    assert find_unreached(modules, {*ENTRIES, *_list_named_in_data()}) == []


@pytest.mark.parametrize(
    ("code", "unreached"),
    [
        ("from famtree.b import f", []),
        ("def g():\n    from famtree import b", []),
        ("LAZY = {'f': 'famtree.b'}", []),
        ("LAZY = {'f': 'b:f'}", []),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import famtree.b",
         ["famtree.b"]),
        ("import json", ["famtree.b"]),
    ],
)  # fmt: skip
def test_unreached_modules_are_found(code: str, unreached: list[str]) -> None:
    texts = {"famtree": "", "famtree.a": code, "famtree.b": "f = 1"}
    modules = {name: ast.parse(text) for name, text in texts.items()}
    assert find_unreached(modules, ["famtree.a"]) == unreached
