"""Answers with a stranger's text in every field that can hold one."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)


def fill(model: Model, payload: str) -> Model:
    """Return `model` with `payload` in place of every text of it, however deep.

    Fields that are one of some given words keep theirs: nobody else can write those.
    """
    changes = {
        name: _fill(getattr(model, name), field.annotation, payload)
        for name, field in type(model).model_fields.items()
    }
    return model.model_copy(update=changes)


def _fill(value: Any, annotation: Any, payload: str) -> Any:
    if isinstance(value, BaseModel):
        return fill(value, payload)
    if isinstance(value, str):
        return value if "Literal[" in str(annotation) else payload
    if isinstance(value, list | tuple):
        return type(value)(_fill(item, annotation, payload) for item in value)
    if isinstance(value, dict):
        return {key: _fill(item, annotation, payload) for key, item in value.items()}
    return value
