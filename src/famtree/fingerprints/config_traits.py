"""Normalised values of one config, each with where it was seen."""

from __future__ import annotations

from msgspec import Struct

Scalar = bool | int | float | str | list[int] | list[str]


class ConfigTraits(Struct):
    """Normalised values by trait name, and the source of each (`config` or `default`)."""

    values: dict[str, Scalar] = {}
    source: dict[str, str] = {}

    def put(self, name: str, value: Scalar | None, source: str = "config") -> None:
        """Keep the first known value of a trait."""
        if value is not None and name not in self.values:
            self.values[name] = value
            self.source[name] = source
