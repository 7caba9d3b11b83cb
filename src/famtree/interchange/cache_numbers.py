"""Numbers of a stranger's config that the size of a cache depends on, within what is sensible."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from famtree.fingerprints.aliases import look_up
from famtree.interchange.cache_kinds import UnseenError

WIDEST = 2**24
"""Larger widths and head counts occur in no released config."""


def read_integer(scope: dict[str, Any], keys: Iterable[str]) -> int | None:
    """Return the first value at one of the dotted keys that is a size, else None."""
    for key in keys:
        value = look_up(scope, key)
        if type(value) is int and 0 < value <= WIDEST:
            return value
    return None


def read_size(value: Any, what: str) -> int:
    """Return a size. Raises UnseenError naming `what` where the value is none."""
    if type(value) is not int or not 0 < value <= WIDEST:
        raise UnseenError(what)
    return value
