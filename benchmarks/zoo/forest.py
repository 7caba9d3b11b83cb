"""Whole trees: who are the merges and who are the parents, by famtree and by published methods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from zoo.answers import MergeAnswer, PairAnswer, PlaceAnswer
from zoo.baselines import (
    Tensors,
    measure_distances,
    measure_kurtosis,
    span_arborescence,
    span_tree,
)
from zoo.figures import Figure
from zoo.records import Member, Zoo
from zoo.tree_figures import Tally, count_merges, list_placeable, tally_places

DESCENT = ("same-weights", "derived", "partial")
"""Verdicts that put a member into a root's family."""
LEAST_FAMILY = 3


def list_families(members: list[Member]) -> list[Member]:
    """Return the roots in one tree whose families are large enough to ask about."""
    sizes = Counter(one.root for one in members)
    return [one for one in members if not one.parents and sizes[one.name] >= LEAST_FAMILY]


class Asker(Protocol):
    """Answers about families; see `asking.Reader`."""

    def find_merges(self, family: Iterable[Member], root: str) -> list[MergeAnswer]:
        """Return the members that are merges of others."""
        ...

    def place(self, family: Iterable[Member], root: str) -> dict[str, PlaceAnswer]:
        """Return every member's parent."""
        ...

    def read_matrices(self, member: Member) -> Tensors:
        """Return every block matrix."""
        ...


class Forest:
    """Parents and merges of all trees of one split, with the baselines'."""

    def __init__(self, zoo: Zoo, answers: Iterable[PairAnswer], reader: Asker | None) -> None:
        self.zoo = zoo
        self.reader = reader
        self.verdicts = {frozenset((one.first, one.second)): one.verdict for one in answers}
        self.tallies: dict[str, Tally] = {}
        self.merges: list[MergeAnswer] = []
        self.judged: list[Member] = []

    def find_family(self, members: list[Member], root: Member) -> list[Member]:
        """Return the root and what famtree finds to descend from its weights."""
        return [
            one
            for one in members
            if one is root or self.verdicts.get(frozenset((one.name, root.name))) in DESCENT
        ]

    def ask(self, members: list[Member], root: Member) -> None:
        """Find the merges among the root's family, then everybody else's parent."""
        assert self.reader is not None
        found = self.find_family(members, root)
        for title, family in (
            ("famtree", [one for one in found if not one.disguised]),
            ("famtree, disguised members included", found),
        ):
            merges = self.reader.find_merges(family, root.name)
            merged = {answer.child for answer in merges}
            rest = [one for one in family if one.name not in merged]
            placed = self.reader.place(rest, root.name)
            asked = [one for one in members if one.root == root.name and not one.is_merge]
            if title == "famtree":
                self.merges += merges
                self.judged += [
                    one for one in members if one.root == root.name and not one.disguised
                ]
                asked = list_placeable(members, root.name)
            tally_places(self.zoo, asked, placed, self.tallies.setdefault(title, Tally()))

    def ask_baselines(self, members: list[Member], root: Member) -> None:
        """Let the published methods place the same members, told the family and its root."""
        assert self.reader is not None
        family = list_placeable(members, root.name)
        tensors: dict[str, Tensors] = {one.name: self.reader.read_matrices(one) for one in family}
        distances = measure_distances(tensors)
        kurtosis = {name: measure_kurtosis(values) for name, values in tensors.items()}
        results = {
            "minimum spanning tree": span_tree(distances, root.name),
            "MoTHer, kurtosis falls": span_arborescence(
                distances, kurtosis, root.name, falling=True
            ),
            "MoTHer, kurtosis rises": span_arborescence(
                distances, kurtosis, root.name, falling=False
            ),
        }
        for title, parents in results.items():
            tally = self.tallies.setdefault(title, Tally())
            for member in family:
                if member.parents:
                    tally.add(self.zoo, member.name, parents.get(member.name))

    def run(self, members: list[Member], root: Member) -> None:
        """Ask about the family of one root among the members of its tree."""
        self.ask(members, root)
        self.ask_baselines(members, root)

    def absorb(self, other: Forest) -> None:
        """Add what another forest was told."""
        for title, tally in other.tallies.items():
            self.tallies.setdefault(title, Tally()).absorb(tally)
        self.merges += other.merges
        self.judged += other.judged

    def as_figures(self, marked: bool) -> list[Figure]:
        """Return every figure about trees."""
        figures = []
        for title, tally in self.tallies.items():
            figures += tally.as_figures(title, marked and title == "famtree")
        return figures + count_merges(self.judged, self.merges, marked)
