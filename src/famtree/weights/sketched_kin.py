"""Which of many sketched checkpoints a checkpoint comes from.

Dependence is the column test's to prove. Which relative came first is not in one pair: known links
between the relatives say which of them the others come from, and distances say how far down from
there the checkpoint's own way leads. Updates are nearly orthogonal, so that of two children c and q
of one parent p the share <q - p, c - p> / <c - p, c - p> is near 0, and 1 where q comes from c.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from famtree.weights import thresholds as limit
from famtree.weights.normal_tail import correct_for_trials
from famtree.weights.weight_sketch import Sketch, compare_signs, share_of_agreement, trim

MOST_TESTED = 64
"""Candidates of most equal signs, which alone get the exact test; as many of other depths."""
DESCENT_TOLERANCE = 0.12
"""Distance of the share from 1 up to which a way down is followed. Siblings that saw the same data
share a part of their updates, up to .82 on networks trained for the purpose; what is left
undecided ends at the last sure ancestor."""
SHARE_SEEN = 0.15
"""Share of a step from which on a checkpoint may have some of it: a part of a merge, or all of it
beneath a like update. Between that and `DESCENT_TOLERANCE` signs cannot tell."""
MOST_BEYOND = 2.0
"""Squared distance of a checkpoint from the upper end, in squares of the step that is weighed;
beyond, the step is lost in the noise of signs."""


@dataclass(frozen=True, slots=True)
class Kin:
    """One relative."""

    name: str
    z: float
    """Corrected for the number of candidates (Bonferroni)."""
    log10_p: float
    cosine: float
    """Of the values, as their signs tell."""
    same: bool
    """Every sampled value is equal."""
    derived: bool
    """Alike enough for descent; False is no more than a shared initialisation."""


def find_kin(own: Sketch, others: Mapping[str, Sketch]) -> list[Kin]:
    """Return the relatives among `others`, those alike enough for descent first, by nearness.

    A relative has z above `DEPENDENT_Z` after correction for all candidates.
    """
    found = []
    for name in _choose(own, others):
        test = compare_signs(own, others[name])
        if test is None:
            continue
        z, log10_p = correct_for_trials(test.log10_p, len(others))
        if z > limit.DEPENDENT_Z:
            same = own.digest == others[name].digest and own.depth == others[name].depth
            derived = test.cosine >= limit.SHARED_INIT_COSINE
            found.append(Kin(name, z, log10_p, test.cosine, same, derived))
    return sorted(found, key=lambda kin: (not kin.derived, not kin.same, -kin.cosine, kin.name))


def find_parent(
    own: Sketch,
    kin: Collection[Kin],
    others: Mapping[str, Sketch],
    parents: Mapping[str, Collection[str]],
    leaves: Collection[str] = (),
) -> Kin | None:
    """Return the nearest sure ancestor among `kin` that are alike enough for descent.

    `parents` are the parents that each is known to claim, whether or not they are among `kin`.
    `leaves` are those nobody trains on (quantized ones), which are taken only where nothing else
    is left. None without such kin, and where nothing tells which of several came first: the one
    that claims no parent is the upper end, of several such the one most others claim.
    """
    usable = {one.name: one for one in kin if one.derived}
    usable = {name: one for name, one in usable.items() if name not in leaves} or usable
    same = [one for one in usable.values() if one.same]
    if same:
        # The first of several equal ones is the one that none of the others leads to.
        return next((one for one in same if not _above(one.name, usable, parents)), same[0])
    below = {name: _count_below(name, usable, parents) for name in usable}
    tops = [one for one in usable.values() if not parents.get(one.name)]
    most = max((below[one.name] for one in tops), default=0)
    tops = [one for one in tops if below[one.name] == most]
    if len(tops) != 1:
        return None
    (at,), seen = tops, {tops[0].name}
    while True:
        onward = [
            one
            for one in usable.values()
            if one.name not in seen
            and at.name in parents.get(one.name, ())
            and _leads_down(own, others[at.name], others[one.name])
        ]
        if not onward:
            return at
        at = max(onward, key=lambda one: one.cosine)
        seen.add(at.name)


def find_between(
    own: Sketch,
    ancestor: Kin,
    kin: Collection[Kin],
    others: Mapping[str, Sketch],
    parents: Mapping[str, Collection[str]],
    leaves: Collection[str] = (),
) -> list[Kin]:
    """Return those that may stand between `own` and the sure `ancestor`, nearest first.

    They are known to come from it, and signs do not tell whether `own` has their updates or a part
    of them. The other arguments are those of `find_parent`.
    """
    usable = {one.name: one for one in kin if one.derived and not one.same}
    usable = {name: one for name, one in usable.items() if name not in leaves}
    found: dict[str, Kin] = {}
    waiting = []
    for name in usable:
        if name != ancestor.name and ancestor.name in parents.get(name, ()):
            share = _measure_share(own, others[ancestor.name], others[name])
            if share is not None and share >= SHARE_SEEN:
                waiting.append(name)
    while waiting:
        at = waiting.pop()
        if at not in found:
            found[at] = usable[at]
            waiting += [name for name in usable if at in parents.get(name, ())]
    return sorted(found.values(), key=lambda one: (-one.cosine, one.name))


def _choose(own: Sketch, others: Mapping[str, Sketch]) -> list[str]:
    """Return the names of those with the most equal signs, of equal and of other depths."""
    equal = {name: one for name, one in others.items() if _is_aligned(own, one)}
    ends = {
        name: trim(one)
        for name, one in others.items()
        if one.hidden == own.hidden and name not in equal
    }
    return [*_take_best(own, equal), *_take_best(trim(own), ends)]


def _take_best(own: Sketch, others: Mapping[str, Sketch]) -> list[str]:
    """Leave out what cannot pass: equal signs are as rare under chance as a coin's."""
    names = list(others)
    shares = share_of_agreement(own, list(others.values()))
    likely = (2 * shares - 1) * sqrt(own.present.sum() * own.width) > limit.DOUBT_Z
    best = np.argsort(-shares, kind="stable")[:MOST_TESTED]
    return [names[at] for at in best if likely[at]]


