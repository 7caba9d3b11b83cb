"""What CycloneDX has no field for, as its name-value properties under `famtree:`."""

from __future__ import annotations

from collections.abc import Mapping

from cyclonedx.model import Property

LONGEST = 1000
"""Characters of one value: a hostile name must not fill the document."""


def make_properties(values: Mapping[str, object]) -> list[Property]:
    """Return one property for each value that is known, and one for each item of a list."""
    return [
        Property(name=f"famtree:{name}", value=_word(item))
        for name, value in values.items()
        for item in (value if isinstance(value, list | tuple) else [value])
        if item is not None
    ]


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)[:LONGEST]
