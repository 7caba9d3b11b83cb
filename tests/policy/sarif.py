"""What SARIF 2.1.0's own JSON schema demands of the parts famtree writes.

Properties, required ones, enumerations and bounds as in the OASIS schema
(sarif-schema-2.1.0.json); objects are closed there as they are here.
"""

from __future__ import annotations

from typing import Any


def _closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


_TEXT = {"type": "string"}
_MESSAGE = _closed([], text=_TEXT, id=_TEXT, markdown=_TEXT)
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_RULE = _closed(
    ["id"],
    id=_TEXT,
    shortDescription=_closed(["text"], text=_TEXT, markdown=_TEXT),
    defaultConfiguration=_closed([], level=_LEVEL, enabled={"type": "boolean"}),
)
_LOCATION = _closed(
    [],
    physicalLocation=_closed(
        [],
        artifactLocation=_closed([], uri={"type": "string", "format": "uri-reference"}),
        region=_closed([], startLine={"type": "integer", "minimum": 1}),
    ),
)
_RESULT = _closed(
    ["message"],
    ruleId=_TEXT,
    ruleIndex={"type": "integer", "minimum": -1},
    level=_LEVEL,
    message=_MESSAGE,
    locations={"type": "array", "items": _LOCATION},
    partialFingerprints={"type": "object", "additionalProperties": _TEXT},
)
_DRIVER = _closed(
    ["name"],
    name=_TEXT,
    version=_TEXT,
    rules={"type": "array", "items": _RULE, "uniqueItems": True},
)
_RUN = _closed(
    ["tool"],
    tool=_closed(["driver"], driver=_DRIVER),
    invocations={
        "type": "array",
        "items": _closed(["executionSuccessful"], executionSuccessful={"type": "boolean"}),
    },
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results={"type": "array", "items": _RESULT},
)
LOG = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    **_closed(
        ["version", "runs"],
        **{"$schema": {"type": "string", "format": "uri"}},
        version={"enum": ["2.1.0"]},
        runs={"type": "array", "minItems": 0, "items": _RUN},
    ),
}
