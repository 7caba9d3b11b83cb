"""JSON Schema (2020-12) of the documents famtree prints, and of the policy file it reads."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import Field

from famtree.types.comparison import Comparison
from famtree.types.fit import FitReport
from famtree.types.identification import Identification
from famtree.types.lineage import Lineage
from famtree.types.model import FrozenModel
from famtree.types.policy import CheckReport, Policy

SchemaName = Literal["identification", "comparison", "lineage", "fit", "policy", "check", "error"]
SCHEMA_NAMES: tuple[SchemaName, ...] = get_args(SchemaName)


class ErrorDetail(FrozenModel):
    """What went wrong."""

    code: str
    """Stable word that scripts may read: usage, not-found, access, offline, network, ..."""
    message: str
    hint: str
    """One sentence saying what to do next; may be empty."""
    exit_code: Literal[2, 3, 4, 70]


class ErrorDocument(FrozenModel):
    """The document printed instead of an answer when there is none."""

    schema_: Literal["famtree/error/1"] = Field(alias="schema")
    error: ErrorDetail


WRITTEN_BY_HAND: frozenset[SchemaName] = frozenset({"policy"})
"""Documents that people write: there an unknown field is a typing error."""

_MODELS: dict[SchemaName, type[FrozenModel]] = {
    "identification": Identification,
    "comparison": Comparison,
    "lineage": Lineage,
    "fit": FitReport,
    "policy": Policy,
    "check": CheckReport,
    "error": ErrorDocument,
}


def build_schema(name: SchemaName) -> dict[str, Any]:
    """Return the schema of one document as it is serialised, or as it may be written.

    Printed objects stay open: new fields may join a document within its major version, and a
    script that validates with an older copy of the schema must not break on them.
    """
    if name in WRITTEN_BY_HAND:
        opened = _MODELS[name].model_json_schema(by_alias=True, mode="validation")
    else:
        opened = _open_objects(_MODELS[name].model_json_schema(by_alias=True, mode="serialization"))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:famtree:{name}:1",
        **opened,
    }


def _open_objects(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: _open_objects(item)
            for key, item in node.items()
            if not (key == "additionalProperties" and item is False)
        }
    if isinstance(node, list):
        return [_open_objects(item) for item in node]
    return node
