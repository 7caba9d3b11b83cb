"""Break every guard of scripts/guards.toml, one at a time, and see that a test notices.

    python scripts/check_guards.py [WORD...] [--suite-passed] [--part 1/2]

WORDs choose guards by name. `--suite-passed` spares running their tests unbroken first, where the
whole suite has just passed. `--part` takes every so many-th guard, for processes side by side.
Works in a copy of what git tracks. Prints a table; exits with 1 when a guard can be broken
unnoticed, when its text is no longer found exactly once, or when its tests fail unbroken.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIST = ROOT / "scripts" / "guards.toml"
TESTS_FAILED = 1
"""pytest's exit code; any other but 0 means that the tests could not even be run."""


@dataclass(frozen=True)
class Guard:
    """One check of the code, how to break it, and the tests that have to notice."""

    name: str
    file: str
    text: str
    broken: str
    tests: str


def load_guards() -> list[Guard]:
    """Return the list, checked to name each guard once."""
    guards = [Guard(**row) for row in tomllib.loads(LIST.read_text(encoding="utf-8"))["guard"]]
    if len({guard.name for guard in guards}) != len(guards):
        raise SystemExit("two guards have one name")
    return guards


def copy_project(target: Path) -> None:
    """Copy the files git tracks, as they are now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def run_tests(folder: Path, tests: str) -> int:
    """Run `tests` (arguments of pytest) in `folder` and return the exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *shlex.split(tests)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode


def write(path: Path, text: str) -> None:
    """Write `text` at a time no version of the file had: bytecode is kept by whole seconds."""
    later = path.stat().st_mtime + 2
    path.write_text(text, encoding="utf-8")
    os.utime(path, (later, later))


def check(folder: Path, guard: Guard) -> str:
    """Return what is wrong with `guard`; empty when a test notices that it is broken."""
    path = folder / guard.file
    sound = path.read_text(encoding="utf-8")
    if sound.count(guard.text) != 1:
        return f"its text is found {sound.count(guard.text)} times"
    write(path, sound.replace(guard.text, guard.broken))
    try:
        code = run_tests(folder, guard.tests)
    finally:
        write(path, sound)
    if code == 0:
        return "SURVIVED: no test noticed"
    return "" if code == TESTS_FAILED else f"its tests could not be run (pytest exit code {code})"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--suite-passed", action="store_true")
    parser.add_argument("--part", default="1/1", metavar="N/M")
    options = parser.parse_args()
    part, parts = map(int, options.part.split("/"))
    words = options.words
    named = [g for g in load_guards() if not words or any(word in g.name for word in words)]
    guards = named[part - 1 :: parts]
    unbroken = [] if options.suite_passed else sorted({guard.tests for guard in guards})
    failed = 0
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held) / "project"
        copy_project(folder)
        if faulty := [tests for tests in unbroken if run_tests(folder, tests)]:
            print("these fail with every guard in place:", *faulty, sep="\n    ")
            return 1
        for guard in guards:
            fault = check(folder, guard)
            failed += bool(fault)
            print(f"{guard.name:45} {fault or 'noticed'}", flush=True)
    print(f"{len(guards) - failed} of {len(guards)} guards are held by a test")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