def _is_aligned(own: Sketch, other: Sketch) -> bool:
    return (own.hidden, own.depth) == (other.hidden, other.depth)


def _above(name: str, usable: Mapping[str, Kin], parents: Mapping[str, Collection[str]]) -> bool:
    return any(parent in usable and parent != name for parent in parents.get(name, ()))


def _count_below(
    name: str, usable: Mapping[str, Kin], parents: Mapping[str, Collection[str]]
) -> int:
    """Return how many of `usable` the known links lead down to from `name`."""
    below, waiting = set[str](), [name]
    while waiting:
        at = waiting.pop()
        new = [one for one in usable if at in parents.get(one, ()) and one not in below]
        below.update(new)
        waiting += new
    return len(below - {name})


def _leads_down(own: Sketch, parent: Sketch, child: Sketch) -> bool:
    """Return whether `own` has all of the update that made `child` of `parent`."""
    share = _measure_share(own, parent, child)
    return share is not None and abs(share - 1) <= DESCENT_TOLERANCE


def _measure_share(own: Sketch, parent: Sketch, child: Sketch) -> float | None:
    """Return how much `own` has of the update that made `child` of `parent`, 1 for all of it."""
    if not (_is_aligned(own, parent) and _is_aligned(own, child)):
        return None
    tests = [compare_signs(a, b) for a, b in ((own, parent), (child, parent), (own, child))]
    to_own, to_child, across = (2 - 2 * test.cosine if test else None for test in tests)
    if to_own is None or to_child is None or across is None or to_child <= 0:
        return None
    if to_own > MOST_BEYOND * to_child:
        return None
    return (to_own + to_child - across) / (2 * to_child)
