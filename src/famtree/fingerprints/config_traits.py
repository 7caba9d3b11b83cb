"""Normalised values of one config, each with where it was seen."""

from __future__ import annotations

from dataclasses import dataclass, field

Scalar = bool | int | float | str | list[int] | list[str]


@dataclass(slots=True)
class ConfigTraits:
    """Normalised values by trait name, and the source of each (`config` or `default`)."""

    values: dict[str, Scalar] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, value: Scalar | None, source: str = "config") -> None:
        """Keep the first known value of a trait."""
        if value is not None and name not in self.values:
            self.values[name] = value
            self.source[name] = source
