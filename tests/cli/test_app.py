from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

import famtree
from cli.commands import Command
from conftest import POSIX
from famtree.cli.app import main

FAMTREE = [sys.executable, "-m", "famtree"]


def test_version(command: Command) -> None:
    done = command("--version")
    assert (done.code, done.out, done.err) == (0, f"famtree {famtree.__version__}\n", "")


def test_help_is_on_stdout(command: Command) -> None:
    done = command("--help")
    assert (done.code, done.err) == (0, "")
    for name in ("identify", "families", "schema", "--version"):
        assert name in done.out


def test_without_a_command_help_goes_to_stderr(command: Command) -> None:
    done = command()
    assert (done.code, done.out) == (2, "")
    assert "Commands:" in done.err


def test_main_exits_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["famtree", "--version"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0


def test_module_runs_as_the_command() -> None:
    done = subprocess.run([*FAMTREE, "no-such-command"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["schema", "error"], ["--version"]])
def test_closed_pipe_is_quiet(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as stdout:
        done = subprocess.run([*FAMTREE, *arguments], stdout=stdout, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")


def test_utf8_whatever_the_locale() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [*FAMTREE, "families", "show", "ключ"], capture_output=True, env=environment
    )
    assert done.returncode == 2
    assert "ключ" in done.stderr.decode("utf-8")


@POSIX
def test_interrupted_process_exits_130() -> None:
    code = (
        "import sys, time, types, famtree\n"
        "def identify(*a, **k):\n"
        "    print('ready', file=sys.stderr, flush=True)\n"
        "    time.sleep(30)\n"
        "api = types.SimpleNamespace(identify=identify)\n"
        "sys.modules['famtree.api'] = famtree.api = api\n"
        "sys.argv = ['famtree', 'identify', 'acme/oak']\n"
        "from famtree.cli.app import main\n"
        "main()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert process.stderr.readline() == b"ready\n"
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"Traceback" not in err


def test_only_the_command_asked_for_is_imported() -> None:
    code = "import sys; from famtree.cli.app import make_app; make_app({!r}); print(*sys.modules)"
    for asked, absent in (("schema", "famtree.cli.identify"), ("identify", "famtree.cli.schema")):
        done = subprocess.run(
            [sys.executable, "-c", code.format(asked)], capture_output=True, text=True, check=True
        )
        loaded = done.stdout.split()
        assert f"famtree.cli.{asked}" in loaded
        assert absent not in loaded
