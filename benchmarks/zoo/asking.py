"""Asking famtree's own weight tests about members of the zoo.

No statistic is computed here: what is measured is what `famtree.weights` answers.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from itertools import product

import numpy as np

from famtree.checkpoint.checkpoint import Checkpoint
from famtree.packings.stored import UnreadableWeightError
from famtree.registry.load import load_registry
from famtree.sources.open import open_source
from famtree.sources.reference import parse_reference
from famtree.weights.descent import place_members
from famtree.weights.direction import find_direction
from famtree.weights.merges import find_merge
from famtree.weights.open import Weights
from famtree.weights.pair import compare_weights
from famtree.weights.read import Window, read_windows
from famtree.weights.roles import INPUT_ROLES, OUTPUT_ROLES, find_view
from zoo.answers import DirectionAnswer, MergeAnswer, PairAnswer, PlaceAnswer
from zoo.records import Member, compare_origins

MATRICES = (*INPUT_ROLES, *OUTPUT_ROLES)


class Reader:
    """Opens every member once; what has been read of it is kept by the library."""

    def __init__(self) -> None:
        self.opened: dict[str, Weights] = {}
        self.registry = load_registry()

    def open(self, member: Member) -> Weights:
        """Return the member's weights."""
        if member.name not in self.opened:
            source = open_source(parse_reference(str(member.path)))
            self.opened[member.name] = Checkpoint(source, self.registry, briefly=True).weights
        return self.opened[member.name]

    def compare(self, first: Member, second: Member) -> PairAnswer:
        """Ask whether two members are related."""
        one, other = self.open(first), self.open(second)
        started = time.process_time()
        result = compare_weights(one, other, deep=True)
        seconds = time.process_time() - started
        return PairAnswer(
            first.name,
            second.name,
            compare_origins(first, second),
            first.disguised or second.disguised,
            result.verdict,
            result.related,
            result.z,
            result.column.z if result.column else None,
            result.embedding.z if result.embedding else None,
            result.probe.z if result.probe else None,
            seconds,
        )

    def direct(self, parent: Member, child: Member) -> DirectionAnswer:
        """Ask which of two came first, in an order that does not tell."""
        turned = random.Random(f"{parent.name} {child.name}").random() < 0.5
        one, other = (child, parent) if turned else (parent, child)
        result = find_direction(self.open(one), self.open(other))
        names = {"a": one.name, "b": other.name, None: None}
        disguised = parent.disguised or child.disguised
        said = names[result.parent]
        return DirectionAnswer(parent.name, child.name, child.kind, disguised, said, result.arrow)

    def read_matrices(self, member: Member) -> dict[str, np.ndarray]:
        """Read every block matrix whole, dequantized where need be, for the baselines."""
        weights = self.open(member)
        windows = {}
        for layer, role in product(range(weights.depth), MATRICES):
            try:
                view = find_view(weights, role, layer)
            except UnreadableWeightError:
                continue
            whole = Window(role, layer, tuple(range(view.rows)), (0, view.columns))
            windows[f"{role} {layer}"] = whole
        values = read_windows(weights, windows.values())
        return {name: values[whole] for name, whole in windows.items() if whole in values}

    def find_merges(self, family: Iterable[Member], root: str) -> list[MergeAnswer]:
        """Ask of every member but the root whether it is a merge of the others."""
        opened = {member.name: self.open(member) for member in family}
        answers = []
        for child in sorted(opened):
            if child == root:
                continue
            others = {name: one for name, one in opened.items() if name != child}
            fit = find_merge(opened[child], others, base=root)
            if fit is not None:
                answers.append(MergeAnswer(child, fit.parents, fit.weights, fit.kind))
        return answers

    def place(self, family: Iterable[Member], root: str) -> dict[str, PlaceAnswer]:
        """Ask for every member's parent."""
        opened = {one.name: self.open(one) for one in family}
        placed = place_members(opened, root)
        return {
            child: PlaceAnswer(child, place.parent, place.unresolved)
            for child, place in placed.items()
        }
