"""A property that is worked out on first use, without a lock that all instances share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")
V = TypeVar("V")


class once(Generic[T, V]):  # noqa: N801 - used like functools.cached_property
    """Like `functools.cached_property`, whose lock up to Python 3.11 is one for all instances.

    Checkpoints are examined in many threads, each its own: they must not wait for each other.
    """

    def __init__(self, make: Callable[[T], V]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, instance: None, owner: type[T]) -> once[T, V]: ...
    @overload
    def __get__(self, instance: T, owner: type[T] | None = None) -> V: ...
    def __get__(self, instance: T | None, owner: Any = None) -> once[T, V] | V:
        """Return the value, which stands in the instance's own dictionary from then on."""
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._make(instance)
        return value
