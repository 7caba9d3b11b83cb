"""The zoo as a benchmark sees it: what is on disk, and what is true of members and pairs.

Needs neither torch nor numpy.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from zoo.recipe import EXACT_MERGES, MERGES, SPARSE_MERGES, walk_ancestors
from zoo.trees import is_held_out


@dataclass(frozen=True, slots=True)
class Member:
    """One checkpoint and the truth about it."""

    name: str
    path: Path
    """A folder, or a .gguf file."""
    kind: str
    relation: str | None
    tree: str
    root: str
    parents: tuple[str, ...]
    weights: tuple[float, ...]
    base: str | None
    disguised: bool
    held_out: bool
    origin: dict[str, Any]

    @property
    def is_merge(self) -> bool:
        """Whether it has several parents."""
        return self.kind in MERGES

    @property
    def is_exact_merge(self) -> bool:
        """Whether its weights are a fixed combination of its parents'."""
        return self.kind in EXACT_MERGES

    @property
    def is_sparse_merge(self) -> bool:
        """Whether its deltas were trimmed or dropped before they were merged."""
        return self.kind in SPARSE_MERGES

    @property
    def design(self) -> tuple[Any, ...]:
        """What its root has in common with a twin: everything but the seed and the data."""
        shape = self.origin["shape"]
        return (self.origin["design"], *(shape[key] for key in sorted(shape)))


class Zoo:
    """Every finished checkpoint of a cache folder."""

    def __init__(self, members: Iterable[Member]) -> None:
        self.members = {member.name: member for member in members}

    def __getitem__(self, name: str) -> Member:
        return self.members[name]

    def pick(self, held_out: bool) -> list[Member]:
        """Return the held-out members, or the others, by name."""
        found = (one for one in self.members.values() if one.held_out is held_out)
        return sorted(found, key=lambda one: one.name)

    def trees(self, held_out: bool) -> dict[str, list[Member]]:
        """Return the members of each tree."""
        trees: dict[str, list[Member]] = {}
        for member in self.pick(held_out):
            trees.setdefault(member.tree, []).append(member)
        return trees

    def ancestors(self, name: str) -> Iterator[str]:
        """Return every ancestor by weights, parents first, each once."""
        return walk_ancestors(name, self.members)

    def edges(self, members: Iterable[Member]) -> list[tuple[Member, Member]]:
        """Return (parent, child) of every member that has exactly one parent."""
        return [(self[one.parents[0]], one) for one in members if len(one.parents) == 1]


def compare_origins(first: Member, second: Member) -> str:
    """Say what two members are to each other: related, shared-init, twins or strangers.

    `twins` are independent networks of one architecture and size, trained on the same data.
    """
    if first.root == second.root:
        return "related"
    same_design = first.design == second.design
    if same_design and first.origin["initialisation"] == second.origin["initialisation"]:
        return "shared-init"
    return "twins" if same_design and first.tree == second.tree else "strangers"


def list_pairs(members: list[Member]) -> dict[str, list[tuple[Member, Member]]]:
    """Return every unordered pair under what its two are to each other."""
    pairs: dict[str, list[tuple[Member, Member]]] = {
        "related": [], "shared-init": [], "twins": [], "strangers": []
    }  # fmt: skip
    for first, second in combinations(members, 2):
        pairs[compare_origins(first, second)].append((first, second))
    return pairs


def read_member(folder: Path) -> Member:
    """Read one checkpoint's truth."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    files = sorted(folder.glob("*.gguf"))
    return Member(
        name=truth["name"],
        path=files[0] if files else folder,
        kind=truth["kind"],
        relation=truth["relation"],
        tree=truth["tree"],
        root=truth["root"],
        parents=tuple(truth["parents"]),
        weights=tuple(truth["weights"]),
        base=truth["base"],
        disguised=truth["disguised"],
        held_out=is_held_out(truth["tree"]),
        origin=truth["origin"],
    )


def read_zoo(cache: Path) -> Zoo:
    """Read the truth of every finished checkpoint under `cache`."""
    records = sorted((cache / "models").glob("[!.]*/truth.json"))
    if not records:
        raise SystemExit(f"no zoo in {cache}: run benchmarks/make_zoo.py first")
    return Zoo(read_member(record.parent) for record in records)
