"""The base of every pydantic model in famtree.

Two ways in, on purpose. What strangers wrote (registry files, documents read back) is validated.
What famtree itself computed is made with `model_construct`: its types are checked before it runs,
and building validators for all result models would cost a tenth of a local answer. `dump` is the
way out that needs no such preparation; tests hold it equal to pydantic's own dump.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class FrozenModel(BaseModel):
    """Immutable, rejects unknown fields, dumps by the contract's names."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        serialize_by_alias=True,
        defer_build=True,
    )


def dump(value: Any) -> Any:
    """Return plain data, equal to `model_dump(mode="json")`: models by alias, tuples as lists."""
    if isinstance(value, FrozenModel):
        return {
            info.alias or name: dump(getattr(value, name))
            for name, info in type(value).model_fields.items()
        }
    if isinstance(value, dict):
        return {key: dump(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [dump(item) for item in value]
    return value
