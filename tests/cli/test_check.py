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
    ("counts", "code"),
    [
        ({"passed": 1}, 0),
        ({"failed": 1}, 1),
        ({"errors": 1}, 3),
        ({"failed": 1, "errors": 1}, 1),
    ],
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
        ("baseline", "{"),
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


def test_a_faulty_policy_is_reported_in_every_form(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All faults at once, each at its line, so that a step that uploads reports finds them."""
    monkeypatch.chdir(tmp_path)
    Path("famtree.toml").write_text(FAULTY)
    forms = ("sarif", "junit", "markdown", "json", "text")
    done = command("check", *(word for form in forms for word in ("--write", f"{form}=out.{form}")))
    assert done.code == 2
    for line, told in FAULTS.items():
        assert f"famtree.toml:{line}: {told}" in done.err.replace("checkpoint.0.", "")
    log = json.loads(Path("out.sarif").read_text())["runs"][0]
    assert log["invocations"] == [{"executionSuccessful": False}]
    lines = [
        one["locations"][0]["physicalLocation"]["region"]["startLine"] for one in log["results"]
    ]
    assert sorted(lines) == sorted(FAULTS)
    assert {one["ruleId"] for one in log["results"]} == {"policy"}
    assert Path("out.junit").read_text().count("<error ") == len(FAULTS)
    assert Path("out.markdown").read_text().count("- line ") == len(FAULTS)
    assert len(json.loads(Path("out.json").read_text())["faults"]) == len(FAULTS)


FAULTY = """\
schema = "famtree/policy/1"
[[checkpoint]]
ref = "a/b"
expects = "llama"
min_confidence = "0.9"
max_status = "consistant"
deny_families = ["lama"]
[[waiver]]
ref = "a/b"
reason = "later"
expires = "2030-01-31"
"""
FAULTS = {
    4: "expects: no such key; did you mean expect or expect_parent?",
    5: "min_confidence: has to be a number, without quotes",
    6: "max_status: has to be one of verified, consistent, declared, inferred, unresolved, "
    "contradicted; did you mean consistent?",
    7: "deny_families: no family 'lama'; did you mean llama",
    11: "waiver.0.expires: has to be a date without quotes, such as 2030-01-31",
}


@pytest.mark.parametrize("text", ["x = [", "\n\nx = = 1\n"])
def test_what_is_no_toml_is_reported_too(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("famtree.toml").write_text(text)
    assert command("check", "--write", "sarif=out.sarif").code == 2
    [result] = json.loads(Path("out.sarif").read_text())["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["region"]["startLine"] == max(1, text.count("\n"))
