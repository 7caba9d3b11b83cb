"""What was said of members of the zoo, as plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PairAnswer:
    """What was said of one pair."""

    first: str
    second: str
    group: str
    """related, shared-init, twins or strangers: the truth."""
    disguised: bool
    """Whether one of the two is."""
    verdict: str
    related: bool
    z: float | None
    column_z: float | None
    embedding_z: float | None
    probe_z: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class DirectionAnswer:
    """What was said of the direction of one edge."""

    parent: str
    child: str
    kind: str
    disguised: bool
    said: str | None
    """Name of the one said to be the parent; None where it abstained."""
    arrow: str | None


@dataclass(frozen=True, slots=True)
class PlaceAnswer:
    """Where one member was put."""

    child: str
    parent: str | None
    """None where it was not recognised as one of the family."""
    unresolved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MergeAnswer:
    """The merge a member was said to be."""

    child: str
    parents: tuple[str, ...]
    weights: tuple[float, ...]
    kind: str
