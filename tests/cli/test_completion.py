"""What Tab offers: by the protocol of each shell's script, and in the shells where installed."""

from __future__ import annotations

import os
import select
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.commands import Command
from conftest import ROOT
from famtree.cli.completion import VARIABLE
from famtree.registry.load import load_registry

FAMTREE = [sys.executable, "-m", "famtree"]
SHELLS = ("bash", "zsh", "fish")
POWERSHELLS = ("powershell", "pwsh")
FAMILY = next(one for one in load_registry().families if len(one.generations) > 2)
KEYS = [one.key for one in load_registry().families]


def ask(line: str, shell: str = "bash", **variables: str) -> tuple[int, str, str]:
    """Ask as the script of `shell` does, with the cursor at the end of `line`."""
    environment = {**os.environ, VARIABLE: f"complete_{shell}", **variables}
    if shell == "bash":
        environment |= {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    else:
        environment["_TYPER_COMPLETE_ARGS"] = line
    done = subprocess.run(FAMTREE, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def offered(line: str) -> list[str]:
    code, out, err = ask(line)
    assert (code, err) == (0, "")
    return out.split()


def test_commands_and_options() -> None:
    assert {"identify", "families", "completion"} <= set(offered("famtree "))
    assert offered("famtree identify x --exp") == ["--expect", "--expect-parent"]
    assert set(offered("famtree lineage x --format m")) == {"markdown", "mermaid"}
    assert offered("famtree completion z") == ["zsh"]


@pytest.mark.parametrize(
    "line",
    ["families show ", "identify x --allow-family ", "identify --deny-family ",
     "identify x --deny-family one --expect "],
)  # fmt: skip
def test_family_keys(line: str) -> None:
    assert set(KEYS) <= set(offered(f"famtree {line}"))
    wanted = FAMILY.key[:3]
    found = {one for one in offered(f"famtree {line}{wanted}") if "/" not in one}
    assert found == {key for key in KEYS if key.startswith(wanted)}


def test_generations_once_the_family_is_settled() -> None:
    full = [f"{FAMILY.key}/{one.key}" for one in FAMILY.generations]
    assert offered(f"famtree identify x --expect {FAMILY.key}/") == full
    assert offered("famtree identify x --expect no-such-family/") == []


def test_engines() -> None:
    assert offered("famtree compare a b --engine vll") == ["vllm"]


@pytest.mark.parametrize(
    "line", ["identify ", "lineage fix", "check ", "families check --folder fix", "scan --from x"]
)
def test_paths_are_left_to_the_shell(line: str) -> None:
    assert offered(f"famtree {line}") == []
    assert ask(f"famtree {line}", "zsh")[1] == "_files\n"
    # fish asks first whether there is anything to offer instead of files.
    assert ask(f"famtree {line}", "fish", _TYPER_COMPLETE_FISH_ACTION="is-args")[0] == 1


@pytest.mark.parametrize("instruction", ["complete_tcsh", "nonsense", "source", "complete_bash"])
def test_a_shell_that_asks_wrongly_is_not_answered_with_a_traceback(instruction: str) -> None:
    done = subprocess.run(
        FAMTREE, env={**os.environ, VARIABLE: instruction}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("shell", POWERSHELLS)
def test_powershell(command: Command, shell: str) -> None:
    """Its script takes a line apart at `:::`: what to insert, and what to say of it."""
    script = command("completion", shell).out
    assert f'$Env:{VARIABLE} = "complete_powershell"' in script
    assert "Register-ArgumentCompleter -Native -CommandName famtree" in script
    assert '-Split ":::"' in script
    word = FAMILY.key[:-1]
    line = f"famtree families show {word}"
    code, out, err = ask(line, shell, _TYPER_COMPLETE_WORD_TO_COMPLETE=word)
    assert (code, err) == (0, "")
    offers = dict(one.split(":::") for one in out.splitlines())
    assert offers[FAMILY.key] == FAMILY.name


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts_are_printed(command: Command, shell: str) -> None:
    done = command("completion", shell)
    assert (done.code, done.err) == (0, "")
    assert f"{VARIABLE}=complete_{shell}" in done.out


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with `famtree` in `programs`, a script for each shell, and two files."""
    programs = tmp_path / "programs"
    programs.mkdir()
    famtree = programs / "famtree"
    famtree.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m famtree "$@"\n')
    famtree.chmod(0o755)
    for shell in SHELLS:
        script = subprocess.run(
            [*FAMTREE, "completion", shell], capture_output=True, text=True, check=True
        ).stdout
        (tmp_path / f"script.{shell}").write_text(script)
    (tmp_path / "checkpoint-folder").mkdir()
    return tmp_path


def make_environment(place: Path) -> dict[str, str]:
    path = f"{place / 'programs'}{os.pathsep}{os.environ['PATH']}"
    python = str(ROOT / "src")
    return {**os.environ, "PATH": path, "PYTHONPATH": python, "HOME": str(place), "TERM": "dumb"}


def find_shell(name: str) -> str:
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    return program


def type_into(program: list[str], setup: str, typed: str, place: Path, wanted: str) -> str:
    """Start an interactive shell, type, and return the screen once `wanted` is on it."""
    pty = pytest.importorskip("pty", reason="POSIX only")
    parent, child = pty.openpty()
    process = subprocess.Popen(
        program, stdin=child, stdout=child, stderr=child, cwd=place,
        env=make_environment(place), start_new_session=True,
    )  # fmt: skip
    os.close(child)
    screen = ""

    def read_until(mark: str, seconds: float) -> None:
        nonlocal screen
        deadline = time.monotonic() + seconds
        while mark not in screen and time.monotonic() < deadline:
            if select.select([parent], [], [], 0.2)[0]:
                screen += os.read(parent, 4096).decode(errors="replace")

    try:
        os.write(parent, f"{setup}; echo re''ady\n".encode())
        read_until("ready", 60)
        screen = ""
        os.write(parent, typed.encode())
        read_until(wanted, 60)
    finally:
        process.kill()
        process.wait()
        os.close(parent)
    return screen


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [("famtree fam\t", "famtree families"),
     (f"famtree families show {FAMILY.key[:-1]}\t", FAMILY.key),
     ("famtree identify check\t", "checkpoint-folder/")],
)  # fmt: skip
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_tab_in_a_shell(place: Path, shell: str, typed: str, wanted: str) -> None:
    program = find_shell(shell)
    options = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}[shell]
    setup = f"source {shlex.quote(str(place / f'script.{shell}'))}"
    if shell == "zsh":
        setup = f"autoload -U compinit; compinit -u -D; {setup}"
    screen = type_into([program, *options], setup, typed, place, wanted)
    assert wanted in screen


@pytest.mark.parametrize(
    ("line", "wanted"),
    [("famtree fam", "families"), (f"famtree families show {FAMILY.key[:-1]}", FAMILY.key),
     ("famtree identify check", "checkpoint-folder/")],
)  # fmt: skip
def test_completion_in_fish(place: Path, line: str, wanted: str) -> None:
    program = find_shell("fish")
    script = f"source {shlex.quote(str(place / 'script.fish'))}; complete -C {shlex.quote(line)}"
    done = subprocess.run(
        [program, "--no-config", "-c", script],
        capture_output=True, text=True, cwd=place, env=make_environment(place), check=True,
    )  # fmt: skip
    assert wanted in [one.partition("\t")[0] for one in done.stdout.splitlines()]
