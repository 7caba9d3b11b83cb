"""Weight sketches of checkpoints, and the relatives they find."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from famtree.errors import UnreadableError

if TYPE_CHECKING:
    from famtree.weights.open import Weights
    from famtree.weights.sketched_kin import Kin


def sketch_weights(weights: Weights) -> str | None:
    """Read samples of the weights and return their sketch as text; None where there are none.

    Raises FetchError kin.
    """
    from famtree.weights.weight_sketch import take_sketch

    try:
        sketch = take_sketch(weights)
    except UnreadableError:
        return None
    return sketch.to_text() if sketch is not None else None


def find_sketched(
    sketch: str,
    others: Mapping[str, str],
    parents: Mapping[str, Collection[str]],
    leaves: Collection[str],
) -> tuple[list[Kin], Kin | None, list[Kin]]:
    """Return the relatives among `others` (name to sketch), the nearest sure ancestor, and those
    that may stand between.

    `parents` and `leaves` are those of `famtree.weights.sketched_kin.find_parent`. Texts that are
    no sketches, or of another plan, are left out.
    """
    from famtree.weights.sketched_kin import find_between, find_kin, find_parent
    from famtree.weights.weight_sketch import read_sketch

    own = read_sketch(sketch)
    if own is None:
        return [], None, []
    read = {name: found for name, text in others.items() if (found := read_sketch(text))}
    kin = find_kin(own, read)
    parent = find_parent(own, kin, read, parents, leaves)
    if parent is None or parent.same:
        return kin, parent, []
    return kin, parent, find_between(own, parent, kin, read, parents, leaves)
