"""Processor time of `famtree`'s start, as multiples of an empty Python, and its peak memory.

    python benchmarks/startup.py [--runs N] [--profile]

Ratios, not seconds: they hold on any machine. What typer itself takes to read identify's options,
for a command that does nothing, is measured beside: no answer can be had for less. `--profile`
prints what importing each package takes of an identify. Exits with 1 if a budget is exceeded.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from loading import load_module  # noqa: E402

FIXTURE = "qwen2.5-7b"
# ru_maxrss is in kibibytes on Linux and in bytes on macOS.
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Case:
    """One command line and what it may cost."""

    name: str
    arguments: list[str]
    most_times: float | None = None
    """Multiple of the first case's median."""
    most_memory: float | None = None
    """Peak resident set, MB."""


@dataclass(frozen=True)
class Spent:
    """What one run of a program took."""

    seconds: float
    cpu: float
    """Seconds of processor time, of all its threads and children."""
    megabytes: float
    """Peak resident set of its largest process."""
    code: int
    out: str
    err: str


_LAUNCHER = """
import os, sys, time
started = time.perf_counter()
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
told = time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, status
with open(sys.argv[1], "w") as stream:
    stream.write(" ".join(map(str, told)))
"""
# A child's peak memory counts from its parent's, so a small process starts the measured one.


def run_program(command: list[str], environment: dict[str, str]) -> Spent:
    """Run `command` once."""
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER]
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        tempfile.NamedTemporaryFile() as told,
    ):
        subprocess.run(
            [*launcher, told.name, *command], stdout=out, stderr=err, env=environment, check=True
        )
        seconds, cpu, peak, status = told.read().split()
        out.seek(0)
        err.seek(0)
        return Spent(
            float(seconds),
            float(cpu),
            int(peak) * MAXRSS_UNIT / 1e6,
            os.waitstatus_to_exitcode(int(status)),
            out.read().decode("utf-8", "replace"),
            err.read().decode("utf-8", "replace"),
        )


def measure(arguments: list[str], environment: dict[str, str]) -> Spent:
    """Run this Python with `arguments` once; stops the benchmark when that fails."""
    spent = run_program([sys.executable, *arguments], environment)
    if spent.code:
        raise SystemExit(f"{arguments} exited with {spent.code}: {spent.err}")
    return spent


def make_environment(folder: Path) -> dict[str, str]:
    """Return the surroundings of an installed command: bytecode and registry compiled once."""
    environment = {
        **os.environ,
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def make_fixture(folder: Path) -> Path:
    """Build a fixture checkpoint of common size (four shards, a vocabulary) in `folder`."""
    module = load_module(ROOT / "fixtures" / "make_fixtures.py")
    target: Path = module.build_fixture(FIXTURE, folder / FIXTURE)
    return target


def run_cases(cases: list[Case], environment: dict[str, str], runs: int) -> dict[str, list[Spent]]:
    """Run every case `runs` times and return what each run took, by the case's name."""
    for case in cases:
        # Warms the file cache, the bytecode and the compiled registry.
        measure(case.arguments, environment)
    spent: dict[str, list[Spent]] = {case.name: [] for case in cases}
    # Interleaved, so that a slow spell of the machine hits every case alike.
    for _ in range(runs):
        for case in cases:
            spent[case.name].append(measure(case.arguments, environment))
    return spent


def report(cases: list[Case], environment: dict[str, str], runs: int) -> int:
    """Run every case `runs` times, print a table and return 1 if a budget is exceeded, else 0."""
    spent = run_cases(cases, environment, runs)
    base = statistics.median(one.cpu for one in spent[cases[0].name])
    failed = False
    print(f"{'command':32} {'cpu ms':>10} {'times':>7} {'most':>5} {'peak MB':>8} {'most':>5}")
    for case in cases:
        median = statistics.median(one.cpu for one in spent[case.name])
        peak = max(one.megabytes for one in spent[case.name])
        print(
            f"{case.name:32} {median * 1000:10.1f} {median / base:7.1f} "
            f"{case.most_times or '':>5} {peak:8.1f} {case.most_memory or '':>5}"
        )
        failed |= case.most_times is not None and median / base > case.most_times
        failed |= case.most_memory is not None and peak > case.most_memory
    if failed:
        print("over budget", file=sys.stderr)
    return int(failed)


PASS = Case("python -c pass", ["-c", "pass"])
"""What every time is a multiple of."""
_OPTIONS_ALONE = """
import functools, typer
from famtree.cli.identify import identify
app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
app.command()(functools.wraps(identify)(lambda **options: None))
app()
"""


def print_profile(arguments: list[str], environment: dict[str, str], runs: int) -> None:
    """Print the milliseconds that importing each package takes, the least of `runs`, and their sum.

    Measured by Python's own `-X importtime`, which makes all of it somewhat slower.
    """
    least: dict[str, int] = {}
    for _ in range(runs):
        told = measure(["-X", "importtime", *arguments], environment).err
        for own, _, module in (
            line[12:].split("|") for line in told.splitlines()[1:] if "|" in line
        ):
            name = module.strip()
            least[name] = min(int(own), least.get(name, int(own)))
    packages: Counter[str] = Counter()
    for name, microseconds in least.items():
        packages[name.partition(".")[0]] += microseconds
    for name, microseconds in packages.most_common(12):
        print(f"{name:32} {microseconds / 1000:10.1f}")
    print(f"{'all imports':32} {packages.total() / 1000:10.1f}")


def make_cases(folder: Path) -> list[Case]:
    """Build a checkpoint in `folder` and return the commands that are timed."""
    identify = ["-m", "famtree", "identify", str(make_fixture(folder))]
    return [
        PASS,
        Case("famtree --help", ["-m", "famtree", "--help"], 10, 60),
        Case("identify's options by typer", ["-c", _OPTIONS_ALONE, identify[-1]]),
        Case("famtree identify FOLDER", identify, 25, 120),
        Case("famtree identify FOLDER --json", [*identify, "--json"], 25, 120),
    ]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cases, environment = make_cases(Path(folder)), make_environment(Path(folder))
        code = report(cases, environment, options.runs)
        if options.profile:
            print_profile(cases[-1].arguments, environment, options.runs)
        return code


if __name__ == "__main__":
    sys.exit(main())
