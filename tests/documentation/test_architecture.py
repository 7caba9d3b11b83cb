"""docs/architecture.md is true of the project: its paths exist, and its picture has every layer."""

from __future__ import annotations

import re
import tomllib
from itertools import pairwise

from documentation.world import ROOT

TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
_PATH = re.compile(r"`((?:src|tests|scripts|docs|benchmarks)/[\w./-]+)`")
_SCRIPT = re.compile(r"`python ([\w/]+\.py)")
_ROW = re.compile(r"^\| (?!what|---)(.+?) \| (.+?) \|", re.MULTILINE)


def list_layers() -> list[list[str]]:
    """Return the packages of each layer of the contract, from the top."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = table["tool"]["importlinter"]["contracts"][0]
    return [re.findall(r"\w+", layer) for layer in contract["layers"]]


def test_every_path_exists() -> None:
    named = [*_PATH.findall(TEXT), *_SCRIPT.findall(TEXT)]
    assert len(named) > 30
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_ten_questions_and_more_are_answered_with_a_place() -> None:
    rows = _ROW.findall(TEXT)
    assert len(rows) >= 10
    assert [what for what, where in rows if not _PATH.search(where) and "Notice" not in where] == []


def test_the_picture_has_every_layer_in_its_order() -> None:
    picture = re.search(r"^```text\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    assert picture is not None
    lines = picture[1].splitlines()

    def place(package: str) -> int:
        found = [at for at, line in enumerate(lines) if re.search(rf"[|>,] +{package}\b", line)]
        assert found, f"{package} is not in the picture"
        return found[0]

    layers = [[place(package) for package in layer] for layer in list_layers()]
    for upper, lower in pairwise(layers):
        assert max(upper) <= min(lower)


def test_contributors_are_told_every_layer() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rule = re.search(r"^- \*\*Imports go strictly downward\*\*(.*?)^- ", text, re.DOTALL | re.M)
    assert rule is not None
    below = {"redaction", "files", "home"}
    packages = {package for layer in list_layers() for package in layer} - below
    assert packages <= set(re.findall(r"`(\w+)`", rule[1]))
    assert "(docs/architecture.md)" in rule[1]
