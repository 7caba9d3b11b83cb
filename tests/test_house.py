"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "famtree"
MODULES = sorted(SOURCE.rglob("*.py"))
LONGEST_FILE = 400

# Names that are also ordinary words or terms of the trade, with the reason they may stand in code.
ALLOWED = {
    "aria": "attributes of HTML that screen readers read",
    "clip": "to cut short",
    "step": "one of several in a row",
    "param": "one parameter",
    "mamba": "kind of block, whoever trains it",
    "rwkv": "file format of a vocabulary (a trie)",
    "RWKV": "file format of a vocabulary (a trie)",
}
# Words of a file format, allowed only where that format is read.
ALLOWED_IN = {
    "fingerprints/gguf_vocabulary.py": {"bert", "llama", "rwkv", "t5"},
    "sources/gguf_header.py": {"llama"},  # llama.cpp, in hints
}


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_long() -> None:
    folders = ("src", "tests", "benchmarks", "scripts", "fixtures")
    long = {
        _name(path): lines
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    }
    assert long == {}


def _walk_family_names() -> Iterator[str]:
    for path in (SOURCE / "registry" / "data").glob("*.toml"):
        if path.name.startswith("_"):
            continue
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        for entry in [table, *table.get("generation", [])]:
            yield from (entry["key"], entry["name"])


def _walk_words(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield every identifier and every string constant that is not a docstring."""
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in docstrings:
                yield line, node.value
        elif isinstance(node, ast.Name):
            yield line, node.id
        elif isinstance(node, ast.Attribute):
            yield line, node.attr
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            yield line, node.name
        elif isinstance(node, ast.arg | ast.keyword) and node.arg:
            yield line, node.arg


def find_names(tree: ast.Module, names: set[str]) -> list[tuple[int, str]]:
    """Return (line, name) of every family's or generation's name in code."""
    if not names:
        return []
    # Case counts for names as the maker writes them: `Command R` is a model, `command` is not.
    pattern = re.compile(
        r"(?<![A-Za-z0-9])(" + "|".join(map(re.escape, sorted(names))) + r")(?![A-Za-z0-9])"
    )
    return [
        (line, match.group())
        for line, text in _walk_words(tree)
        for match in pattern.finditer(text)
    ]


def test_knowledge_is_data_not_code() -> None:
    names = set(_walk_family_names()) - set(ALLOWED)
    found = [
        f"{_name(path)}:{line}: {name}"
        for path in MODULES
        for line, name in find_names(_parse(path), names)
        if name not in ALLOWED_IN.get(str(path.relative_to(SOURCE)), ())
    ]
    assert found == []


def test_family_names_are_found_where_they_hide() -> None:
    code = (
        '"""Oak in a docstring."""\noak_rule = 1  # oak\nx = {"a": "is oak-2"}\nsoaked = "oaken"\n'
    )
    assert find_names(ast.parse(code), {"oak", "Oak"}) == [(2, "oak"), (3, "oak")]


def _walk_public(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (
                    child
                    for child in node.body
                    if isinstance(child, ast.FunctionDef) and not child.name.startswith("_")
                )


def test_everything_public_has_a_docstring() -> None:
    missing = []
    for path in MODULES:
        tree = _parse(path)
        if tree.body and ast.get_docstring(tree) is None:
            missing.append(_name(path))
        missing += [
            f"{_name(path)}:{node.lineno}: {node.name}"
            for node in _walk_public(tree)
            if ast.get_docstring(node) is None
        ]
    assert missing == []


def test_packages_are_empty() -> None:
    packages = [path for path in MODULES if path.name == "__init__.py"]
    packages.remove(SOURCE / "__init__.py")
    assert [_name(path) for path in packages if path.read_text().strip()] == []


def find_repeated(trees: Mapping[str, ast.Module]) -> dict[str, list[str]]:
    """Return every public class name that several modules define, with the modules."""
    places: dict[str, list[str]] = {}
    for name, tree in trees.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(name)
    return {name: found for name, found in places.items() if len(found) > 1}


def test_a_class_name_is_used_once() -> None:
    found = find_repeated({_name(path): _parse(path) for path in MODULES})
    assert found == {}


def test_repeated_class_names_are_found() -> None:
    one, other = ast.parse("class Oak: ...\nclass _Elm: ..."), ast.parse("class Oak: ...\nx = 1")
    assert find_repeated({"a": one, "b": other, "c": ast.parse("class Elm: ...")}) == {
        "Oak": ["a", "b"]
    }


def test_modules_do_not_read_as_tests() -> None:
    # pytest and people take `test_x.py` and `x_test.py` for tests.
    names = [path.stem for path in MODULES]
    assert [name for name in names if re.match(r"test_|.*_test$", name)] == []


FORBIDDEN_CALLS = {"eval", "exec", "torch.load", "pickle.load", "pickle.loads", "compile"}
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "shelve", "marshal", "joblib", "torch"}


def find_dangers(tree: ast.Module) -> list[tuple[int, str]]:
    """Return (line, what) of everything that could run what a checkpoint brings along."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "").split(".")[0]]
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in FORBIDDEN_CALLS or called.rpartition(".")[2] == "import_module_from_repo":
                found.append((node.lineno, called))
            continue
        elif isinstance(node, ast.keyword) and node.arg == "trust_remote_code":
            allowed = isinstance(node.value, ast.Constant) and node.value.value is False
            if not allowed:
                found.append((node.value.lineno, "trust_remote_code"))
            continue
        else:
            continue
        found += [(node.lineno, name) for name in names if name in FORBIDDEN_MODULES]
    return found


def test_nothing_of_a_checkpoint_is_ever_run() -> None:
    found = [
        f"{_name(path)}:{line}: {what}"
        for path in MODULES
        for line, what in find_dangers(_parse(path))
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from torch import load",
        "eval('1')",
        "f(trust_remote_code=True)",
        "f(trust_remote_code=flag)",
    ],
)
def test_dangers_are_found(code: str) -> None:
    assert len(find_dangers(ast.parse(code))) == 1


_ELSEWHERE = """
import os, signal, sys
for name in ("pty", "tty", "termios", "resource", "fcntl", "grp"):
    sys.modules[name] = None
for name in ("geteuid", "mkfifo", "killpg", "wait4", "sched_setscheduler", "getpgid"):
    delattr(os, name)
for name in ("SIGKILL", "SIGALRM", "alarm"):
    delattr(signal, name)
import pytest
sys.exit(pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


def test_all_tests_can_be_collected_where_there_is_no_posix() -> None:
    """Windows is not at hand: what it lacks is taken away."""
    done = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, str(ROOT / "tests")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
