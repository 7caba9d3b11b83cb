"""What the header of a GGUF file with the largest released vocabulary may cost."""

from __future__ import annotations

import re
import subprocess
import sys

from conftest import ROOT

LINE = re.compile(r"^(?P<name>.+?) {2,}(?P<value>[\d,.]+) \S* *\(most (?P<most>[\d,.]+)\)", re.M)


def test_budgets() -> None:
    # A process of its own: huggingface_hub reads its endpoint once, on import.
    run = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "gguf_header.py")],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    figures = [
        (float(one["value"].replace(",", "")), float(one["most"].replace(",", "")))
        for one in LINE.finditer(run.stdout)
    ]
    assert [most for _, most in figures] == [0.4, 1_000_000, 20_000_000, 0]
    _, (briefly, _), (whole, _), _ = figures
    assert briefly > 60_000
    assert whole > 15_000_000  # a small header would prove nothing
