"""Does an observed trait meet a rule's condition?"""

from __future__ import annotations

from enum import Enum

from famtree.registry.conditions import fits, is_number, options
from famtree.types.family import Condition, TraitPolicy
from famtree.types.traits import Trait, Value

GROWTH_ROWS = 512
GROWTH_SHARE = 0.02
"""Rows a derivative appends: released ones add 1 to 512 tokens, or pad by at most 2 %."""
TRIM_SHARE = 0.003
"""Rows a derivative trims: padding between the last token and the next multiple of 128."""


class Fit(Enum):
    """How a trait stands to a condition."""

    FITS = "fits"
    EXTENDED = "extended"
    """The expected value plus appended (or minus trimmed) rows."""
    MISFITS = "misfits"


def judge(condition: Condition, trait: Trait | None, policy: TraitPolicy) -> Fit | None:
    """Return how `trait` stands to `condition`, or None when nothing was observed."""
    if condition.absent:
        return Fit.FITS if trait is None else Fit.MISFITS
    if trait is None:
        return None
    if fits(condition, trait.value):
        return Fit.FITS
    if policy.grows and _extends(condition, trait.value):
        return Fit.EXTENDED
    return Fit.MISFITS


def _extends(condition: Condition, value: Value) -> bool:
    if not is_number(value):
        return False
    for wanted in options(condition):
        if isinstance(wanted, bool | str):
            continue
        grown = wanted < value <= wanted + max(GROWTH_ROWS, GROWTH_SHARE * wanted)  # type: ignore[operator]
        trimmed = wanted * (1 - TRIM_SHARE) <= value < wanted  # type: ignore[operator]
        if grown or trimmed:
            return True
    return False
