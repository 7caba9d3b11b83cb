from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from famtree.formats.json_report import render_json
from famtree.formats.schema import SCHEMA_NAMES, WRITTEN_BY_HAND, SchemaName, build_schema
from results import make_ambiguous, make_full_result, make_unknown

PUBLISHED = Path(__file__).parents[2] / "docs" / "schema"


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_published_copy_is_current(name: SchemaName) -> None:
    path = PUBLISHED / f"{name}-1.json"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    assert text == render_json(build_schema(name)), "run scripts/update_schemas.py"


def test_nothing_else_is_published() -> None:
    names = {f"{name}-1.json" for name in SCHEMA_NAMES}
    assert {path.name for path in PUBLISHED.iterdir()} == names


def test_contract_fields_are_there() -> None:
    properties = build_schema("identification")["properties"]
    contract = """
        schema famtree checkpoint outcome family generation candidates confidence parameters size
        variant fingerprint quantization lineage evidence warnings cost
    """
    assert set(contract.split()) <= set(properties)


@pytest.mark.parametrize("make", [make_full_result, make_ambiguous, make_unknown])
def test_documents_have_the_fields_of_the_schema(make: type) -> None:
    schema = build_schema("identification")
    _check(make().to_document(), schema, schema["$defs"])


def test_objects_stay_open() -> None:
    printed = [build_schema(name) for name in SCHEMA_NAMES if name not in WRITTEN_BY_HAND]
    assert '"additionalProperties": false' not in json.dumps(printed)


def test_an_unknown_field_of_a_policy_is_a_fault() -> None:
    schema = build_schema("policy")
    assert schema["additionalProperties"] is False
    assert all(node["additionalProperties"] is False for node in schema["$defs"].values())


def _check(value: Any, node: dict[str, Any], known: dict[str, Any]) -> None:
    """Compare objects with their schema: every field described, every required one there."""
    if "$ref" in node:
        node = known[node["$ref"].rsplit("/", 1)[1]]
    if "anyOf" in node:
        kept = [one for one in node["anyOf"] if one.get("type") != "null"]
        if value is None or len(kept) != 1:
            return
        node = kept[0]
        _check(value, node, known)
    elif isinstance(value, dict) and "properties" in node:
        assert set(value) <= set(node["properties"])
        assert set(node.get("required", ())) <= set(value)
        for key, item in value.items():
            _check(item, node["properties"][key], known)
    elif isinstance(value, list) and "items" in node:
        for item in value:
            _check(item, node["items"], known)
