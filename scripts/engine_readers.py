"""How a fact is read from an engine's source: Python by its syntax tree, other text by patterns.

Nothing is imported. A reader takes the folder of the source and its row of `engine_facts.toml`, and
returns what was found with the place it stands in.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from engine_classes import Classes

Row = dict[str, Any]
Found = dict[str, Any]
"""value, file, line, in (the definition it stands in), hash (of that definition)."""


class FactError(Exception):
    """A fact is not where its row says."""


@lru_cache(maxsize=512)
def parse(path: Path) -> ast.Module:
    """Return the syntax tree of a file; raises FactError where there is none."""
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError) as fault:
        raise FactError(f"{path.name}: {fault}") from fault


def hash_tree(node: ast.AST) -> str:
    """Return 16 hex digits over what a definition does: layout and comments left out."""
    return sha256(ast.dump(node).encode()).hexdigest()[:16]


def hash_text(text: str) -> str:
    """Return 16 hex digits over words: layout left out."""
    return sha256(" ".join(text.split()).encode()).hexdigest()[:16]


def find_node(tree: ast.Module, name: str) -> ast.AST:
    """Return the definition or assignment called `name` (`Class.method`, `Class.attribute`)."""
    scope: Any = tree
    for part in name.split("."):
        named = [one for one in _walk_scope(scope) if part in _list_names(one)]
        if not named:
            raise FactError(f"no {name}")
        scope = named[0]
    return scope  # type: ignore[no-any-return]


def _walk_scope(scope: Any) -> Iterator[ast.AST]:
    for node in getattr(scope, "body", ()):
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from _walk_scope(node)


def _list_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [one.id for one in targets if isinstance(one, ast.Name)]


def place(row: Row, node: ast.AST, value: Any = None) -> Found:
    """Return a fact of Python with its place."""
    return {
        "value": value, "file": row["file"], "line": getattr(node, "lineno", 1),
        "in": row.get("name", ""), "hash": hash_tree(node),
    }  # fmt: skip


def read_function(root: Path, row: Row) -> Found:
    """No value: what a rule leans on is what the function does, and its hash stands for that."""
    return place(row, find_node(parse(root / row["file"]), row["name"]))


def read_literal(root: Path, row: Row) -> Found:
    """Constants an assignment leads to: items of a Literal or list, keys of a dict or of dict()."""
    tree = parse(root / row["file"])
    node = find_node(tree, row["name"])
    return place(row, node, list(_list_constants(tree, getattr(node, "value", node), set())))


def _list_constants(tree: ast.Module, node: Any, seen: set[str]) -> Iterator[Any]:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str | int | float):
            yield node.value
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield from (-one for one in _list_constants(tree, node.operand, seen))
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            yield from _list_constants(tree, value if key is None else key, seen)
    elif isinstance(node, ast.Call):
        yield from (one.arg for one in node.keywords if one.arg)
        for inner in (*node.args, *(one.value for one in node.keywords if one.arg is None)):
            yield from _list_constants(tree, inner, seen)
    elif isinstance(node, ast.Tuple) and all(isinstance(one, ast.Constant) for one in node.elts):
        values = [one.value for one in node.elts if isinstance(one, ast.Constant)]
        yield from [values] if len({type(one) for one in values}) > 1 else values
    elif isinstance(node, ast.Name):
        if node.id not in seen:
            seen.add(node.id)
            for named in _walk_scope(tree):
                if node.id in _list_names(named):
                    yield from _list_constants(tree, getattr(named, "value", None), seen)
    elif isinstance(node, ast.AST):
        for child in ast.iter_child_nodes(node):
            yield from _list_constants(tree, child, seen)


def read_constants(root: Path, row: Row) -> Found:
    """Words and numbers a function holds, its docstring left out."""
    node = find_node(parse(root / row["file"]), row["name"])
    body = getattr(node, "body", [])
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    fits = re.compile(row.get("pattern", ".+"))
    held = [
        inner.value
        for one in body
        for inner in ast.walk(one)
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str | int)
        and not isinstance(inner.value, bool) and fits.fullmatch(str(inner.value))
    ]  # fmt: skip
    return place(row, node, list(dict.fromkeys(held)))


def read_fields(root: Path, row: Row) -> Found:
    """Names of a dataclass's fields, in order."""
    node = find_node(parse(root / row["file"]), row["name"])
    names = [one.target.id for one in getattr(node, "body", ())
             if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)]  # fmt: skip
    return place(row, node, names)


def read_returns(root: Path, row: Row) -> Found:
    """Class -> the constant its method returns, over the files of a glob."""
    value: dict[str, Any] = {}
    dumps: list[str] = []
    for path in sorted(root.glob(row["file"])):
        for node in ast.walk(parse(path)):
            if not isinstance(node, ast.ClassDef):
                continue
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name == row["name"]:
                    told = [
                        one.value.value
                        for one in ast.walk(method)
                        if isinstance(one, ast.Return) and isinstance(one.value, ast.Constant)
                    ]
                    dumps.append(hash_tree(method))
                    if told:
                        value[node.name] = told[0] if len(told) == 1 else told
    if not value:
        raise FactError(f"nothing in {row['file']} returns from {row['name']}")
    return {"value": value, "file": row["file"], "line": 1, "in": row["name"],
            "hash": hash_text(" ".join(dumps))}  # fmt: skip


