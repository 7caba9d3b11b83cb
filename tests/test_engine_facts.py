"""Facts are read from sources without importing them, and rules whose ground moved are listed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

import check_engines
import update_engines
from engine_readers import READERS, FactError

SOURCE = {
    "pkg/config.py": '''
from typing import Literal
raise SystemExit("never imported")
Ranks = Literal[1, 8, -1]
More = Literal["a", Ranks]
TYPES = {(4, True): None, (8, True): None}
GONE = {"Old": "1.0"}
class Helper:
    """Words "x"."""
    r: int
    alpha: float = 1.0
    def check(self):
        """Not these: "y"."""
        return self.r in ("gaussian", "eva")
class Config(Helper):
    @classmethod
    def get_min_capability(cls):
        return 75
''',
    "pkg/models/registry.py": """
_MODELS = {"One": ("one", "One"), "Two": ("two", "Two"), "Three": ("three", "Three")}
""",
    "pkg/models/base.py": "class SupportsLoRA: ...\nclass Base(SupportsLoRA): ...\n",
    "pkg/models/one.py": "from .base import Base as B\nclass One(B): ...\n",
    "pkg/models/two.py": "class SupportsLoRA2: ...\nclass Two(SupportsLoRA2): ...\n",
    "pkg/models/three.py": (
        "from pkg.models import one\nclass Three(one.One): ...\nEntryClass = Three\n"
    ),
    "pkg/main.cpp": (
        'const map = {\n  {"draft-simple", 1},\n  {"draft-mtp", 2},\n};\nint x = {"no"};\n'
    ),
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name, text in SOURCE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "pkg/models/__init__.py").touch()
    return tmp_path


REGISTRY = {"file": "pkg/models/registry.py", "names": ["_MODELS"], "package": "pkg.models"}


@pytest.mark.parametrize(
    ("read", "row", "value"),
    [
        ("literal", {"file": "pkg/config.py", "name": "Ranks"}, [1, 8, -1]),
        ("literal", {"file": "pkg/config.py", "name": "More"}, ["a", 1, 8, -1]),
        ("literal", {"file": "pkg/config.py", "name": "TYPES"}, [[4, True], [8, True]]),
        ("mapping", {"file": "pkg/config.py", "name": "GONE"}, {"Old": "1.0"}),
        ("fields", {"file": "pkg/config.py", "name": "Helper"}, ["r", "alpha"]),
        ("constants", {"file": "pkg/config.py", "name": "Helper.check"}, ["gaussian", "eva"]),
        ("returns", {"file": "pkg/*.py", "name": "get_min_capability"}, {"Config": 75}),
        ("registry", REGISTRY, ["One", "Three", "Two"]),
        ("classes", {**REGISTRY, "base": "SupportsLoRA"}, ["One", "Three"]),
        ("classes", {"file": "pkg/models/*.py", "entry": "EntryClass"}, ["Three"]),
        ("files", {"file": "pkg/models/*.py", "pattern": "^class Two"}, ["two"]),
        ("pattern", {"file": "pkg/main.cpp", "begin": "const map", "pattern": r'\{"([a-z-]+)"'},
         ["draft-simple", "draft-mtp"]),
    ],
)  # fmt: skip
def test_a_fact_is_read_with_its_place(
    source: Path, read: str, row: dict[str, Any], value: Any
) -> None:
    found = READERS[read](source, row)
    assert found["value"] == value
    assert found["file"]
    assert found["line"] >= 1
    assert len(found["hash"]) == 16


def test_what_is_not_there_is_told(source: Path) -> None:
    with pytest.raises(FactError, match="no Absent"):
        READERS["literal"](source, {"file": "pkg/config.py", "name": "Absent"})
    with pytest.raises(FactError, match="nowhere"):
        READERS["pattern"](source, {"file": "pkg/main.cpp", "pattern": "(absent)"})


def test_a_hash_is_of_what_a_definition_does(source: Path) -> None:
    row = {"file": "pkg/config.py", "name": "Helper.check"}
    before = READERS["function"](source, row)["hash"]
    path = source / "pkg/config.py"
    path.write_text(path.read_text().replace("    def check", "    # a remark\n    def check"))
    from engine_readers import parse

    parse.cache_clear()
    assert READERS["function"](source, row)["hash"] == before
    path.write_text(path.read_text().replace('"eva"', '"eva", "new"'))
    parse.cache_clear()
    assert READERS["function"](source, row)["hash"] != before


def test_a_changed_hash_leaves_the_rules_that_cite_it_unchecked() -> None:
    recipe = {"fact": [{"key": "a"}, {"key": "b", "follows": True}]}
    old = {key: {"value": [1], "hash": "1", "looked_at": "1", "file": "f.py", "line": 3, "in": "A"}
           for key in "ab"}  # fmt: skip
    new = update_engines.mark_looked_at(
        recipe, {key: {**one, "hash": "2"} for key, one in old.items()}, old
    )
    rule = {"key": "k", "question": "lora", "facts": ["a", "b", "c"], "source": "s"}
    told = list(check_engines.list_unchecked({"rule": [rule]}, new))
    assert told == [
        "lora.k: unchecked, A is another (f.py:3)", "lora.k: cites c, which was not read",
    ]  # fmt: skip


def test_cited_files_that_are_not_there_are_listed(source: Path) -> None:
    rule = {"key": "k", "question": "lora", "source": "pkg/config.py; pkg/gone.py, f", "facts": []}
    told = list(check_engines.list_lost_paths({"rule": [rule]}, source))
    assert told == ["lora.k: no pkg/gone.py in the source"]


def test_the_recorded_facts_leave_nothing_to_look_at() -> None:
    assert check_engines.check({}) == []


def test_every_recipe_has_its_facts(tmp_path: Path) -> None:
    for engine, recipe in update_engines.load_recipes().items():
        document = json.loads((update_engines.FACTS / f"{engine}.json").read_text())
        assert {row["key"] for row in recipe["fact"]} == document["facts"].keys(), engine
        assert {row["read"] for row in recipe["fact"]} <= READERS.keys()
