"""Figures with their sample size, and marks they have to meet."""

from __future__ import annotations

import hashlib
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MARKS = {"at least": operator.ge, "at most": operator.le}


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number, of how many cases, and the mark it should meet, if any."""

    name: str
    value: float | None
    size: int
    """Cases it was measured on; 0 makes the value None."""
    mark: tuple[str, float] | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the mark is met; None without a mark. A mark without cases is not met."""
        if self.mark is None:
            return None
        return self.value is not None and MARKS[self.mark[0]](self.value, self.mark[1])

    def as_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "name": self.name, "value": self.value, "size": self.size,
            "mark": list(self.mark) if self.mark else None, "met": self.met, "note": self.note,
        }  # fmt: skip

    def as_line(self) -> str:
        """Return a line of text."""
        value = "-" if self.value is None else f"{self.value:.4g}"
        mark = "" if self.mark is None else f"{self.mark[0]} {self.mark[1]:g}"
        met = {None: "", True: "met", False: "MISSED"}[self.met]
        return f"  {self.name:58} {value:>9}  n {self.size:>5}  {mark:14} {met:6} {self.note}"


def make_share(
    name: str, hits: int, size: int, mark: tuple[str, float] | None = None, note: str = ""
) -> Figure:
    """Return hits / size as a figure."""
    counted = f"{hits}/{size}"
    return Figure(name, hits / size if size else None, size, mark, f"{counted} {note}".strip())


def digest_constants(namespace: Mapping[str, Any]) -> str:
    """Return a short digest of a module's constants (names in capitals) and their values."""
    constants = sorted((name, repr(value)) for name, value in namespace.items() if name.isupper())
    return hashlib.sha256(repr(constants).encode()).hexdigest()[:12]


def normal_cdf(value: float) -> float:
    """Return P(Z <= value) of a standard normal."""
    return 0.5 * math.erfc(-value / math.sqrt(2))


@dataclass(frozen=True, slots=True)
class Fit:
    """How a sample compares with N(0, 1)."""

    distance: float
    """Kolmogorov-Smirnov distance, two-sided."""
    p_value: float
    """Its asymptotic probability under N(0, 1) and independent cases."""
    excess: float
    """Largest share by which values above zero exceed N(0, 1)'s: 0 where the tail is lighter."""


def fit_normal(sample: Sequence[float]) -> Fit:
    """Compare a sample with N(0, 1) (Kolmogorov-Smirnov; series of Marsaglia et al. 2003)."""
    ordered = sorted(sample)
    size = len(ordered)
    distance = excess = 0.0
    for place, value in enumerate(ordered):
        expected = normal_cdf(value)
        above = expected - place / size
        distance = max(distance, above, (place + 1) / size - expected)
        if value > 0:
            excess = max(excess, above)
    root = math.sqrt(size)
    scaled = (root + 0.12 + 0.11 / root) * distance
    terms = (2 * (-1) ** (term - 1) * math.exp(-2 * (term * scaled) ** 2) for term in range(1, 101))
    # The alternating series does not converge near zero, where the probability is 1.
    p_value = 1.0 if scaled < 0.2 else min(1.0, max(0.0, math.fsum(terms)))
    return Fit(distance, p_value, excess)


def summarise(sample: Sequence[float]) -> dict[str, float]:
    """Return mean, standard deviation, smallest and largest of a sample."""
    mean = math.fsum(sample) / len(sample)
    variance = math.fsum((one - mean) ** 2 for one in sample) / max(1, len(sample) - 1)
    return {
        "mean": mean, "deviation": math.sqrt(variance), "least": min(sample), "most": max(sample)
    }  # fmt: skip
