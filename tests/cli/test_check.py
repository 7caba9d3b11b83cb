from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.commands import Command, FakeApi
from famtree.errors import UsageError
from famtree.types.policy import CheckedCheckpoint, CheckReport


def make_report(**counts: int) -> CheckReport:
    fields: dict[str, Any] = {"passed": 0, "failed": 0, "errors": 0, **counts}
    row = CheckedCheckpoint(ref="a/b", line=3, result="passed")
    return CheckReport(famtree="0", policy="famtree.toml", checkpoints=[row], **fields)


@pytest.mark.parametrize(
    ("counts", "code"), [({"passed": 1}, 0), ({"failed": 1}, 1), ({"errors": 1}, 1)]
)
def test_exit_codes(command: Command, fake_api: FakeApi, counts: Any, code: int) -> None:
    fake_api.answer = make_report(**counts)
    assert command("check").code == code
    assert fake_api.calls[0][0] == ("famtree.toml",)


def test_a_faulty_policy_is_usage(command: Command, fake_api: FakeApi) -> None:
    fake_api.answer = UsageError("famtree.toml:3: no")
    done = command("check", "x.toml", "--json")
    assert (done.code, done.document["error"]["code"]) == (2, "usage")


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("text", "✔ a/b"),
        ("json", "{"),
        ("junit", "<?xml"),
        ("sarif", "{"),
        ("markdown", "### famtree check: passed"),
    ],
)
def test_formats(
    command: Command, fake_api: FakeApi, tmp_path: Path, form: str, start: str
) -> None:
    fake_api.answer = make_report(passed=1)
    target = tmp_path / "out"
    done = command("check", "--format", form, "--write", f"{form}={target}")
    assert done.out.startswith(start)
    assert target.read_text(encoding="utf-8") == done.out
    if start == "{":
        json.loads(done.out)
