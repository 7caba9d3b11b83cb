"""What the weights of several checkpoints say together: merges, and parents below a known root.

A merge is arithmetic, so its parents and their shares stand in its weights whoever declares what.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from famtree.types.proof import FoundMerge, MergePart

if TYPE_CHECKING:
    from famtree.weights.open import Weights
    from famtree.weights.results import Placement


def recover_merge(
    name: str, child: Weights, candidates: Mapping[str, Weights], *, base: str | None = None
) -> FoundMerge:
    """Return which two of `candidates` the weights called `name` are a merge of, if any.

    `base` is looked at first as the base of a sparse merge. Raises FetchError and UnreadableError
    kin where weights cannot be had.
    """
    import numpy as np

    from famtree.weights.merges import find_merge

    sides = (child, *candidates.values())
    before = sum(side.reading.bytes for side in sides)
    try:
        # Values of a stranger may be as large as their format allows.
        with np.errstate(all="ignore"):
            fit = find_merge(child, candidates, base=base)
    except np.linalg.LinAlgError:
        fit = None
    read = sum(side.reading.bytes for side in sides) - before
    if fit is None:
        told = f"the weights of {name} are no linear or sparse merge of two of them"
        return FoundMerge.model_construct(reason=told, bytes_read=read)
    parts = sorted(zip(fit.parents, fit.weights, strict=True), key=lambda part: (-part[1], part[0]))
    if fit.kind == "linear":
        shares = " and ".join(f"{share:.2f} of {parent}" for parent, share in parts)
        told = f"the weights of {name} are {shares}"
    else:
        both = " and ".join(parent for parent, _ in parts)
        told = f"the weights of {name} are kept deltas of {both} to {fit.base}"
    return FoundMerge.model_construct(
        method=fit.kind,
        parents=[
            MergePart.model_construct(ref=parent, weight=round(share, 4)) for parent, share in parts
        ],
        base=fit.base,
        residual=round(fit.ratio, 6),
        reason=told,
        bytes_read=read,
    )


def place_below(root: str, weights: Mapping[str, Weights]) -> dict[str, Placement]:
    """Return the parent of each of `weights` but `root`, which all are known to come from.

    Merges have to be left out. Every two take seconds of computing. Raises FetchError and
    UnreadableError kin where weights cannot be had; {} where values are too large to compute with.
    """
    import numpy as np

    from famtree.weights.descent import place_members

    try:
        with np.errstate(all="ignore"):
            return place_members(weights, root)
    except np.linalg.LinAlgError:
        return {}
