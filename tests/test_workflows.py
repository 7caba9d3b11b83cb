"""Workflows, action and their examples: nothing unpinned, nothing allowed that is not needed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import ROOT

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
WRITES = {
    ("release.yml", "attest"): {"id-token", "attestations"},
    ("release.yml", "publish"): {"id-token"},
    ("release.yml", "release"): {"contents"},
}
"""The jobs that may write, and what."""


def load(path: Path) -> dict[Any, Any]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def walk_steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (file and job, step) of every workflow, and of the action."""
    for path in WORKFLOWS:
        for name, job in load(path)["jobs"].items():
            for step in job["steps"]:
                yield f"{path.name}:{name}", step
    for step in load(ROOT / "action.yml")["runs"]["steps"]:
        yield "action.yml", step


def test_there_are_the_workflows_that_security_md_tells_of() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "release.yml", "weekly.yml"]


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / "action.yml"], ids=lambda path: path.name)
def test_every_action_is_one_commit_and_names_its_version(path: Path) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        told = re.fullmatch(r"\s*(?:- )?uses: (\S+)(?: # (.+))?", line)
        assert told is not None, line
        assert told[1] == "./" or PINNED.fullmatch(told[1]), line
        assert told[1] == "./" or re.fullmatch(r"v\d+\.\d+\.\d+", told[2]), line


def test_one_action_is_one_commit_everywhere() -> None:
    found: dict[str, set[str]] = {}
    texts = [path.read_text(encoding="utf-8")
             for path in (*WORKFLOWS, ROOT / "action.yml", ROOT / "docs" / "ci.md")]  # fmt: skip
    for text in texts:
        for name, commit in re.findall(r"uses: (\S+)@([0-9a-f]{40} # \S+)", text):
            found.setdefault(name, set()).add(commit)
    assert {name: commits for name, commits in found.items() if len(commits) > 1} == {}


def test_examples_are_pinned_too() -> None:
    for line in (ROOT / "docs" / "ci.md").read_text(encoding="utf-8").splitlines():
        if "uses:" in line:
            assert re.search(r"@([0-9a-f]{40} # v\d+\.\d+\.\d+|REVISION)$", line), line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_is_allowed_but_what_a_job_says(path: Path) -> None:
    document = load(path)
    assert document["permissions"] == {}
    # YAML 1.1 reads the key `on` as true.
    assert "pull_request_target" not in document[True]
    for name, job in document["jobs"].items():
        assert set(job["permissions"].values()) <= {"read", "write"}
        writes = {scope for scope, how in job["permissions"].items() if how == "write"}
        assert writes == WRITES.get((path.name, name), set()), name
        assert job["timeout-minutes"] <= 90


def test_no_checkout_leaves_its_token() -> None:
    found = [step for _, step in walk_steps() if "actions/checkout@" in step.get("uses", "")]
    assert found
    assert all(step["with"]["persist-credentials"] is False for step in found)


def test_no_script_has_an_expression_and_no_secret_is_asked_for() -> None:
    for where, step in walk_steps():
        assert "${{" not in step.get("run", ""), where
    for path in WORKFLOWS:
        assert "secrets." not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("where", ["action.yml", "release.yml", "weekly.yml:vulnerabilities"])
def test_what_is_installed_there_has_a_hash_on_record(where: str) -> None:
    scripts = [step["run"].replace("\\\n", " ") for place, step in walk_steps()
               if place.startswith(where) and "pip install" in step.get("run", "")]  # fmt: skip
    lines = [line for script in scripts for line in script.splitlines() if "pip install" in line]
    assert lines
    for line in lines:
        locked = re.search(r"--require-hashes .*-r \S*requirements/\w+\.txt", line)
        assert locked or "--no-index" in line, line
        assert "--no-deps" in line, line


def test_ci_runs_everything_and_the_tests_on_every_python_and_system() -> None:
    jobs = load(FOLDER / "ci.yml")["jobs"]
    assert {"run": ".ci/run"} in jobs["checks"]["steps"]
    matrix = jobs["tests"]["strategy"]["matrix"]
    stated = {line.rpartition(" ")[2] for line in PROJECT["classifiers"] if ":: 3." in line}
    assert set(matrix["python"]) == stated == {"3.11", "3.12", "3.13", "3.14"}
    assert {name.partition("-")[0] for name in matrix["system"]} == {"ubuntu", "macos", "windows"}


def test_a_release_is_built_once_attested_and_published_without_a_password() -> None:
    jobs = load(FOLDER / "release.yml")["jobs"]
    built = [where for where, step in walk_steps() if " build -d" in step.get("run", "")]
    assert built == ["release.yml:build"]
    assert any("scripts/make_sbom.py" in step.get("run", "") for step in jobs["build"]["steps"])
    assert jobs["publish"]["environment"] == "pypi"
    assert {"build", "attest"} <= set(jobs["publish"]["needs"])
    upload = jobs["publish"]["steps"][-1]
    assert upload["uses"].startswith("pypa/gh-action-pypi-publish@")
    assert upload["with"]["attestations"] is True
    assert "password" not in upload["with"]
    assert jobs["release"]["needs"] == "publish"


def test_updates_are_proposed_after_some_days() -> None:
    updates = load(ROOT / ".github" / "dependabot.yml")["updates"]
    assert {one["package-ecosystem"] for one in updates} == {"github-actions", "pip"}
    assert all(one["cooldown"]["default-days"] >= 7 for one in updates)
