"""One condition against one value: the same operators for family rules and engine rules."""

from __future__ import annotations

from famtree.types.family import Condition, Scalar
from famtree.types.traits import Value

RELATIVE_TOLERANCE = 1e-6
"""Two floats this close are one number: configs store 1e-05 and 9.999999747378752e-06 for it."""


def fits(condition: Condition, value: Value) -> bool:
    """True when `value` meets the condition; a list meets `equals` when it holds the item."""
    if condition.between is not None:
        return is_number(value) and condition.between[0] <= value <= condition.between[1]  # type: ignore[operator]
    if condition.equals is not None and not isinstance(value, tuple):
        return same(value, condition.equals)
    items: tuple[Scalar, ...] = value if isinstance(value, tuple) else (value,)
    if condition.contains is not None:
        return all(any(same(item, wanted) for item in items) for wanted in condition.contains)
    return any(same(item, wanted) for wanted in options(condition) for item in items)


def options(condition: Condition) -> tuple[Scalar, ...]:
    """Return the values a condition allows, where it lists them."""
    if condition.one_of is not None:
        return condition.one_of
    return () if condition.equals is None else (condition.equals,)


def same(left: Scalar, right: Scalar) -> bool:
    """Equality that tells True from 1 and takes nearly equal floats as one."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, str) or isinstance(right, str):
        return left == right
    return left == right or abs(left - right) <= RELATIVE_TOLERANCE * max(abs(left), abs(right))


def describe(condition: Condition) -> str:
    """Return the condition in words for reports."""
    if condition.absent:
        return "absent"
    if condition.between is not None:
        low, high = condition.between
        return f"{low:g} to {high:g}"
    if condition.contains is not None:
        return "with " + ", ".join(str(item) for item in condition.contains)
    return " or ".join(show(item) for item in options(condition))


def show(value: Value) -> str:
    """Return a value as a config file would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e6 and not value.is_integer() else f"{value:.10g}"
    if isinstance(value, tuple):
        shown = ", ".join(show(item) for item in value[:6])
        return shown + (", ..." if len(value) > 6 else "")
    return str(value)


def is_number(value: Value) -> bool:
    """True for an int or float that is no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)
