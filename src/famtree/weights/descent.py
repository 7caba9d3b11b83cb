"""Placing the members of a family: who descends from whom.

Structure and storage exclude first (`direction`), then embedding rows that training left alone
(`inherited_rows`), then the noise of updates (`update_noise`). Of the members that pass, the
nearest is the parent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from famtree.weights.member_pairs import MemberPairs
from famtree.weights.results import Placement

if TYPE_CHECKING:
    from famtree.weights.open import Weights


def place_members(
    members: Mapping[str, Weights], root: str, *, share: float = 1.0
) -> dict[str, Placement]:
    """Return the parent of every member but `root`, which all are known to come from.

    A quantized, pruned or cast copy belongs to the member it is nearest to, and has no children.
    Any other member comes from the nearest of those it can descend from, else from the root.
    `unresolved` names members that may stand between: the sample cannot tell. `share` is the part
    of each matrix's rows that is read (with limits, see `blocks`). Merges have to be left out.
    """
    family = MemberPairs(members, root, share)
    parents = {name: _find_parent(family, name) for name in members if name != root}
    return {
        name: Placement(parent, beta, _trace(parents, name, root), unresolved)
        for name, (parent, beta, unresolved) in parents.items()
    }


_Found = tuple[str, float | None, tuple[str, ...]]


def _find_parent(family: MemberPairs, name: str) -> _Found:
    candidates = [other for other in family.names if family.can_precede(other, name)]
    if family.is_copy(name):
        nearest = _find_nearest(family, name, [family.root, *candidates])
        return nearest or family.root, None, ()
    passed = [other for other in candidates if family.descends(family.root, other, name)]
    unclear = {other for other in candidates if family.is_unclear(other, name)} - set(passed)
    while passed:
        best = _find_nearest(family, name, passed)
        if best is None:
            break
        passed.remove(best)
        # What stands between the root and `best` is in no common past of a descendant.
        between = [one for one in passed if family.descends(family.root, one, best)]
        if all(family.descends(one, best, name) for one in between):
            share = family.measure(family.root, best, name)
            return best, share.mean if share else None, tuple(sorted(unclear))
        unclear.add(best)
    return family.root, None, tuple(sorted(unclear))


def _find_nearest(family: MemberPairs, name: str, candidates: Iterable[str]) -> str | None:
    best: str | None = None
    for other in candidates:
        if best is None:
            best = other if family.have_blocks(name, other) else None
            continue
        distances = family.distances(name, best, other)
        if distances is not None and distances[1] < distances[0]:
            best = other
    return best


def _trace(parents: Mapping[str, _Found], name: str, root: str) -> tuple[str, ...]:
    """Return the way from the root to the parent of `name`."""
    path: list[str] = []
    at = parents[name][0]
    while at != root and at not in path:
        path.append(at)
        at = parents[at][0]
    return (root, *reversed(path))
