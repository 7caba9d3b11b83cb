"""stdout, stderr and stdin that are full, closed or gone, and a folder that is: no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT
from famtree.atlas.build import build_atlas
from famtree.cli.app import COMMANDS
from scan_rows import make_row, write_rows
from tiny_models import make_model, write_model

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the shell's own redirections")

EXAMPLE = str(ROOT / "fixtures" / "example")
ATLAS, POLICY, TINY = "example.duckdb", "example.toml", "./tiny"
"""Files that `files` makes, in the folder that every command is run in."""
SILENT = {"mcp", "scan"}
"""Commands that never print a report to stdout."""
PRINTING = (
    ("--version",),
    ("--help",),
    ("identify", "--help"),
    ("identify", EXAMPLE),
    ("identify", EXAMPLE, "--json"),
    ("compare", EXAMPLE, EXAMPLE),
    ("lineage", EXAMPLE, "--json"),
    ("fit", EXAMPLE),
    ("check", POLICY),
    ("check", POLICY, "--format", "sarif"),
    ("bom", EXAMPLE),
    ("attest", TINY, "--verify"),
    ("atlas", "info", ATLAS),
    ("atlas", "query", ATLAS, "SELECT 1"),
    ("atlas", "report", ATLAS, "--html", "-"),
    ("families", "list"),
    ("schema", "error"),
    ("completion", "bash"),
)
"""Commands that print to stdout and answer with 0, by each of the ways there are."""


@pytest.fixture(autouse=True)
def files(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enter a folder with an atlas and a policy."""
    monkeypatch.chdir(_make_files(tmp_path_factory.getbasetemp() / "streams"))


@cache
def _make_files(folder: Path) -> Path:
    folder.mkdir()
    rows = write_rows(folder / "rows.jsonl", make_row("org/a"), make_row("org/b", ("org/a",)))
    build_atlas([rows], folder / ATLAS)
    write_model(folder / TINY, make_model(1))
    policy = f"""
schema = "famtree/policy/1"
[[checkpoint]]
ref = {json.dumps(EXAMPLE)}
expect = "mistral/mistral-7b-v0.3"
"""
    (folder / POLICY).write_text(policy, encoding="utf-8")
    return folder


def test_every_command_that_prints_is_in_the_table() -> None:
    assert {arguments[0] for arguments in PRINTING} >= set(COMMANDS) - SILENT


def shell(redirected: str, *arguments: str, cwd: Path | None = None) -> Any:
    """Run `famtree ARGUMENTS... REDIRECTED` in a shell."""
    script = f'"$0" -m famtree "$@" {redirected}'
    return subprocess.run(
        ["bash", "-c", script, sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        check=False,
    )


def check_words(done: Any, code: int) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "report it" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device here")
@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_a_full_disk_is_named(arguments: tuple[str, ...]) -> None:
    done = shell(">/dev/full", *arguments)
    check_words(done, 2)
    first, second = done.stderr.splitlines()
    assert first.startswith("error: ")
    assert first.endswith("No space left on device")
    assert second.startswith("hint: ")


@pytest.mark.parametrize("arguments", [PRINTING[0], *PRINTING[3:5]], ids=" ".join)
def test_a_closed_stdout_is_told(arguments: tuple[str, ...]) -> None:
    done = shell(">&-", *arguments)
    check_words(done, 2)
    assert "Bad file descriptor" in done.stderr
    assert "stdout cannot be written" in done.stderr or arguments[0] != "identify"


@pytest.mark.parametrize("arguments", PRINTING[3:], ids=" ".join)
def test_a_closed_stderr_changes_no_answer(arguments: tuple[str, ...]) -> None:
    done = shell("2>&-", *arguments)
    check_words(done, 0)
    assert done.stdout


def test_errors_have_their_code_without_stderr() -> None:
    done = shell("2>&-", "identify", "/no/such/folder", "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["error"]["code"] == "not-found"
    assert shell("2>&-").returncode == 2
    assert shell(">/dev/full 2>/dev/full", "identify", EXAMPLE).returncode == 2
    told = shell(">/dev/full", "identify", "/no/such/folder", "--json")
    assert (told.returncode, told.stderr.count("error: ")) == (3, 1), told.stderr
    assert shell("2>/dev/full", "identify", EXAMPLE).returncode == 0


def test_what_is_opened_takes_no_closed_streams_place(tmp_path: Path) -> None:
    """With all three closed, the first file opened would be stdin's, stdout's and stderr's."""
    out = tmp_path / "rows.jsonl"
    done = shell("<&- >&- 2>&-", "scan", EXAMPLE, "--out", str(out))
    assert done.returncode == 0
    (line,) = out.read_text().splitlines()
    assert json.loads(line)["ref"] == EXAMPLE


@pytest.mark.parametrize("arguments", [("families", "list"), ("schema", "identification")])
def test_a_reader_that_leaves_is_no_fault(arguments: tuple[str, ...]) -> None:
    done = shell("| head -1; exit ${PIPESTATUS[0]}", *arguments)
    check_words(done, 0)
    assert not done.stderr


def test_a_closed_stdin_is_told(tmp_path: Path) -> None:
    done = shell("<&-", "scan", "--from", "-", "--out", str(tmp_path / "rows.jsonl"))
    check_words(done, 2)
    assert "stdin is closed" in done.stderr


def test_references_of_no_encoding_are_rows(tmp_path: Path) -> None:
    out, names = tmp_path / "rows.jsonl", tmp_path / "names"
    names.write_bytes(b"./a\xff\xfe\n")
    done = shell(f"<{names}", "scan", "--from", "-", "--out", str(out))
    check_words(done, 0)
    assert json.loads(out.read_text())["error_code"] == "not-found"


@pytest.mark.skipif(sys.platform == "darwin", reason="a folder in use stays there")
@pytest.mark.parametrize("reference", [".", "..", "./x", "x/../y"])
def test_a_working_directory_that_is_gone(tmp_path: Path, reference: str) -> None:
    script = f'cd gone && rmdir "$PWD" && "$0" -m famtree identify {reference} --offline'
    (tmp_path / "gone").mkdir()
    done = subprocess.run(
        ["bash", "-c", script, sys.executable],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        check=False,
    )
    if reference == "x/../y":
        check_words(done, 2)
    else:
        check_words(done, 3)
        assert "working directory no longer exists" in done.stderr
