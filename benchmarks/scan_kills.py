"""Whether a scan that is killed again and again ends as one that was left alone, row by row.

    python benchmarks/scan_kills.py [--rows 2000] [--kills 6] [--faults 0.05] [--seed 0]

A Hub on this machine is scanned once without faults and without a stop. Then it is scanned with so
large a share of its answers faulty, and the command is killed (SIGKILL) after a number of rows that
is drawn at random, and gone on with by `--resume`, as often as asked; it is resumed until it ends
well and no row is left that failed for a passing reason. Every column of every row has to be equal
but what it cost. Exits with 1 otherwise, and where memory grows with the rows.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

from famtree.scan.jsonl import PASSING, read_rows  # noqa: E402
from scan import make_surroundings, serve  # noqa: E402

COSTS = ("requests", "bytes", "seconds")
MOST_RESUMED = 10
"""Resumptions after the last kill, each of which asks again for what failed of the network."""
MOST_GROWTH = 60.0
"""MB that the writing process may take more for all rows than for a tenth of them."""


@dataclass
class Trial:
    """What became of one scan that was killed."""

    rows: int
    killed_at: list[int] = field(default_factory=list)
    """Rows that were there at each kill."""
    resumed: int = 0
    passing: int = 0
    """Rows that failed for a passing reason and were asked again after the last kill."""
    wrong: list[str] = field(default_factory=list)
    """References whose row is missing, doubled or another one."""
    missing: int = 0
    growth: float = 0.0
    """MB of the writing process, uninterrupted, beyond what a tenth of the rows takes."""


def try_kills(rows: int, kills: int, faults: float, seed: int, workers: int | None = None) -> Trial:
    """Scan, scan again with faults and kills, and compare."""
    trial = Trial(rows)
    drawn = random.Random(seed)
    more = ["--workers", str(workers)] if workers else []
    with tempfile.TemporaryDirectory() as held:
        place = Path(held)
        for name in ("few", "whole", "killed"):
            (place / name).mkdir()
        with serve(rows, 0.0) as url:
            few = _finish(_start(url, place / "few", "--limit", str(max(1, rows // 10)), *more))
            whole = _finish(_start(url, place / "whole", *more))
            trial.growth = (whole - few) / 1024
            right = _read(place / "whole")
        with serve(rows, 0.0, faults) as url:
            out = place / "killed" / "rows.jsonl"
            for at in sorted(drawn.sample(range(1, max(kills + 1, rows * 9 // 10)), kills)):
                process = _start(url, place / "killed", "--resume", *more)
                _kill_at(process, _make_counter(out), at, drawn.random() / 5)
                _finish(process)
                if process.returncode == -signal.SIGKILL:
                    trial.killed_at.append(_make_counter(out)())
            for _ in range(MOST_RESUMED):
                process = _start(url, place / "killed", "--resume", *more)
                _finish(process)
                trial.resumed += 1
                failed = [row for row in read_rows(out) if row["error_code"] in PASSING]
                if not failed and process.returncode == 0:  # else the list itself met a fault
                    break
                trial.passing += len(failed)
            found = _read(place / "killed")
        trial.wrong = sorted(
            ref for ref in right.keys() | found.keys() if right.get(ref) != found.get(ref)
        )
        trial.missing = len(right.keys() - found.keys())
        if len(right) != rows:
            trial.wrong.append(f"{len(right)} rows without a stop, of {rows}")
        return trial


def _start(url: str, folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    out = folder / "rows.jsonl"
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "famtree",
            "scan",
            "--filter",
            "bench",
            "--out",
            str(out),
            *arguments,
        ],
        env=make_surroundings(url, folder),
        stderr=subprocess.DEVNULL,
    )


def _finish(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end and return the peak KiB of the process that writes."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss


def _kill_at(
    process: subprocess.Popen[bytes], count: Callable[[], int], rows: int, later: float
) -> None:
    """Kill once so many rows are written, and somewhat later: in the middle of whatever it does.

    A process that ends by itself before is killed no more.
    """
    while (
        count() < rows
        and os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    ):
        time.sleep(0.02)
    time.sleep(later)
    os.kill(process.pid, signal.SIGKILL)  # Popen's own would take the exit status


def _make_counter(path: Path) -> Callable[[], int]:
    """Return what counts the lines of a file that grows, or is put in another's place."""
    at = lines = number = 0

    def count() -> int:
        nonlocal at, lines, number
        try:
            with path.open("rb") as stream:
                status = os.fstat(stream.fileno())
                if status.st_ino != number or status.st_size < at:
                    at, lines, number = 0, 0, status.st_ino
                stream.seek(at)
                added = stream.read()
        except FileNotFoundError:
            return 0
        at, lines = at + len(added), lines + added.count(b"\n")
        return lines

    return count


def _read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return what the rows of each reference say, without what they cost."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in read_rows(folder / "rows.jsonl"):
        said = {name: value for name, value in row.items() if name not in COSTS}
        if said["document"]:
            document = json.loads(said["document"])
            del document["cost"]
            said["document"] = document
        found.setdefault(row["ref"], []).append(said)
    return found


def main() -> int:
    """Print what became of it; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--faults", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    trial = try_kills(options.rows, options.kills, options.faults, options.seed)
    print(f"rows                    {trial.rows}, {options.faults:.0%} of answers faulty")
    print(f"killed with rows        {', '.join(map(str, trial.killed_at))}")
    print(f"resumed to the end      {trial.resumed} times, {trial.passing} rows asked again")
    print(f"other rows              {len(trial.wrong)}")
    for line in trial.wrong[:10]:
        print(f"    {line}")
    print(f"of these missing        {trial.missing}")
    print(f"memory of the writer    {trial.growth:+.0f} MB from a tenth of the rows to all")
    return int(bool(trial.wrong) or trial.growth > MOST_GROWTH)


if __name__ == "__main__":
    sys.exit(main())
