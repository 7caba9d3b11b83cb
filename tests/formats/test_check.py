from __future__ import annotations

import json
import re
from typing import get_args
from xml.etree import ElementTree

from famtree.formats.check_sarif import FAULTY, RULES, UNCHECKED, build_sarif
from famtree.types.policy import (
    CheckedCheckpoint,
    CheckedCondition,
    CheckError,
    CheckReport,
    ConditionName,
)
from rendering import show

HOSTILE = "a|b`c`<img src=x>\n# h [l](http://x) \x1b[31m\u202e\ufffe]]>&\ud800"


def make_report(*rows: CheckedCheckpoint, policy: str = "famtree.toml") -> CheckReport:
    results = [row.result for row in rows]
    return CheckReport(
        famtree="0",
        policy=policy,
        passed=results.count("passed"),
        failed=results.count("failed"),
        errors=results.count("error"),
        checkpoints=list(rows),
    )


def make_hostile() -> CheckReport:
    condition = CheckedCondition.model_construct(name="expect", holds=False, message=HOSTILE)
    error = CheckError.model_construct(code="access", message=HOSTILE, hint=HOSTILE, exit_code=3)
    make = CheckedCheckpoint.model_construct
    return make_report(
        make(ref=HOSTILE, line=1, result="failed", outcome="unknown", conditions=[condition]),
        make(ref=HOSTILE, line=2, result="error", error=error),
    ).model_copy(update={"policy": HOSTILE})


def test_every_condition_has_a_rule() -> None:
    assert set(RULES) == {*get_args(ConditionName), UNCHECKED, FAULTY}


def test_text_keeps_one_line_for_each_thing() -> None:
    text = show("check", "text", make_hostile())
    assert len(text.splitlines()) == 5
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_markdown_shows_markup_and_obeys_none() -> None:
    table = show("check", "markdown", make_hostile()).splitlines()[4:]
    assert len(table) == 4
    for line in table[2:]:
        assert line.count("|") - line.count("\\|") == 6
        assert not set("\x1b\u202e") & set(line)
        assert not re.search(r"(?<!\\)[`<\[]", line)


def test_junit_is_xml_whatever_a_name_has() -> None:
    text = show("check", "junit", make_hostile())
    root = ElementTree.fromstring(text.encode("utf-8"))
    failure, error = root.find(".//failure"), root.find(".//error")
    assert failure is not None
    assert error is not None
    assert failure.attrib["message"].startswith("a|b`c`<img src=x>\\n# h")
    assert error.attrib["type"] == "access"


def test_sarif_names_the_policy_by_an_address() -> None:
    log = build_sarif(make_hostile())
    [first, second] = log["runs"][0]["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 1}
    assert " " not in place["artifactLocation"]["uri"]
    assert second["ruleId"] == UNCHECKED
    json.dumps(log)


def test_sarif_addresses() -> None:
    def address(policy: str) -> str:
        log = build_sarif(make_hostile().model_copy(update={"policy": policy}))
        place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
        return str(place["artifactLocation"]["uri"])

    assert address("ci/my policy.toml") == "ci/my%20policy.toml"
    assert address("./famtree.toml") == "famtree.toml"
    assert address("/srv/famtree.toml") == "file:///srv/famtree.toml"
