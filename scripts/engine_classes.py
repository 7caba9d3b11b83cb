"""Which model classes an engine registers, and what stands above each of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

Row = dict[str, Any]
DEPTH = 24
"""Steps of inheritance and of names imported from a module that imported them."""


class Module(NamedTuple):
    """What one module defines and where its other names come from."""

    classes: dict[str, ast.ClassDef]
    imported: dict[str, tuple[str, str]]
    """Name here -> (module, name there)."""


class Classes:
    """The classes of one unpacked package, each module read once."""

    def __init__(self, root: Path) -> None:
        """`root` is the folder that holds the package."""
        self.root = root
        self.read = cache(self._read)

    def list_registered(self, row: Row) -> Iterator[tuple[str, str, str]]:
        """Yield (registered name, module, class) of every entry of the row's registry."""
        if "entry" in row:
            yield from self._list_entries(row)
            return
        tree = ast.parse((self.root / row["file"]).read_text(encoding="utf-8"))
        package = row.get("package", "")
        for node in ast.walk(tree):
            named = node.targets[0] if isinstance(node, ast.Assign) else getattr(
                node, "target", None)  # fmt: skip
            value = getattr(node, "value", None)
            if not isinstance(named, ast.Name) or named.id not in row["names"]:
                continue
            for one in ast.walk(value) if value is not None else ():
                if isinstance(one, ast.Dict):
                    for key, held in zip(one.keys, one.values, strict=True):
                        yield from _read_item(key, held, package)

    def _list_entries(self, row: Row) -> Iterator[tuple[str, str, str]]:
        """Modules that name their classes themselves (`EntryClass = [A, B]`), or all (`*`)."""
        for path in sorted(self.root.glob(row["file"])):
            module = ".".join(path.relative_to(self.root).with_suffix("").parts)
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if row["entry"] == "*" and isinstance(node, ast.ClassDef):
                    yield node.name, module, node.name
                elif isinstance(node, ast.Assign) and any(
                    isinstance(one, ast.Name) and one.id == row["entry"] for one in node.targets
                ):
                    for one in ast.walk(node.value):
                        if isinstance(one, ast.Name):
                            yield one.id, module, one.id

    def has(self, module: str, kind: str, row: Row) -> bool:
        """Return whether a class has the row's base, method or true attribute; all without one."""
        wanted = [key for key in ("base", "method", "attribute") if key in row]
        if not wanted:
            return True
        shown = (_shows(node, row) for node in self.list_above(module, kind))
        return next((one for one in shown if one is not None), False)

    def list_above(self, module: str, kind: str, depth: int = 0) -> Iterator[ast.ClassDef]:
        """Yield a class and all above it, as far as their source is in the package."""
        if depth > DEPTH:
            return
        held = self.read(module)
        node = held.classes.get(kind)
        if node is None:
            if kind in held.imported:
                yield from self.list_above(*held.imported[kind], depth + 1)
            return
        yield node
        for base in node.bases:
            if isinstance(base, ast.Subscript):
                base = base.value
            if isinstance(base, ast.Name):
                yield from self.list_above(module, base.id, depth + 1)
            elif isinstance(base, ast.Attribute) and isinstance(base.value, ast.Name):
                there = held.imported.get(base.value.id)
                if there is not None:
                    yield from self.list_above(".".join(filter(None, there)), base.attr, depth + 1)

    def _read(self, module: str) -> Module:
        stem = self.root.joinpath(*module.split("."))
        path = stem.with_suffix(".py")
        package = module.rpartition(".")[0]
        if not path.is_file():
            path, package = stem / "__init__.py", module
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (OSError, SyntaxError):
            return Module({}, {})
        found = Module({}, {})
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found.classes.setdefault(node.name, node)
            elif isinstance(node, ast.ImportFrom):
                parts = package.split(".")
                above = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
                origin = ".".join(filter(None, (above, node.module)))
                for one in node.names:
                    found.imported[one.asname or one.name] = (origin, one.name)
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        found.imported.setdefault(target.id, (module, node.value.id))
        return found


def _read_item(key: Any, value: Any, package: str) -> Iterator[tuple[str, str, str]]:
    """`"Name": ("module", "Class")`, or `"Name": "package.module.Class"`."""
    if not isinstance(key, ast.Constant):
        return
    name = str(key.value)
    if isinstance(value, ast.Tuple) and len(value.elts) >= 2:
        module, kind = (str(getattr(one, "value", "")) for one in value.elts[:2])
        yield name, module if "." in module else f"{package}.{module}", kind
    elif isinstance(value, ast.Constant):
        yield name, package, str(value.value)


def _shows(node: ast.ClassDef, row: Row) -> bool | None:
    """None where the class itself does not tell, and what is above it is asked."""
    names = {one.id if isinstance(one, ast.Name) else getattr(one, "attr", "")
             for one in node.bases}  # fmt: skip
    if "base" in row and (row["base"] in names or node.name == row["base"]):
        return True
    for one in node.body:
        if isinstance(one, ast.FunctionDef) and one.name == row.get("method"):
            return True
        named = one.target if isinstance(one, ast.AnnAssign) else (
            one.targets[0] if isinstance(one, ast.Assign) else None)  # fmt: skip
        value = getattr(one, "value", None)
        if isinstance(named, ast.Name) and named.id == row.get("attribute"):
            return isinstance(value, ast.Constant) and value.value is True
    return None
