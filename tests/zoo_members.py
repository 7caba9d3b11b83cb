"""A small family of made-up members, and pairs of them, for tests of the zoo's bookkeeping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.answers import PairAnswer
from zoo.records import Member, Zoo


def make_member(name: str, parents: tuple[str, ...] = (), **facts: Any) -> Member:
    root = facts.pop("root", name.partition("-")[0])
    origin = {"design": "d", "shape": {"hidden": 8}, "initialisation": root}
    known: dict[str, Any] = {
        "kind": "finetune" if parents else "root", "relation": None, "tree": "t", "weights": (),
        "base": None, "disguised": False, "held_out": True, "origin": origin,
    }  # fmt: skip
    return Member(name, Path(name), parents=parents, root=root, **(known | facts))


FAMILY = Zoo(
    [
        make_member("a"),
        make_member("a-1", ("a",)),
        make_member("a-2", ("a-1",)),
        make_member("a-3", ("a",)),
        make_member("a-mix", ("a-2", "a-3"), kind="linear", weights=(0.3, 0.7)),
        make_member("a-ties", ("a-2", "a-3"), kind="ties", base="a"),
        make_member("a-hidden", ("a-1",), kind="rotated", disguised=True),
        make_member("b"),
    ]
)


def make_pair(group: str, verdict: str, z: float = 0.0, disguised: bool = False) -> PairAnswer:
    related = verdict in ("derived", "shared-init")
    return PairAnswer("x", "y", group, disguised, verdict, related, z, z, None, None, 0.0)
