"""The bill of materials of the wheel: `scripts/make_sbom.py`."""

from __future__ import annotations

import hashlib
import json
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from conftest import ROOT, load_module

cyclonedx = pytest.importorskip("cyclonedx")
SBOM: Any = load_module(ROOT / "scripts" / "make_sbom.py")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = SBOM.LOCK.read_text(encoding="utf-8")


def make_wheel(folder: Path, required: Sequence[str] = PROJECT["dependencies"]) -> Path:
    """Write a wheel that has nothing but the metadata of one."""
    lines = ["Metadata-Version: 2.4", "Name: famtree", "Version: 9.8.7",
             "License-Expression: Apache-2.0",
             *(f"Requires-Dist: {line}" for line in required),
             "Requires-Dist: duckdb>=2.0; extra == 'atlas'"]  # fmt: skip
    path = folder / "famtree-9.8.7-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("famtree-9.8.7.dist-info/METADATA", "\n".join(lines) + "\n\ntext\n")
    return path


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    made = SBOM.build_sbom(make_wheel(tmp_path), LOCK)
    assert isinstance(made, dict)
    return made


def test_the_schema_holds(document: dict[str, Any]) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None


def test_the_subject_is_the_very_wheel(document: dict[str, Any], tmp_path: Path) -> None:
    subject = document["metadata"]["component"]
    digest = hashlib.sha256((tmp_path / "famtree-9.8.7-py3-none-any.whl").read_bytes()).hexdigest()
    assert subject["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert subject["purl"] == "pkg:pypi/famtree@9.8.7"


def test_components_are_what_an_installation_brings(document: dict[str, Any]) -> None:
    by_ref = {one["bom-ref"]: one for one in document["components"]}
    names = {one["name"] for one in by_ref.values()}
    declared = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    graph = {one["ref"]: set(one.get("dependsOn", ())) for one in document["dependencies"]}
    assert {by_ref[ref]["name"] for ref in graph["pkg:pypi/famtree@9.8.7"]} == declared
    reached: set[str] = set()
    ahead = {"pkg:pypi/famtree@9.8.7"}
    while ahead:
        reached |= ahead
        ahead = set().union(*(graph.get(ref, set()) for ref in ahead)) - reached
    assert reached - {"pkg:pypi/famtree@9.8.7"} == set(by_ref)
    # Needed by the build, and by what is no part of the wheel.
    assert not names & {"hatchling", "pluggy", "duckdb"}


def test_versions_and_hashes_are_the_locked_ones(document: dict[str, Any]) -> None:
    for one in document["components"]:
        assert f"{one['name']}=={one['version']}" in LOCK
        hashes = [row["value"] for row in one["properties"] if row["name"] == "famtree:file-sha256"]
        assert hashes
        assert all(f"--hash=sha256:{value}" in LOCK for value in hashes)


def test_the_same_wheel_gives_the_same_bytes(document: dict[str, Any], tmp_path: Path) -> None:
    [wheel] = tmp_path.glob("*.whl")
    assert SBOM.build_sbom(wheel, LOCK) == document


@pytest.mark.parametrize("line", ["nonesuch", "urllib3>=999"])
def test_a_requirement_that_is_not_locked_is_an_error(line: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=line):
        SBOM.build_sbom(make_wheel(tmp_path, [*PROJECT["dependencies"], line]), LOCK)


def test_a_lock_of_another_form_is_an_error() -> None:
    with pytest.raises(SystemExit, match="another kind"):
        SBOM.read_lock("urllib3>=2\n")
