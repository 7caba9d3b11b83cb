"""The recipes of a walk's merges, as the weights show them.

It takes megabytes of each side, so it is looked for only where a checkpoint names several parents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from famtree.errors import FamtreeError
from famtree.lineage.placing import recover_merge
from famtree.types.identification import Notice
from famtree.types.proof import FoundMerge

if TYPE_CHECKING:
    from famtree.checkpoint.checkpoint import Checkpoint
    from famtree.lineage.steps import JudgedLink
    from famtree.weights.open import Weights

MOST_MERGES = 4
"""Merges of one ancestry that are looked into, the nearest first: megabytes each."""
MOST_PARENTS = 8
"""Declared parents of one merge whose weights are read for it."""
TOLERANCE = 0.1
"""Difference of stated and found shares that is a disagreement. Shares of single matrices may
differ where a recipe has a gradient, and only four layers are looked at."""

OnProgress = Callable[[str], None]


class Recipes(Struct, frozen=True):
    """The merges of one ancestry, by checkpoint, and what disagrees with them."""

    found: Mapping[str, FoundMerge] = {}
    notices: tuple[Notice, ...] = ()


def find_recipes(
    steps: Mapping[str, list[JudgedLink]],
    opened: Mapping[str, Checkpoint],
    on_progress: OnProgress | None = None,
    known: Mapping[str, FoundMerge] | None = None,
) -> Recipes:
    """Hold each merge of a walk against its declared parents, where the weights of all are open.

    `opened` are the checkpoints by their names in the walk, `known` what was found before. What
    keeps weights from being read is a notice, and so is a recipe that states other shares than the
    weights show.
    """
    found = dict(known or {})
    notices: list[Notice] = []
    tried = 0
    for name, links in steps.items():
        parts = [one for one in links if one.relation == "merge" and one.stands]
        if name in found:
            notices += _find_disagreements(name, parts, found[name])
            continue
        if len(parts) < 2:
            continue
        if tried == MOST_MERGES:
            told = f"{MOST_MERGES} merges were looked into; the recipe of {name} was not looked for"
            notices.append(Notice.model_construct(code="not-verified", message=told))
            continue
        if on_progress is not None:
            on_progress(f"looking for the recipe of {name}")
        if len(parts) > MOST_PARENTS:
            told = f"{MOST_PARENTS} of {len(parts)} parents of {name} were looked at for its recipe"
            notices.append(Notice.model_construct(code="not-verified", message=told))
        # Why one of them could not be opened is told of its link.
        sides = _open_weights(opened, [name, *(one.parent for one in parts[:MOST_PARENTS])])
        child = sides.pop(name, None)
        if child is None or len(sides) < 2:
            continue
        tried += 1
        try:
            found[name] = recover_merge(name, child, sides)
        except FamtreeError as fault:
            told = f"the recipe of {name} could not be looked for: {fault.message}"
            notices.append(Notice.model_construct(code="not-verified", message=told))
            continue
        notices += _find_disagreements(name, parts, found[name])
    return Recipes(found, tuple(notices))


def _open_weights(opened: Mapping[str, Checkpoint], names: list[str]) -> dict[str, Weights]:
    found = {}
    for name in names:
        if name in opened:
            with suppress(FamtreeError):
                found[name] = opened[name].weights
    return found


def _find_disagreements(name: str, parts: list[JudgedLink], found: FoundMerge) -> list[Notice]:
    """Return what a stated recipe and the weights say differently of a parent's share.

    Of a sparse merge the weights tell parents and base, and no shares that a recipe states.
    """
    if found.method is None:
        return []
    seen = {part.ref: part.weight for part in found.parents}
    told = []
    for part in parts:
        if part.weight is None or part.parent == found.base:
            continue
        share = seen.get(part.parent, 0.0)
        off = abs(part.weight - share) > TOLERANCE
        if off and (found.method == "linear" or part.parent not in seen):
            shown = f"{share:.2f}" if part.parent in seen else "nothing of it"
            told.append(
                f"{name} states {part.weight:.2f} of {part.parent}, its weights show {shown}"
            )
    return [Notice.model_construct(code="recipe-differs", message=one) for one in told]
