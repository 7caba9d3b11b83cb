"""`CheckReport` as SARIF 2.1.0 (OASIS, docs.oasis-open.org/sarif/sarif/v2.1.0).

A result is a condition that does not hold, at the checkpoint's line of the policy file: what code
scanning shows beside the line somebody would have to change.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from famtree.types.policy import CheckedCheckpoint, CheckReport

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
UNCHECKED = "unchecked"
FAULTY = "policy"
RULES = {
    "expect": "The checkpoint is of the expected family or generation.",
    "min_confidence": "The answer has at least the asked-for confidence.",
    "allow_families": "The checkpoint is of an allowed family.",
    "deny_families": "The checkpoint is of no denied family.",
    "expect_parent": "The checkpoint comes from the expected parent.",
    "max_status": "No link of the ancestry has a worse status than accepted.",
    "require_licence_compatible": "No licence of the ancestry is looser than the parent's.",
    "deny_renamed": "The checkpoint and its parents are asked for by their present names.",
    "attested_by": "A statement about its very files is signed by the key.",
    UNCHECKED: "The checkpoint could be fetched and read.",
    FAULTY: "The policy file is well formed and means something.",
}
"""What holds where nothing is reported, by condition."""


def build_sarif(report: CheckReport) -> dict[str, Any]:
    """Return the log as plain data."""
    results = [
        _make(report.policy, row.line, rule, row.ref, message, waived)
        for row in report.checkpoints
        for rule, message, waived in _list_faults(row)
    ]
    results += [
        _make(report.policy, one.line, FAULTY, one.field, one.message) for one in report.faults
    ]
    driver = {
        "name": "famtree",
        "version": report.famtree,
        "rules": [
            {
                "id": name,
                "shortDescription": {"text": text},
                "defaultConfiguration": {"level": "error"},
            }
            for name, text in RULES.items()
        ],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": not (report.errors or report.faults)}],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _list_faults(row: CheckedCheckpoint) -> list[tuple[str, str, str | None]]:
    """Return rule, message and why it is waived of all that does not hold."""
    if row.error is not None:
        return [(UNCHECKED, f"{row.error.code}: {row.error.message}", None)]
    return [(one.name, one.message, one.waived) for one in row.conditions if not one.holds]


def _make(
    policy: str, line: int, rule: str, subject: str, message: str, waived: str | None = None
) -> dict[str, Any]:
    name = f"{subject}\0{rule}".encode("utf-8", "backslashreplace")
    result: dict[str, Any] = {
        "ruleId": rule,
        "ruleIndex": list(RULES).index(rule),
        "level": "error",
        "message": {"text": f"{subject}: {message}" if subject else message},
        "locations": [_locate(policy, line)],
        # Keeps an alert the same when lines are moved.
        "partialFingerprints": {"checkpointCondition/v1": sha256(name).hexdigest()},
    }
    if waived is not None:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": waived}
        ]
    return result


def _locate(policy: str, line: int) -> dict[str, Any]:
    path = PurePath(policy)
    uri = (
        path.as_uri()
        if path.is_absolute()
        else quote(path.as_posix().encode("utf-8", "surrogatepass"))
    )
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri},
            "region": {"startLine": line},
        }
    }
