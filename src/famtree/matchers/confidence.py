"""From a share of belief to a confidence that means what it says.

The share of belief is a model's own opinion, and far too sure of itself: shares above 0.99 are the
rule. The constants below say how far to believe it. They are read off `benchmarks/calibration.py`
(members held back, as published and with edits; table in docs/how-it-decides.md) and
`benchmarks/nonsense.py` (checkpoints that cannot exist).
"""

from __future__ import annotations

CEILING = 0.99
"""No metadata proves a design: one in a hundred is left for what nobody thought of. Of the answers
between 0.95 and 1 on checkpoints held back, more than 99 in 100 are right."""
CUSTOM_CEILING = 0.89
"""A shape that is no official size stays just below 0.9 where other families use the same class and
model_type. Members whose own size was held back are nearly always answered rightly, but that figure
leaves out the unrelated small models that people train on such a borrowed design."""
OWN_NAME_CEILING = 0.96
"""The same where no other family uses the class or model_type: nobody else's training runs write
that name, so an unlisted size is nearly always the maker's own, or pruned from one."""
CONFLICT_FACTORS = (1.0, 0.9, 0.75, 0.5)
"""By the number of contradicted identity traits. Of 1447 members held back and edited, 57 showed
one contradiction (all answered rightly) and none showed two; of 265 made-up checkpoints that got a
name, 69 showed one and 187 two or more. One therefore leaves an answer just short of 0.9."""

DISPUTED_FACTOR = 0.88
"""The name claims a sibling generation: the evidence still decides, but where siblings differ in
few traits, and those are ones that trainers write out wrongly, the name is right now and then."""


def calibrate(share: float, *, conflicts: int, custom: bool, own_name: bool = False) -> float:
    """Return the confidence for a share of belief, rounded to four places.

    `share` is cut to 0..1. `conflicts` counts contradicted identity traits; `custom` says that the
    shape is none of the generation's official sizes, or that it has none on record; `own_name`
    that no other family uses the design's names.
    """
    ceiling = CEILING
    if custom:
        ceiling = OWN_NAME_CEILING if own_name else CUSTOM_CEILING
    factor = CONFLICT_FACTORS[min(conflicts, len(CONFLICT_FACTORS) - 1)]
    return round(min(max(share, 0.0), ceiling) * factor, 4)
