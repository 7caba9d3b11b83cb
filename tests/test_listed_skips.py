"""A skip for a reason that .ci/skips.toml does not list fails the run."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from conftest import ROOT

LIST = ROOT / ".ci" / "skips.toml"
ROWS = tomllib.loads(LIST.read_text(encoding="utf-8"))["skip"]
LISTED = '[[skip]]\nreason = "no \\\\w+ here"\nwhy = "elsewhere"\n'
CASES = {
    "a listed reason": ("def test_one(): pytest.skip('no moon here')", 0),
    "no skip at all": ("", 0),
    "another reason": ("def test_one(): pytest.skip('tired')", 1),
    "more than a listed reason": ("def test_one(): pytest.skip('no moon here, tired')", 1),
    "a mark": ("@pytest.mark.skip(reason='tired')\ndef test_one(): pass", 1),
    "a fixture": ("@pytest.fixture\ndef one(): pytest.skip('tired')\ndef test_one(one): pass", 1),
    "an absent module": ("pytest.importorskip('nonesuch')", 1),
    "an expected failure": ("@pytest.mark.xfail(reason='bug')\ndef test_one(): assert 0", 1),
}


def run(folder: Path, body: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(f"import pytest\n\n{body}\n")
    (folder / "test_sound.py").write_text("def test_sound(): pass\n")
    (folder / "pytest.ini").write_text("[pytest]\n")
    if not (folder / "skips.toml").exists():
        (folder / "skips.toml").write_text(LISTED)
    environment = {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "listed_skips", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(ROOT / ".ci")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("case", CASES)
def test_only_listed_reasons_pass(case: str, tmp_path: Path) -> None:
    body, code = CASES[case]
    done = run(tmp_path, body, "--skips", "skips.toml")
    assert done.returncode == code, done.stdout
    assert ("NOT LISTED in skips.toml" in done.stdout) == bool(code)
    assert ("skipped 1, " in done.stdout) == ("skip" in body or "xfail" in body)


def test_processes_side_by_side_hide_nothing(tmp_path: Path) -> None:
    done = run(tmp_path, CASES["another reason"][0], "--skips", "skips.toml", "-n", "2")
    assert done.returncode == 1, done.stdout
    assert "skipped 1, NOT LISTED in skips.toml: tired" in done.stdout


def test_no_list_allows_no_skip(tmp_path: Path) -> None:
    assert run(tmp_path, CASES["a listed reason"][0], "--skips=").returncode == 1


def test_the_projects_own_list_is_the_default(tmp_path: Path) -> None:
    done = run(tmp_path, f"def test_one(): pytest.skip({ROWS[0]['reason']!r})")
    assert done.returncode == 0, done.stdout


def test_a_reason_without_a_why_is_refused(tmp_path: Path) -> None:
    (tmp_path / "skips.toml").write_text(LISTED.replace("elsewhere", " "))
    done = run(tmp_path, CASES["a listed reason"][0], "--skips", "skips.toml")
    assert done.returncode != 0


def _walk_texts() -> set[str]:
    return {
        node.value
        for path in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_the_list_is_short_and_nothing_stands_on_it_in_vain() -> None:
    assert len(ROWS) <= 8
    texts = _walk_texts()
    for row in ROWS:
        assert set(row) == {"reason", "why"}
        assert any(re.fullmatch(row["reason"], text) for text in texts), row["reason"]


def test_every_run_of_ci_asks_for_it() -> None:
    run, ray = ((ROOT / ".ci" / name).read_text(encoding="utf-8") for name in ("run", "ray"))
    for text in (run, ray):
        asked = text.index('PYTEST_ADDOPTS="-rs -p listed_skips"')
        assert asked < min(text.index(word) for word in ("-m pytest", "eval") if word in text)
    assert "--skips= tests/scan/test_ray.py" in ray
    for step in ("lowest", "ray", "readme", "supply"):
        assert f"check .ci/{step}\n" in run
    assert run.rstrip().endswith('exit "$failed"')
