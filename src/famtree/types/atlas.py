"""What a report on an atlas tells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counted:
    """One bar of a plot."""

    label: str
    count: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class FamilyCount:
    """How many checkpoints are of one family, and of how many of its generations."""

    key: str
    checkpoints: int
    generations: int
    unsettled: int
    """Checkpoints whose generation is open."""


@dataclass(frozen=True, slots=True)
class NamedCheckpoint:
    """A checkpoint as its publisher writes it."""

    name: str
    listed: bool
    """Whether it is a name on the Hub, not a folder of somebody's machine."""


@dataclass(frozen=True, slots=True)
class Unidentified:
    """A checkpoint whose family is unknown, and what it shows of its design."""

    checkpoint: NamedCheckpoint
    because: str
    design: str


@dataclass(frozen=True, slots=True)
class Loosened:
    """A link whose child states a looser licence than its parent."""

    child: NamedCheckpoint
    child_license: str
    parent: NamedCheckpoint
    parent_license: str
    status: str


@dataclass(frozen=True, slots=True)
class Contradicted:
    """A claimed link that evidence rules out."""

    child: NamedCheckpoint
    parent: NamedCheckpoint
    relation: str


@dataclass(frozen=True, slots=True)
class AtlasReport:
    """Counts over all checkpoints, and examples where a list would be too long."""

    famtree: str
    built: str
    """Day on which the atlas was built, empty where it does not say."""
    checkpoints: int
    outcomes: list[Counted]
    families: list[FamilyCount]
    """All of them, that of most checkpoints first."""
    unknown: list[Unidentified]
    unknowns: int
    statuses: list[Counted]
    """Links by status."""
    undeclared: int
    """Checkpoints that name no parent and are no known root, of identified ones."""
    copies: list[Counted]
    """Sets of checkpoints with equal weight files, that of most members first."""
    contradicted: list[Contradicted]
    contradictions: int
    quantizations: list[Counted]
    licenses: list[Counted]
    loosened: list[Loosened]
    loosenings: int
