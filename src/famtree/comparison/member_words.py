"""Where a checkpoint stands among others that are kin, with the sentence that says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from famtree.identification.reason import join_names
from famtree.types.comparison import Member

if TYPE_CHECKING:
    from famtree.types.proof import FoundMerge
    from famtree.weights.results import Placement

_MOST_NAMED = 4


class Group(Struct, frozen=True):
    """Checkpoints that are kin of each other, in the order they were asked about."""

    names: tuple[str, ...]
    above: Mapping[str, frozenset[str]]
    """Those of them that each declares to come from, over any number of links."""
    scratch: frozenset[str]
    """Those on record as trained from scratch."""

    def find_stated(self, name: str) -> set[str]:
        """Return those that `name` declares to come from with no other of them between."""
        above = self.above[name]
        return {one for one in above if not any(one in self.above[other] for other in above)}

    def name_others(self, name: str) -> str:
        """Return the names of all but `name` in words."""
        return name_few(other for other in self.names if other != name)


def tell_unread(reason: str) -> Member:
    """Return the answer on a checkpoint that could not be looked at."""
    return Member.model_construct(place="unread", status="unresolved", reason=reason)


def tell_alone(untold: Iterable[str]) -> Member:
    """Return the answer on one that is proven kin of none; with `untold` nothing was proven."""
    names = list(untold)
    if not names:
        told = "its weights come from none of the others"
        return Member.model_construct(place="alone", status="verified", reason=told)
    told = f"whether it is kin of {name_few(names)} could not be told"
    return Member.model_construct(place="alone", status="unresolved", reason=told)


def tell_related(group: Group, name: str, why: str) -> Member:
    """Return the answer on one that is kin of others, and no more; `why` not."""
    told = f"kin of {group.name_others(name)}; {why}"
    return Member.model_construct(place="related", status="verified", reason=told)


def tell_root(group: Group, name: str, *, known: bool) -> Member:
    """Return the answer on the one that the others come from, or may come from."""
    others = group.name_others(name)
    told = f"{others} come from it"
    if not known:
        told = f"a candidate for what {others} come from: no declaration says so of all of them"
    return Member.model_construct(
        place="root", status="verified" if known else "inferred", reason=told, candidate=not known
    )


def tell_merge(group: Group, name: str, merge: FoundMerge) -> Member:
    """Return the answer on one whose weights are computed from those of others."""
    parents = [part.ref for part in merge.parents]
    declared = set(parents) <= group.above[name]
    return Member.model_construct(
        place="child",
        status="verified" if declared else "inferred",
        reason=f"{merge.reason}, to within rounding",
        parent=parents[0],
        merge=merge,
    )


def tell_child(group: Group, name: str, place: Placement, *, known: bool, same: bool) -> Member:
    """Return the answer on one that was placed below the root, which is `known` or a candidate.

    `same` says that it has the weights of its parent.
    """
    parent, between = place.parent, list(place.unresolved)
    stated = group.find_stated(name)
    if same:
        told = f"the same weights as {parent}"
    elif parent in stated:
        told = f"names {parent}, and its weights bear that out"
    else:
        told = f"its weights place it below {parent}"
        if stated:
            further = stated <= set(place.path)
            named = name_few(sorted(stated))
            told += f", which comes from {named}, the one it names" if further else (
                f", though it names {named}"
            )  # fmt: skip
        if not known:
            told += ": a candidate, for no declaration says which of them came first"
    if between:
        told += f"; {name_few(between)} may stand between"
    certain = same or parent in stated
    return Member.model_construct(
        place="child",
        status="unresolved" if between else "verified" if certain else "inferred",
        reason=told,
        parent=parent,
        path=list(place.path),
        candidate=not known,
        beta=None if place.beta is None else round(place.beta, 4),
        unresolved=between,
    )


def name_few(names: Iterable[str]) -> str:
    """Return names in words: `a, b and c`, the first few of many."""
    listed = list(names)
    if len(listed) > _MOST_NAMED:
        return f"{', '.join(listed[:_MOST_NAMED])} and {len(listed) - _MOST_NAMED} more"
    return join_names(listed, "and")
