"""Versions of engines: dotted numbers, compared by value."""

from __future__ import annotations

import re

_NUMBERS = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,7})")


def read_version(text: str) -> tuple[int, ...] | None:
    """Return the leading dotted numbers without trailing zeros (`0.33` is `0.33.0`), or None."""
    found = _NUMBERS.match(text.strip())
    if found is None:
        return None
    numbers = [int(part) for part in found[1].split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def holds_for(version: str, since: str | None, until: str | None) -> bool:
    """Return whether `version` lies in [since, until); what is no version number always does.

    A llama.cpp build or a commit cannot be ordered, so its file's rules are all taken as they are.
    """
    asked = read_version(version)
    if asked is None:
        return until is None
    first = read_version(since) if since else None
    last = read_version(until) if until else None
    return (first is None or first <= asked) and (last is None or asked < last)
