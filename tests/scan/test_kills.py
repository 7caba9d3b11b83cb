"""A scan that is killed again and again, of a Hub that fails, ends as one that was left alone."""

from __future__ import annotations

from typing import Any

from conftest import POSIX, ROOT, load_module

KILLS: Any = load_module(ROOT / "benchmarks" / "scan_kills.py")
ROWS = 60
"""benchmarks/scan_kills.py takes 20,000."""


@POSIX
def test_six_kills_change_no_row() -> None:
    trial = KILLS.try_kills(ROWS, 6, 0.05, seed=1, workers=2)
    assert trial.wrong == []
    assert len(trial.killed_at) >= 3  # a process that ends before it is killed counts as none
    assert trial.resumed < KILLS.MOST_RESUMED
