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
class Loosened:
    """A link whose child states a looser licence than its parent."""

    child: str
    child_license: str
    parent: str
    parent_license: str
    status: str


@dataclass(frozen=True, slots=True)
class Contradicted:
    """A claimed link that evidence rules out."""

    child: str
    parent: str
    relation: str


@dataclass(frozen=True, slots=True)
class AtlasReport:
    """Counts over all checkpoints, and examples where a list would be too long."""

    famtree: str
    checkpoints: int
    outcomes: list[Counted]
    families: list[Counted]
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
