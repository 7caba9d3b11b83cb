"""How exactly a stored weight tells the number it was computed as."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BITS = 8
"""Significant bits of bfloat16, the coarsest format weights are merged in."""
ROUNDING = 1.5
"""Spacings between a result and what is stored of it, where sums are rounded on the way too."""
MARGIN = 8.0
"""Spacings that two explanations of a coordinate have to lie apart to be told from each other."""


def spacing(*values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the distance of neighbouring bfloat16 numbers at the largest of each coordinate."""
    largest = np.max([np.abs(side) for side in values], axis=0)
    # frexp's mantissa lies in [.5, 1), so the exponent counts the bits above the point.
    found: NDArray[np.float64] = np.ldexp(1.0, np.frexp(largest)[1] - BITS)
    return found


def near(stored: NDArray[np.floating], computed: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return where a stored value is `computed`, but for rounding."""
    apart: NDArray[np.bool_] = np.abs(stored - computed) <= ROUNDING * spacing(stored, computed)
    return apart
