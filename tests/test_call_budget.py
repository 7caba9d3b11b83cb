"""How many function calls an answer takes: a count that no busy machine changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import cProfile, sys
sys.argv = ["famtree", *sys.argv[1:]]
from famtree.cli.app import main
profile = cProfile.Profile()
try:
    profile.runcall(main)
except SystemExit as stopped:
    assert not stopped.code
print(sum(entry.callcount for entry in profile.getstats()), file=sys.stderr)
"""
HELP, IDENTIFY, COMPARE = 60_000, 510_000, 730_000
"""Most calls, of Python's and C's functions: a tenth above what CPython 3.11 makes with 190
families on record. Newer versions make fewer."""
LEAST = 5_000
"""Fewer were no answer."""


def count_calls(*arguments: str) -> int:
    """Return the calls of one command that finds bytecode and the compiled registry in place."""
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments],
            env=os.environ | {"PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=True,
        )
    return int(done.stderr.split()[-1])


def test_help() -> None:
    assert LEAST < count_calls("--help") < HELP


def test_local_identify(fixture_checkpoints: dict[str, Path]) -> None:
    folder = str(fixture_checkpoints["qwen2.5-7b"])
    assert LEAST < count_calls("identify", folder, "--json") < IDENTIFY


def test_local_compare(fixture_checkpoints: dict[str, Path]) -> None:
    folders = [str(fixture_checkpoints[name]) for name in ("qwen2.5-7b", "llama-3.1-8b")]
    assert LEAST < count_calls("compare", *folders, "--json") < COMPARE
