"""What a command and all processes below it take, sampled from /proc: Linux alone.

A scan's workers are killed with the server that forks them, so that no parent is told what they
took.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_PAUSE = 0.05
"""Seconds between two looks; what a process takes after the last one is not counted."""
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass
class Tree:
    """What was seen of the processes, by number and start."""

    cpu: dict[tuple[int, str], float] = field(default_factory=dict)
    """Seconds of processor time."""
    megabytes: dict[tuple[int, str], float] = field(default_factory=dict)
    """Peak resident set."""

    def look(self, root: int) -> None:
        """Look at `root` and what is below it now."""
        seen = {}
        for path in Path("/proc").iterdir():
            if path.name.isdigit() and (told := _read_status(path)) is not None:
                seen[int(path.name)] = told
        below, new = set[int](), {root}
        while new:
            below |= new
            new = {number for number in seen if seen[number][0] in new} - below
        for number in below & seen.keys():
            _, start, cpu, megabytes = seen[number]
            self.cpu[number, start] = cpu
            self.megabytes[number, start] = max(megabytes, self.megabytes.get((number, start), 0))


def _read_status(path: Path) -> tuple[int, str, float, float] | None:
    """Return parent, start, processor time and peak megabytes; None for a process that is gone."""
    try:
        stat = (path / "stat").read_text().rpartition(")")[2].split()
        peak = next(
            (
                int(line.split()[1])
                for line in (path / "status").read_text().splitlines()
                if line.startswith("VmHWM:")
            ),
            0,
        )
    except OSError:
        return None
    return int(stat[1]), stat[19], (int(stat[11]) + int(stat[12])) / _TICKS, peak / 1000


def run_tree(command: list[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Run a command; return the processor seconds of all its processes and the largest's MB.

    Stops the benchmark when it fails.
    """
    if sys.platform != "linux":
        raise SystemExit("processes are sampled from /proc, which is Linux'")
    tree = Tree()
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        tree.look(process.pid)
        time.sleep(_PAUSE)
    if process.returncode:
        raise SystemExit(f"{command} exited with {process.returncode}")
    return sum(tree.cpu.values()), max(tree.megabytes.values(), default=0.0)
