"""The base of every pydantic model in famtree.

Two ways in, on purpose. What strangers wrote (registry files, documents read back) is validated.
What famtree itself computed is made with `model_construct`: its types are checked before it runs,
and building validators for all result models would cost a tenth of a local answer. `dump` is the
way out that needs no such preparation; tests hold it equal to pydantic's own dump.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

_set = object.__setattr__
_PLAIN = frozenset({str, int, float, bool, type(None)})
"""Most values are of these; asking for the type is quicker than for every kind of container."""


class FrozenModel(BaseModel):
    """Immutable, rejects unknown fields, dumps by the contract's names."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        serialize_by_alias=True,
        defer_build=True,
    )

    # pydantic's mypy plugin writes each model's own signature, and sees none of the fields here.
    @classmethod
    def model_construct(  # type: ignore[override]
        cls, _fields_set: set[str] | None = None, **values: Any
    ) -> Self:
        """Return a model of values known to be right, given by field name; nothing is checked.

        As pydantic's own, without aliases and extra fields: the registry makes 2,000 models a run.
        """
        made = cls.__new__(cls)
        given = set(values) if _fields_set is None else _fields_set
        plain, factories = _list_defaults(cls)
        content = {**plain, **values}
        for name, factory in factories:
            if name not in values:
                content[name] = factory()
        _set(made, "__dict__", content)
        _set(made, "__pydantic_fields_set__", given)
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made


@cache
def _list_defaults(
    model: type[FrozenModel],
) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
    """Return a model's immutable defaults, and the factories of the others."""
    fields = model.model_fields.items()
    factories: list[tuple[str, Any]] = [
        (name, info.default_factory) for name, info in fields if info.default_factory is not None
    ]
    made_new = {name for name, _ in factories}
    plain = {
        name: info.default
        for name, info in fields
        if name not in made_new and not info.is_required()
    }
    return plain, factories


def dump(value: Any) -> Any:
    """Return plain data, equal to `model_dump(mode="json")`: models by alias, tuples as lists."""
    if isinstance(value, FrozenModel):
        held = value.__dict__
        return {told: _dump(held[name]) for name, told in _list_names(type(value))}
    if isinstance(value, dict):
        return {key: _dump(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_dump(item) for item in value]
    return value


def _dump(value: Any) -> Any:
    return value if type(value) in _PLAIN else dump(value)


@cache
def _list_names(model: type[FrozenModel]) -> tuple[tuple[str, str], ...]:
    """Return each field's name, and the one the contract has for it."""
    return tuple((name, info.alias or name) for name, info in model.model_fields.items())