def read_registry(root: Path, row: Row) -> Found:
    """Keys of the dicts called `names`, in order of the alphabet."""
    tree = parse(root / row["file"])
    nodes = [find_node(tree, name) for name in row["names"]]
    keys = {key for node in nodes
            for key in _list_constants(tree, getattr(node, "value", node), set())
            if isinstance(key, str)} if row.get("deep") else {
        key for node in nodes for key in _list_keys(getattr(node, "value", node))}  # fmt: skip
    return {**place(row, nodes[0], sorted(keys)), "in": ", ".join(row["names"])}


def _list_keys(node: Any) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Dict):
            yield from (str(key.value) for key in inner.keys if isinstance(key, ast.Constant))


def read_mapping(root: Path, row: Row) -> Found:
    """A dict of constants, as it is."""
    node = find_node(parse(root / row["file"]), row["name"])
    held = next((one for one in ast.walk(node) if isinstance(one, ast.Dict)), None)
    if held is None:
        raise FactError(f"{row['name']} holds no dict")
    pairs = [(key.value, value.value) for key, value in zip(held.keys, held.values, strict=True)
             if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)]  # fmt: skip
    return place(row, node, dict(pairs))


def read_pairs(root: Path, row: Row) -> Found:
    """(key, value) tuples of an OrderedDict or list of pairs, values that are names alone."""
    tree = parse(root / row["file"])
    value: dict[str, list[str]] = {}
    nodes = [find_node(tree, name) for name in row["names"]]
    for node in nodes:
        for one in ast.walk(node):
            pair = one.elts if isinstance(one, ast.Tuple) and len(one.elts) == 2 else []
            if pair and isinstance(pair[0], ast.Constant) and isinstance(pair[0].value, str):
                held = [str(inner.value) for inner in ast.walk(pair[1])
                        if isinstance(inner, ast.Constant)]  # fmt: skip
                value.setdefault(pair[0].value, []).extend(held)
    flat = row.get("of")
    shown: Any = {key: sorted(set(held)) for key, held in sorted(value.items())}
    if flat == "keys":
        shown = sorted(value)
    elif flat == "values":
        shown = sorted({one for held in value.values() for one in held})
    return {**place(row, nodes[0], shown), "in": ", ".join(row["names"])}


def read_classes(root: Path, row: Row) -> Found:
    """Keys of the registries whose class has `base` above it (`inherits`) or a `method`."""
    return _read_capability(row, _open_classes(root))


@lru_cache(maxsize=2)
def _open_classes(root: Path) -> Classes:
    return Classes(root)


def _read_capability(row: Row, classes: Classes) -> Found:
    listed = list(classes.list_registered(row))
    held = [name for name, module, kind in listed if classes.has(module, kind, row)]
    if not listed:
        raise FactError(f"{row['file']} registers nothing")
    words = f"{row.get('base', row.get('method'))}: {' '.join(sorted(held))}"
    return {"value": sorted(set(held)), "file": row["file"], "line": 1,
            "in": row.get("base") or row.get("method") or "", "hash": hash_text(words)}  # fmt: skip


def read_pattern(root: Path, row: Row) -> Found:
    """What a pattern's first group matches over the files of a glob, within `begin` and `end`."""
    found: list[str] = []
    first: tuple[str, int] | None = None
    texts: list[str] = []
    for path in sorted(root.glob(row["file"])):
        text = path.read_text(encoding="utf-8", errors="replace")
        if "begin" in row:
            start = re.search(row["begin"], text, re.MULTILINE)
            if start is None:
                continue
            stop = re.compile(row.get("end", r"^}"), re.MULTILINE).search(text, start.end())
            before, text = start.start(), text[start.start() : stop.end() if stop else None]
        else:
            before = 0
        for match in re.finditer(row["pattern"], text, re.MULTILINE):
            found.append(match[1] if match.re.groups else match[0])
            whole = path.read_text(encoding="utf-8", errors="replace")
            first = first or (
                str(path.relative_to(root)), whole.count("\n", 0, before + match.start()) + 1,
            )  # fmt: skip
            if "begin" not in row:
                texts.append(match[0])
        if "begin" in row:
            texts.append(text)
    if first is None:
        raise FactError(f"{row['pattern']!r} is nowhere in {row['file']}")
    kept = sorted(set(found)) if row.get("sorted") else list(dict.fromkeys(found))
    numbers = [int(one) for one in kept] if row.get("numbers") else kept
    return {"value": numbers, "file": first[0], "line": first[1],
            "in": row.get("begin", row["pattern"]), "hash": hash_text(" ".join(texts))}  # fmt: skip


def read_files(root: Path, row: Row) -> Found:
    """Names of the modules of a glob whose text has a pattern."""
    fits = re.compile(row["pattern"], re.MULTILINE)
    held = [path for path in sorted(root.glob(row["file"]))
            if fits.search(path.read_text(encoding="utf-8"))]  # fmt: skip
    if not held:
        raise FactError(f"{row['pattern']!r} is in none of {row['file']}")
    names = [path.stem for path in held]
    return {"value": names, "file": row["file"], "line": 1, "in": row["pattern"],
            "hash": hash_text(" ".join(names))}  # fmt: skip


READERS: dict[str, Callable[[Path, Row], Found]] = {
    "function": read_function, "literal": read_literal, "constants": read_constants,
    "fields": read_fields, "returns": read_returns, "registry": read_registry,
    "mapping": read_mapping, "pairs": read_pairs, "classes": read_classes,
    "pattern": read_pattern, "files": read_files,
}  # fmt: skip
"""`read` of a row -> its reader."""
