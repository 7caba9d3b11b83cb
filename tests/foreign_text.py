"""Answers with a stranger's text in every field that can hold one."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from pydantic import BaseModel

Model = TypeVar("Model")


def fill(model: Model, payload: str) -> Model:
    """Return `model` with `payload` in place of every text of it, however deep.

    Fields that are one of some given words keep theirs: nobody else can write those.
    """
    types: dict[str, Any] = {}
    if isinstance(model, BaseModel):
        types = {name: field.annotation for name, field in type(model).model_fields.items()}
    elif dataclasses.is_dataclass(model):
        types = {field.name: field.type for field in dataclasses.fields(model)}
    elif isinstance(model, Struct):
        types = {field.name: field.type for field in msgspec.structs.fields(model)}
    changes = {name: _fill(getattr(model, name), kind, payload) for name, kind in types.items()}
    made: Any = model
    if isinstance(model, BaseModel):
        return made.model_copy(update=changes)  # type: ignore[no-any-return]
    change = msgspec.structs.replace if isinstance(model, Struct) else dataclasses.replace
    return change(made, **changes)  # type: ignore[no-any-return]


def _fill(value: Any, annotation: Any, payload: str) -> Any:
    if isinstance(value, BaseModel | Struct) or dataclasses.is_dataclass(value):
        return fill(value, payload)
    if isinstance(value, str):
        return value if "Literal[" in str(annotation) else payload
    if isinstance(value, list | tuple):
        return type(value)(_fill(item, annotation, payload) for item in value)
    if isinstance(value, dict):
        return {key: _fill(item, annotation, payload) for key, item in value.items()}
    return value
