"""How fast, how lean and how safe `famtree scan` is, against a Hub on this machine.

    python benchmarks/scan.py [--repositories 2000] [--latency 0.02]

Rates depend on the machine, which also serves the Hub; ratios, memory and row counts do not. Exits
with 1 if a budget is exceeded.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from loading import load_module  # noqa: E402

NETWORK: Any = load_module(ROOT / "benchmarks" / "network.py")

FEW = 200
LEAST_RATE = 60.0
LEAST_SPEED_UP = 8.0
MOST_GROWTH = 60.0
"""MB that a scan of all may take more than one of FEW."""
FAULT_SHARE = 0.05
NAMED = frozenset({"network", "unreadable", "bad-header", "bad-config", "not-found", "access"})


@dataclass(frozen=True)
class Scan:
    """What one run of the command did."""

    rows: list[dict[str, Any]]
    seconds: float
    peak_memory: float
    """MB, of the process that writes."""

    @property
    def rate(self) -> float:
        """Rows a second, start-up included."""
        return len(self.rows) / self.seconds


@contextmanager
def serve(count: int, latency: float, faults: float = 0.0) -> Iterator[str]:
    """Run a Hub of `count` repositories and yield its address."""
    command = [sys.executable, str(ROOT / "benchmarks" / "scan_hub.py")]
    command += ["--repositories", str(count), "--latency", str(latency), "--faults", str(faults)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def make_surroundings(url: str, folder: Path) -> dict[str, str]:
    """Return the environment of a scan of the Hub at `url` with the caches of `folder`."""
    cleared = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(NETWORK.CLEARED)
    }
    return cleared | {
        "HF_ENDPOINT": url,
        "HF_HOME": str(folder / "hf"),
        "NO_PROXY": "*",
        "PYTHONPATH": str(ROOT / "src"),
        "XDG_CACHE_HOME": str(folder.parent / "cache"),
    }


def scan(url: str, folder: Path, *arguments: str, kill_after: int | None = None) -> Scan:
    """Run `famtree scan` into `folder`/rows.jsonl, killing it after so many rows if asked to."""
    out = folder / "rows.jsonl"
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "famtree", "scan", "--out", str(out), *arguments],
        env=make_surroundings(url, folder),
        stderr=subprocess.DEVNULL,
    )
    while kill_after is not None:
        if out.exists() and out.read_bytes().count(b"\n") >= kill_after:
            process.kill()
            break
        time.sleep(0.05)
    _, _, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    lines = out.read_bytes().split(b"\n")[:-1]
    return Scan([json.loads(line) for line in lines], seconds, usage.ru_maxrss / 1024)


def answers(found: Scan) -> dict[str, tuple[Any, ...]]:
    """Return what each row says, without what it cost."""
    return {
        row["ref"]: (row["outcome"], row["generation"], row["architecture_digest"])
        for row in found.rows
    }


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repositories", type=int, default=2000)
    parser.add_argument("--latency", type=float, default=0.02)
    options = parser.parse_args()
    count = options.repositories
    checks: list[tuple[str, str, bool]] = []

    def check(name: str, told: str, good: bool) -> None:
        checks.append((name, told, good))
        print(f"{name:34} {told:52} {'ok' if good else 'MISSED'}", flush=True)

    everything = ["--filter", "bench"]
    with tempfile.TemporaryDirectory() as held:
        place = Path(held)
        for name in ("warm", "one", "few", "all", "killed", "faults"):
            (place / name).mkdir()
        with serve(count, options.latency) as url:
            scan(url, place / "warm", *everything, "--limit", "4")
            one = scan(url, place / "one", *everything, "--limit", "60", "--workers", "1")
            few = scan(url, place / "few", *everything, "--limit", str(FEW))
            full = scan(url, place / "all", *everything)
            check("rows", f"{len(full.rows)} of {count}", len(answers(full)) == count)
            check("rate, cold", f"{full.rate:.1f} a second", full.rate >= LEAST_RATE)
            speed_up = full.rate / one.rate
            check(
                "against one at a time",
                f"{speed_up:.1f} times ({one.rate:.1f} a second)",
                speed_up >= LEAST_SPEED_UP,
            )
            growth = full.peak_memory - few.peak_memory
            check(
                "memory of the writer",
                f"{few.peak_memory:.0f} MB at {FEW}, {full.peak_memory:.0f} MB at {count}",
                growth <= MOST_GROWTH,
            )
            scan(url, place / "killed", *everything, kill_after=count // 3)
            resumed = scan(url, place / "killed", *everything, "--resume")
            whole = answers(resumed) == answers(full) and len(resumed.rows) == count
            check("killed and resumed", f"{len(resumed.rows)} rows", whole)
        with serve(count, options.latency, FAULT_SHARE) as url:
            faulty = scan(url, place / "faults", *everything)
            failed = Counter(row["error_code"] for row in faulty.rows if row["error_code"])
            right = answers(full)
            wrong = [
                row["ref"]
                for row in faulty.rows
                if row["error_code"] is None and answers(faulty)[row["ref"]] != right[row["ref"]]
            ]
            good = not wrong and len(faulty.rows) == count and set(failed) <= NAMED
            told = ", ".join(f"{code} {times}" for code, times in failed.items()) or "none failed"
            check("5 % of requests faulty", f"{len(wrong)} wrong; {told}", good)
    return int(not all(good for _, _, good in checks))


if __name__ == "__main__":
    sys.exit(main())
