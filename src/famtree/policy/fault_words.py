"""What is wrong with a field of a policy, in famtree's words, and what may have been meant."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel

from famtree.types.policy import CheckpointPolicy, Conditions, Policy, Waiver

_TABLES: dict[str, type[BaseModel]] = {
    "defaults": Conditions,
    "checkpoint": CheckpointPolicy,
    "waiver": Waiver,
}
_WORDS = {
    "missing": "is missing",
    "string_type": "has to be a text in quotes",
    "float_type": "has to be a number, without quotes",
    "bool_type": "has to be true or false, without quotes",
    "list_type": "has to be a list in square brackets",
    "date_type": "has to be a date without quotes, such as 2030-01-31",
    "date_from_datetime_inexact": "has to be a date without a time, such as 2030-01-31",
    "model_type": "has to be a table",
    "dict_type": "has to be a table",
    "string_too_short": "is empty",
}
"""Of a checker's error, by its type (pydantic, docs.pydantic.dev/latest/errors)."""


def describe_error(error: Mapping[str, Any]) -> str:
    """Return one sentence for what pydantic found."""
    kind, path, context = error["type"], error["loc"], error.get("ctx", {})
    if kind == "extra_forbidden":
        names = _list_names(path)
        return f"no such key{guess(str(path[-1]), names) or f'; there are {_join(names)}'}"
    if kind == "literal_error":
        allowed = str(context.get("expected", "")).replace("'", "").replace(" or ", ", ")
        meant = guess(str(error.get("input", "")), allowed.split(", "))
        return f"has to be one of {allowed}{meant}"
    if kind in {"greater_than_equal", "less_than_equal"}:
        return "has to be a number from 0 to 1"
    if kind in {"too_short", "too_long"}:
        most, least = context.get("max_length"), context.get("min_length")
        return f"has more than {most} entries" if most is not None else f"needs {least} at least"
    if kind == "string_too_long":
        return f"has more than {context.get('max_length')} letters"
    if kind == "string_pattern_mismatch":
        return "has to be sha256: and 64 hexadecimal digits"
    return _WORDS.get(kind, str(error["msg"]))


def guess(word: str, known: list[str]) -> str:
    """Return `; did you mean ...?`, "" where nothing is near."""
    near = get_close_matches(word[:100].lower(), known, n=2, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _list_names(path: tuple[str | int, ...]) -> list[str]:
    """Return what may stand where the unknown key does."""
    model = _TABLES.get(str(path[0]), Policy) if len(path) > 1 else Policy
    return [field.alias or name for name, field in model.model_fields.items()]


def _join(names: list[str]) -> str:
    return ", ".join(names)
