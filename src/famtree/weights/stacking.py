"""Does a model repeat its own layers, as models stacked from a shallower one do?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree.weights import thresholds as limit
from famtree.weights.column_alignment import column_test
from famtree.weights.localise import locating_roles, read_layers
from famtree.weights.plan import choose_columns

if TYPE_CHECKING:
    from famtree.weights.open import Weights


def repeats_layers(weights: Weights) -> bool | None:
    """Return whether two different layers are aligned beyond chance; None if they cannot be read.

    Layers of one model share its hidden axis, so chance is not the null here: what is asked is
    whether the rows of two layers are alike as those of a copy are, by cosine.
    """
    if weights.hidden is None:
        return None
    columns, roles = choose_columns(weights.hidden), locating_roles(weights)
    layers = read_layers(weights, list(range(weights.depth)), columns, roles)
    if len(layers) < 2:
        return None
    numbers = sorted(layers)
    for at, first in enumerate(numbers):
        for second in numbers[at + 1 :]:
            found = column_test(layers[first], layers[second])
            if found is not None and found.z > limit.DEPENDENT_Z and found.cosine > 0.5:
                return True
    return False
