"""`hf famtree`: as the `hf` command starts an extension that it has installed."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tomllib
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conftest import ROOT

EXAMPLE = str(ROOT / "fixtures" / "example")
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the variables of a user who has installed the extension from `owner/hf-famtree`."""
    # It takes the terminal along, which not every system has.
    from huggingface_hub.cli import extensions

    _, repository, name = extensions._normalize_repo_id("owner/hf-famtree")
    folder = tmp_path / extensions.EXTENSIONS_ROOT.relative_to("~") / repository
    folder.mkdir(parents=True)
    # The console script that pip would make of the entry point.
    module, _, function = SCRIPTS[extensions._get_executable_name(name)].partition(":")
    program = folder / "program"
    code = f"from {module} import {function}; {function}()"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c {shlex.quote(code)} "$@"\n')
    program.chmod(0o755)
    manifest = extensions.ExtensionManifest(
        owner="owner", repo=repository, repo_id=f"owner/{repository}", short_name=name,
        executable_path=str(program), type="python", installed_at=datetime.now(UTC),
        description="known by its description",
    )  # fmt: skip
    manifest.save(folder)
    assert set(asdict(manifest)) == set(json.loads((folder / "manifest.json").read_text()))
    return {
        **os.environ,
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT / "src"),
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    }


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "huggingface_hub.cli.hf", *arguments],
        capture_output=True,
        text=True,
        env=environment,
    )


def test_it_answers_like_the_command(environment: dict[str, str]) -> None:
    done = run(environment, "famtree", "identify", EXAMPLE, "--json")
    assert done.returncode == 0, done.stderr
    own = subprocess.run(
        [sys.executable, "-m", "famtree", "identify", EXAMPLE, "--json"],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    found, expected = json.loads(done.stdout), json.loads(own.stdout)
    del found["cost"], expected["cost"]
    assert found == expected


def test_exit_codes_pass_through(environment: dict[str, str]) -> None:
    assert run(environment, "famtree", "identify", EXAMPLE, "--min-confidence", "1").returncode == 1
    assert run(environment, "famtree", "identify", "./absent").returncode == 3


def test_usage_and_hints_name_it_as_it_was_called(environment: dict[str, str]) -> None:
    assert "Usage: hf famtree identify " in run(environment, "famtree", "identify", "--help").stdout
    done = run(environment, "famtree", "identify")
    assert done.returncode == 2
    assert "see `hf famtree identify --help`" in done.stderr


def test_hf_lists_it(environment: dict[str, str]) -> None:
    assert "known by its description" in run(environment, "--help").stdout
    assert "hf famtree" in run(environment, "extensions", "list").stdout
