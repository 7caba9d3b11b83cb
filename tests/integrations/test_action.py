"""The scripts of the action, run as a runner does, with what they hand on read back."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import POSIX, ROOT
from installed_action import install_action

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: dict[str, Any] = {step["id"]: step for step in ACTION["runs"]["steps"] if "id" in step}
EXAMPLE = ROOT / "fixtures" / "example"

pytestmark = POSIX


def run(tmp_path: Path, policy: str, **inputs: str) -> tuple[int, dict[str, str]]:
    """Run the check in a folder of its own, with the command as the action installs it."""
    install_action(tmp_path)
    (tmp_path / "famtree.toml").write_text(policy)
    usual = {
        f"INPUT_{name.upper()}": str(one["default"])
        for name, one in ACTION["inputs"].items()
        if name != "python-version"
    }
    assert usual.keys() == {name for name in STEPS["check"]["env"] if name.startswith("INPUT_")}
    environment = os.environ | usual | {
        "PYTHONPATH": str(ROOT / "src"),
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    } | inputs  # fmt: skip
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", STEPS["check"]["run"]],
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    lines = (tmp_path / "output").read_text().splitlines()
    found = dict(line.partition("=")[::2] for line in lines)
    assert found.keys() == ACTION["outputs"].keys(), "every output, and no other"
    assert (tmp_path / "summary.md").read_text().startswith("### famtree check")
    assert (tmp_path / found["sarif"]).is_file()
    assert json.loads(Path(found["report"]).read_text())["schema"] == "famtree/check/1"
    return done.returncode, found


def policy(condition: str, ref: str = str(EXAMPLE)) -> str:
    return f'schema = "famtree/policy/1"\n[[checkpoint]]\nref = "{ref}"\n{condition}\n'


@pytest.mark.parametrize(
    ("text", "code", "outcome", "family"),
    [
        (policy('expect = "mistral"'), 0, "passed", "mistral"),
        (policy('expect = "llama"'), 1, "failed", "mistral"),
        (policy('expects = "llama"'), 2, "faulty", ""),
        (policy('expect = "llama"', "/no/such/folder"), 3, "unchecked", ""),
    ],
)
def test_what_a_check_hands_on(
    tmp_path: Path, text: str, code: int, outcome: str, family: str
) -> None:
    done, found = run(tmp_path, text)
    assert (done, found["outcome"], found["family"]) == (code, outcome, family)


def test_no_input_is_taken_for_an_output_or_a_command(tmp_path: Path) -> None:
    hostile = "$(touch pwned)\noutcome=passed"
    _, found = run(tmp_path, policy('expect = "llama"'), INPUT_JUNIT=hostile)
    assert found["outcome"] == "failed"
    assert not (tmp_path / "pwned").exists()


def test_the_cache_is_known_by_the_lock(tmp_path: Path) -> None:
    lock = ROOT / "requirements" / "action.txt"
    subprocess.run(
        ["bash", "-eo", "pipefail", "-c", f"python() {{ '{sys.executable}' \"$@\"; }}\n"
         + STEPS["lock"]["run"]],
        env=os.environ | {"FAMTREE_ACTION_PATH": str(ROOT),
                          "GITHUB_OUTPUT": str(tmp_path / "output")},
        check=True,
    )  # fmt: skip
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    assert (tmp_path / "output").read_text() == f"digest={digest}\n"
