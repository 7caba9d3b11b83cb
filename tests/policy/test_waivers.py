"""What need not hold: for a time, or because it never did."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from famtree.errors import UsageError
from famtree.policy.waivers import Excuses, PlacedWaiver
from famtree.types.policy import CheckedCheckpoint, CheckedCondition, CheckReport, Waiver
from rendering import show

TODAY = date(2030, 6, 1)


def waive(ref: str, *conditions: str, expires: date = TODAY) -> PlacedWaiver:
    fields = {"ref": ref, "reason": "being mended", "expires": expires}
    return PlacedWaiver(
        7, Waiver.model_validate({**fields, "conditions": list(conditions) or None})
    )


def make_row(ref: str = "a/b", *failed: str) -> CheckedCheckpoint:
    names = failed or ("expect", "max_status")
    conditions = [
        CheckedCondition.model_validate({"name": name, "holds": False, "message": f"not {name}"})
        for name in names
    ]
    return CheckedCheckpoint.model_construct(
        ref=ref, line=3, result="failed", outcome="identified", conditions=conditions
    )


def report(row: CheckedCheckpoint, excuses: Excuses) -> CheckReport:
    return CheckReport(
        famtree="0",
        policy="famtree.toml",
        passed=int(row.result == "passed"),
        failed=int(row.result == "failed"),
        errors=0,
        checkpoints=[row],
        waivers=excuses.list_waivers(),
        baseline=excuses.describe_baseline(),
    )


@pytest.mark.parametrize("ref", ["a/b", "A/B", "a/*"])
def test_a_waiver_counts_until_its_day_and_is_listed(ref: str) -> None:
    excuses = Excuses([waive(ref)], TODAY)
    row = excuses.excuse(make_row(), "a/b")
    assert row.result == "passed"
    told = report(row, excuses)
    assert (told.exit_code, told.waived) == (0, 2)
    assert [one.state for one in told.waivers] == ["used"]
    for form in ("text", "markdown", "json", "sarif", "junit"):
        assert "being mended" in show("check", form, told)
    assert "suppressions" in show("check", "sarif", told)


def test_of_one_condition_the_others_count() -> None:
    excuses = Excuses([waive("a/b", "expect")], TODAY)
    row = excuses.excuse(make_row(), "a/b")
    assert row.result == "failed"
    assert [one.waived is None for one in row.conditions] == [False, True]


def test_an_expired_waiver_counts_no_longer_and_says_so() -> None:
    excuses = Excuses([waive("a/b", expires=date(2030, 5, 31))], TODAY)
    row = excuses.excuse(make_row(), "a/b")
    assert row.result == "failed"
    told = report(row, excuses)
    assert [one.state for one in told.waivers] == ["expired"]
    assert "expired on 2030-05-31, and counts no longer" in show("check", "text", told)


def test_a_waiver_that_nothing_needs_is_said_to_be_so() -> None:
    excuses = Excuses([waive("c/d")], TODAY)
    told = report(excuses.excuse(make_row(), "a/b"), excuses)
    assert told.exit_code == 1
    assert "until 2030-06-01, not needed" in show("check", "text", told)


def test_a_pattern_of_the_policy_is_waived_as_it_is_written() -> None:
    excuses = Excuses([waive("./models/*")], TODAY)
    assert excuses.excuse(make_row("/srv/models/x"), "./models/*").result == "passed"


def test_a_baseline_keeps_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    path.write_text(show("check", "baseline", report(make_row(), Excuses())))
    excuses = Excuses()
    excuses.read_baseline(str(path))
    row = excuses.excuse(make_row("a/b", "expect", "deny_families"), "a/b")
    assert row.result == "failed"
    assert [one.waived for one in row.conditions] == ["in the baseline", None]
    told = report(row, excuses)
    assert told.baseline is not None
    assert (told.baseline.known, told.baseline.gone) == (1, ["a/b: max_status"])
    again = json.loads(show("check", "baseline", told))
    assert [one["condition"] for one in again["findings"]] == ["expect", "deny_families"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"schema": "x", "findings": []}',
        '{"schema": "famtree/baseline/1", "findings": [{"ref": 1}]}',
    ],
)
def test_another_file_is_no_baseline(tmp_path: Path, text: str) -> None:
    path = tmp_path / "known.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="is no baseline"):
        Excuses().read_baseline(str(path))
    with pytest.raises(UsageError, match="cannot be read"):
        Excuses().read_baseline(str(tmp_path / "absent"))
