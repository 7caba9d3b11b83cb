"""From a share of belief to a confidence that means what it says.

The share of belief is a model's own opinion. The reliability table (docs/how-it-decides.md, made
by `benchmarks/calibration.py` from checkpoints left out one at a time) shows how often such an
opinion is right; the numbers below are read off it.
"""

from __future__ import annotations

CEILING = 0.99
"""No metadata proves a design: one in a hundred is left for what nobody thought of."""
CUSTOM_CEILING = 0.89
"""A shape that is no official size may be an unrelated model trained on a borrowed recipe; of the
left-out checkpoints with a custom shape, about one in eight is."""
CONFLICT_FACTORS = (1.0, 0.9, 0.75, 0.5)
"""One contradicted identity trait occurs in genuine derivatives (an extended vocabulary); two are
rare; from three on the checkpoint is more likely a splice than a member."""

DISPUTED_FACTOR = 0.88
"""The name claims a sibling generation: the evidence still decides, but where siblings differ in
few traits, and those are ones that trainers write out wrongly, the name is right now and then."""


def calibrate(share: float, *, conflicts: int, custom: bool) -> float:
    """Return the confidence for a share of belief, rounded to four places."""
    ceiling = CUSTOM_CEILING if custom else CEILING
    factor = CONFLICT_FACTORS[min(conflicts, len(CONFLICT_FACTORS) - 1)]
    return round(min(max(share, 0.0), ceiling) * factor, 4)
