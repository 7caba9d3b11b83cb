"""Figures about whole trees: parents, ancestors, merges, and baselines on the same members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from zoo.answers import MergeAnswer, PlaceAnswer
from zoo.figures import Figure, make_share
from zoo.records import Member, Zoo

WEIGHT_ERROR = 0.02


@dataclass(slots=True)
class Tally:
    """Parents named for the members of one or more trees."""

    named: int = 0
    right: int = 0
    ancestors: int = 0
    open: int = 0
    """Placed under a true ancestor with the true parent among the unresolved candidates."""
    members: int = 0

    def add(self, zoo: Zoo, child: str, parent: str | None, unresolved: Iterable[str] = ()) -> None:
        """Count one member and the parent that was named for it."""
        true = zoo[child].parents[0]
        self.members += 1
        if parent is not None:
            self.named += 1
            self.right += parent == true
            self.ancestors += parent in set(zoo.ancestors(child))
            self.open += parent != true and true in set(unresolved)

    def absorb(self, other: Tally) -> None:
        """Add another tally's counts."""
        self.named += other.named
        self.right += other.right
        self.ancestors += other.ancestors
        self.open += other.open
        self.members += other.members

    def as_figures(self, title: str, marked: bool) -> list[Figure]:
        """Return exact parents of all members, and true ancestors of those placed."""
        return [
            make_share(
                f"exact parent, {title}",
                self.right,
                self.members,
                ("at least", 0.80) if marked else None,
                f"({self.open} more left open with it among the candidates)" if self.open else "",
            ),
            make_share(
                f"named parent is a true ancestor, {title}",
                self.ancestors,
                self.named,
                ("at least", 0.97) if marked else None,
            ),
        ]


def list_placeable(members: Iterable[Member], root: str) -> list[Member]:
    """Return the members of one root that have one parent and no disguise, and the root."""
    return [one for one in members if one.root == root and not one.is_merge and not one.disguised]


def tally_places(
    zoo: Zoo, members: Iterable[Member], placed: Mapping[str, PlaceAnswer], tally: Tally
) -> None:
    """Count `members` (roots are left out) by where they were placed, if they were."""
    for member in members:
        if member.parents:
            answer = placed.get(member.name)
            if answer is None:
                tally.add(zoo, member.name, None)
            else:
                tally.add(zoo, member.name, answer.parent, answer.unresolved)


def count_merges(
    members: Iterable[Member], answers: Iterable[MergeAnswer], marked: bool
) -> list[Figure]:
    """Return how many merges were found with the right parents, and false ones."""
    members = list(members)
    found = {answer.child: answer for answer in answers}
    exact = [one for one in members if one.is_exact_merge]
    sparse = [one for one in members if one.is_sparse_merge]
    rest = [one for one in members if not one.is_merge]

    def right(member: Member) -> bool:
        answer = found.get(member.name)
        return answer is not None and set(answer.parents) == set(member.parents)

    errors = [
        abs(
            dict(zip(found[one.name].parents, found[one.name].weights, strict=True))[parent] - share
        )
        for one in exact
        if right(one)
        for parent, share in zip(one.parents, one.weights, strict=True)
    ]
    false = sum(one.name in found for one in rest)
    return [
        make_share(
            "linear and SLERP merges: parents right",
            sum(map(right, exact)),
            len(exact),
            ("at least", 1.0) if marked else None,
        ),
        Figure(
            "linear and SLERP merges: largest error of a weight",
            max(errors, default=None),
            len(errors),
            ("at most", WEIGHT_ERROR) if marked else None,
        ),
        make_share(
            "TIES and DARE merges: parents right",
            sum(map(right, sparse)),
            len(sparse),
            ("at least", 0.8) if marked else None,
        ),
        Figure("false merges", false, len(rest), ("at most", 0) if marked else None),
    ]
