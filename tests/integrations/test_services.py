"""What CI services are told to run, run here as far as a machine without them can."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from junitparser import JUnitXml

from installed_action import install_action

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
[HOOK] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
POLICY = ROOT / "fixtures" / "famtree.toml"
FAILING = """\
schema = "famtree/policy/1"
[[checkpoint]]
ref = "{ref}"
deny_families = ["{family}"]
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return variables of a shell in which `famtree` is the one under test."""
    programs = install_action(tmp_path)
    return {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }


def run_shell(script: str, environment: dict[str, str], folder: Path) -> int:
    # As GitHub runs `shell: bash`.
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(command, env=environment, cwd=folder).returncode


def run_action(environment: dict[str, str], folder: Path, **inputs: str) -> int:
    """Run the action's own steps with its inputs, defaults filled in."""
    values = {name: entry["default"] for name, entry in ACTION["inputs"].items()} | inputs
    step = ACTION["runs"]["steps"][-1]
    for name, text in step["env"].items():
        asked = re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", text)
        assert asked is not None
        environment[name] = values[asked[1]]
    return run_shell(step["run"], environment, folder)


def test_the_action_is_one_that_github_takes() -> None:
    assert {"name", "description", "inputs", "runs"} <= set(ACTION)
    assert ACTION["runs"]["using"] == "composite"
    for step in ACTION["runs"]["steps"]:
        assert ("uses" in step) != ("run" in step)
        # A composite step has no default shell, and an expression in a script is an injection.
        assert "uses" in step or step["shell"] == "bash"
        assert "${{" not in step.get("run", "")
    assert all("description" in entry for entry in ACTION["inputs"].values())


def test_the_action_writes_summary_sarif_and_junit(
    environment: dict[str, str], tmp_path: Path
) -> None:
    assert run_action(environment, tmp_path, policy=str(POLICY), junit="my report.xml") == 0
    assert (tmp_path / "summary.md").read_text().startswith("### famtree check: passed")
    assert (tmp_path / "famtree.sarif").is_file()
    assert JUnitXml.fromfile(str(tmp_path / "my report.xml")).failures == 0


def test_the_action_fails_where_a_condition_does(
    environment: dict[str, str], tmp_path: Path
) -> None:
    text = FAILING.format(ref=ROOT / "fixtures" / "example", family="mistral")
    (tmp_path / "famtree.toml").write_text(text)
    assert run_action(environment, tmp_path, sarif="") == 1
    assert (tmp_path / "summary.md").read_text().startswith("### famtree check: failed")
    assert not (tmp_path / "famtree.sarif").exists()


def test_inputs_are_no_commands(environment: dict[str, str], tmp_path: Path) -> None:
    assert run_action(environment, tmp_path, policy='"; touch broken; "') == 2
    assert run_action(environment, tmp_path, policy="--help") == 2
    assert not (tmp_path / "broken").exists()


def test_the_hook_runs_where_the_policy_changed(
    environment: dict[str, str], tmp_path: Path
) -> None:
    for name, meant in {"famtree.toml": True, "a/famtree.toml": False, "x.toml": False}.items():
        assert bool(re.search(HOOK["files"], name)) == meant
    assert (HOOK["language"], HOOK["pass_filenames"]) == ("python", False)
    assert run_shell(HOOK["entry"], environment, POLICY.parent) == 0
    (tmp_path / "famtree.toml").write_text(
        FAILING.format(ref=ROOT / "fixtures" / "example", family="mistral")
    )
    assert run_shell(HOOK["entry"], environment, tmp_path) == 1


def _read_gitlab() -> dict[str, Any]:
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    [block] = [one for one in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "stage:" in one]
    document = yaml.safe_load(block)
    assert isinstance(document, dict)
    return document


def test_the_gitlab_job_leaves_the_report_it_names(
    environment: dict[str, str], tmp_path: Path
) -> None:
    [job] = _read_gitlab().values()
    install, check = job["script"]
    # From a commit: no package index has it.
    assert re.fullmatch(r'pip install "famtree @ git\+https://\S+@REVISION"', install)
    text = POLICY.read_text().replace("./example", str(ROOT / "fixtures" / "example"))
    (tmp_path / "famtree.toml").write_text(text)
    assert run_shell(check, environment, tmp_path) == 0
    assert JUnitXml.fromfile(str(tmp_path / job["artifacts"]["reports"]["junit"])).tests == 3
    assert job["artifacts"]["when"] == "always"
