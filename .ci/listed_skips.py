"""pytest plugin: a run fails where a test was skipped for a reason that is not listed.

    PYTHONPATH=.ci pytest -p listed_skips [--skips FILE]

FILE is `.ci/skips.toml` unless told otherwise; `--skips=` allows none. Reasons are regular
expressions that match the whole reason. Expected failures count as skips.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

LIST = Path(__file__).parent / "skips.toml"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the list of reasons."""
    parser.addoption("--skips", default=str(LIST), metavar="FILE", help="reasons to skip a test")


def read_reasons(path: str) -> list[re.Pattern[str]]:
    """Return the patterns of a list; each entry has to say why it is there."""
    if not path:
        return []
    rows = tomllib.loads(Path(path).read_text(encoding="utf-8"))["skip"]
    if not all(row["why"].strip() for row in rows):
        raise pytest.UsageError(f"{path}: a reason without a why")
    return [re.compile(row["reason"]) for row in rows]


def count_reasons(stats: dict[str, list[Any]]) -> Counter[str]:
    """Return how many tests were skipped, or failed as expected, for each reason."""
    found: Counter[str] = Counter()
    for report in stats.get("skipped", []):
        told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        found[told.removeprefix("Skipped: ")] += 1
    for report in stats.get("xfailed", []):
        found[f"fails as expected: {report.wasxfail}"] += 1
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Print every reason, and fail an otherwise green run for one that is not listed."""
    if hasattr(session.config, "workerinput"):
        return  # One of xdist's workers: the process that started it hears of every skip.
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    path = session.config.getoption("skips")
    listed = read_reasons(path)
    reporter.write_line("")
    for reason, count in sorted(count_reasons(reporter.stats).items()):
        known = any(pattern.fullmatch(reason) for pattern in listed)
        told = "listed" if known else f"NOT LISTED in {path}" if path else "NOT ALLOWED"
        reporter.write_line(f"skipped {count}, {told}: {reason}")
        if not known and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
