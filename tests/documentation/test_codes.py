"""docs/warnings.md explains every code that the source can tell."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from documentation.world import ROOT
from famtree.errors import FamtreeError

PAGE = (ROOT / "docs" / "warnings.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "src" / "famtree"
TELLERS = {"add_notice", "_note", "Check"}
"""Functions whose first argument that is a word is a code."""
LISTED = ("sources/", "checkpoint/examine.py", "comparison/compare.py")
"""Where codes and messages are pairs, before they are made warnings."""
NO_CODES = {
    "policy/conditions.py": "names conditions",
    "sources/hub_answer.py": "reads codes of the Hub",
}
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")


def _read_words(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from (*_read_words(node.body), *_read_words(node.orelse))
    elif isinstance(node, ast.Constant) and _WORD.fullmatch(str(node.value)):
        yield str(node.value)


def _list_codes(name: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "code":
            yield from _read_words(node.value)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            named = {one.id.lower() for one in targets if isinstance(one, ast.Name)}
            if "code" in named and node.value is not None:
                yield from _read_words(node.value)
        elif isinstance(node, ast.FunctionDef) and node.name == "_code":
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and inner.value is not None:
                    yield from _read_words(inner.value)
        elif isinstance(node, ast.Call):
            called = node.func
            word = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if word in TELLERS:
                yield from [code for one in node.args for code in _read_words(one)][:1]
        elif isinstance(node, ast.Tuple) and name.startswith(LISTED) and len(node.elts) == 2:
            told = isinstance(node.elts[1], ast.JoinedStr | ast.Name)
            yield from (code for code in _read_words(node.elts[0]) if told and "-" in code)


def list_codes() -> set[str]:
    """Return every code that is written in the source."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if name not in NO_CODES:
            found |= set(_list_codes(name, ast.parse(path.read_text(encoding="utf-8"))))
    return found


def test_every_code_is_explained() -> None:
    explained = {
        code
        for line in PAGE.splitlines()
        if line.startswith("| `")
        for code in re.findall(r"`([^`]+)`", line.split("|")[1])
    }
    found = list_codes()
    # A list that finds next to nothing would hold anything.
    assert len(found) > 60
    assert {"parent-gated", "hub-unreachable", "same-tower", "bad-header", "cycle"} <= found
    assert found - explained == set()


def test_no_code_is_explained_that_there_is_not() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    for line in PAGE.splitlines():
        if line.startswith("| `"):
            for code in re.findall(r"`([^`]+)`", line.split("|")[1]):
                assert f'"{code}"' in source or code.startswith("gguf-"), code


def test_exit_codes_are_those_of_the_errors() -> None:
    shown = dict(re.findall(r"^\| (`[^|]+) \| (\d+) \|", PAGE, re.MULTILINE))
    codes = {
        code: int(exit) for cell, exit in shown.items() for code in re.findall(r"`([^`]+)`", cell)
    }
    kinds = [FamtreeError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    assert {kind.code: kind.exit_code for kind in kinds}.items() <= codes.items()
