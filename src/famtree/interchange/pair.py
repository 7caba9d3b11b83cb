"""Two checkpoints and what was found out about them together; what a fact is."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from famtree.interchange.engine import Engine
from famtree.interchange.side import Side
from famtree.interchange.structure import StructureComparison
from famtree.interchange.tokens import TokenComparison
from famtree.types.comparison import LineageVerdict
from famtree.types.traits import Value


class Pair(Struct, frozen=True):
    """Two checkpoints, compared; for one engine where a question is about one."""

    a: Side
    b: Side
    structure: StructureComparison
    tokens: TokenComparison
    lineage: LineageVerdict
    light_path: bool | None = None
    """Only fine-tunes, merges, copies and quantizations lie between the two; None where no path
    is known."""
    engine: Engine | None = None
    version: str | None = None
    """The engine's version as asked for, or the one its file was checked at."""


class Fact(Struct, frozen=True):
    """How a fact is read, and what it is called in a sentence."""

    words: str
    """Completes `cannot be told without knowing ...`."""
    read: Callable[[Pair], Value | None]
    """None where it cannot be seen, which is never the same as False."""
