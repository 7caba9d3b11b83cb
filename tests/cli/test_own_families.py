"""`--registry` and FAMTREE_REGISTRY: one family of somebody's own, on every road."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import famtree
from cli.commands import Command
from conftest import ROOT
from famtree import api
from famtree.registry.places import VARIABLE
from registry.own import write_checkpoint, write_family


@pytest.fixture
def own(tmp_path: Path) -> str:
    return str(write_family(tmp_path / "own"))


@pytest.fixture
def oak(tmp_path: Path) -> str:
    return str(write_checkpoint(tmp_path / "oak"))


@pytest.fixture(params=["option", "variable"])
def options(request: pytest.FixtureRequest, own: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How the folder is told: by the option, or by the variable."""
    if request.param == "option":
        return ["--registry", own]
    monkeypatch.setenv(VARIABLE, own)
    return []


def test_without_it_the_checkpoint_is_unknown(command: Command, oak: str) -> None:
    document = command("identify", oak, "--json").document
    assert (document["outcome"], document["family"]) == ("unknown", None)
    assert document["registry"]["sources"] == ["famtree"]


def test_identify(command: Command, oak: str, own: str, options: list[str]) -> None:
    done = command("identify", oak, "--json", "--expect", "oakling/oakling-1", *options)
    assert done.code == 0
    assert done.document["family"] == {"key": "oakling", "name": "Oakling", "maker": "Acme"}
    assert done.document["registry"]["sources"] == [own, "famtree"]
    assert done.document["registry"]["digest"].startswith("sha256:")


def test_lineage_and_compare(command: Command, oak: str, options: list[str]) -> None:
    lineage = command("lineage", oak, "--json", *options).document
    assert [node["family"] for node in lineage["nodes"]] == ["oakling"]
    compared = command("compare", oak, oak, "--json", "--engine", "vllm", *options).document
    assert compared["a"]["family"]["key"] == "oakling"
    registries = {str(one["registry"]) for one in (lineage, compared)}
    assert len(registries) == 1
    assert "oakling-1" in command("lineage", oak, *options).out


def test_families(command: Command, own: str, options: list[str], tmp_path: Path) -> None:
    assert "oakling" in command("families", "list", *options).out
    assert "Oakling 1" in command("families", "show", "oakling", *options).out
    assert command("families", "check", *options).code == 0
    path = Path(own) / "oakling.toml"
    path.write_text(path.read_text().replace('maker = "Acme"', "maker = 3"))
    done = command("families", "check", *options)
    assert (done.code, "oakling.toml:5: maker" in done.out) == (1, True)


def test_check(command: Command, oak: str, options: list[str], tmp_path: Path) -> None:
    policy = tmp_path / "famtree.toml"
    rows = f'schema = "famtree/policy/1"\n[[checkpoint]]\nref = "{oak}"\nexpect = "oakling"\n'
    policy.write_text(rows)
    report = command("check", str(policy), "--json", *options)
    assert (report.code, report.document["passed"]) == (0, 1)
    digest = report.document["registry"]["digest"]
    policy.write_text(f'registry = "{digest}"\n{rows}')
    assert command("check", str(policy), *options).code == 0


def test_a_pinned_policy_refuses_another_registry(
    command: Command, oak: str, own: str, tmp_path: Path
) -> None:
    digest = command("identify", oak, "--json").document["registry"]["digest"]
    policy = tmp_path / "famtree.toml"
    rows = f'schema = "famtree/policy/1"\nregistry = "{digest}"\n[[checkpoint]]\nref = "{oak}"\n'
    policy.write_text(rows + "min_confidence = 0.0\n")
    assert command("check", str(policy)).code in (0, 1)
    done = command("check", str(policy), "--json", "--registry", own)
    assert (done.code, done.document["error"]["code"]) == (2, "registry-pinned")
    assert digest in done.document["error"]["message"]


def test_bom(command: Command, oak: str, options: list[str]) -> None:
    pytest.importorskip("cyclonedx")
    document = command("bom", oak, *options).document
    told = {one["name"]: one["value"] for one in document["components"][0]["properties"]}
    assert told["famtree:registry"].startswith("sha256:")
    assert document["components"][0]["modelCard"]["modelParameters"]["architectureFamily"]


def scan(out: Path, *arguments: str) -> list[dict[str, Any]]:
    """Scan in processes of its own, as `famtree scan` does."""
    subprocess.run(
        [sys.executable, "-m", "famtree", "scan", "--out", str(out), *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        check=True,
        capture_output=True,
    )
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_scan(oak: str, own: str, options: list[str], tmp_path: Path) -> None:
    [row] = scan(tmp_path / "rows.jsonl", oak, *options)
    assert row["family"] == "oakling"
    assert json.loads(row["document"])["registry"]["sources"] == [own, "famtree"]


def test_python(oak: str, own: str) -> None:
    session = famtree.Session(registry=own)
    assert session.registry.by_key["oakling"].maker == "Acme"
    for found in (
        session.identify(oak),
        famtree.identify(oak, registry=[own]),
        famtree.identify(oak, registry=Path(own)),
    ):
        assert found.family is not None
        assert found.family.key == "oakling"
    [row] = session.scan([oak])
    assert row["family"] == "oakling"
    assert 'key = "oakling"' in api.draft(oak, registry=own)


@pytest.mark.parametrize(
    "arguments",
    [
        ("identify", "OAK"),
        ("lineage", "OAK"),
        ("compare", "OAK", "OAK"),
        ("scan", "OAK", "--out", "rows.jsonl"),
        ("families", "list"),
        ("families", "show", "oakling"),
        ("families", "draft", "OAK"),
        ("check", "OAK/famtree.toml"),
    ],
)
@pytest.mark.parametrize("fault", ["absent", "broken"])
def test_a_folder_that_is_none_is_a_wrong_request(
    command: Command, oak: str, own: str, arguments: tuple[str, ...], fault: str
) -> None:
    path = Path(own) / "oakling.toml"
    path.write_text(path.read_text().replace('maker = "Acme"', "maker = 3"))
    folder = own if fault == "broken" else f"{own}/none"
    asked = [one.replace("OAK", oak) for one in arguments]
    done = command(*asked, "--registry", folder)
    assert done.code == 2, done.err
    assert ("oakling.toml:5: maker" if fault == "broken" else "cannot be read") in done.err


def test_the_version_names_the_registry(command: Command, own: str, options: list[str]) -> None:
    assert "registry" not in command("--version").out
    told = command("--version", "--verbose").out
    assert "sha256:" in told
    assert (own in told) is (not options)
