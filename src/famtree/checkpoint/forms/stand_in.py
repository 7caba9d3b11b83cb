"""What stands in for a config.json in transformers' terms, or says what there is instead."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from famtree.checkpoint.gathered import Gathered
    from famtree.types.source import CheckpointSource

Tables = Mapping[str, dict[str, Any]]
"""Decoded JSON objects by file name; a file that is another JSON value is an empty object."""


class StandIn(ABC):
    """One kind of files that are read where the root has no config.json that states a design.

    `famtree.checkpoint.forms.table` lists all of them, in the order in which they are asked.
    """

    even_with_config = False
    """Whether it is asked about a checkpoint whose config.json states a design."""

    def choose_files(self, found: Gathered, names: frozenset[str]) -> Iterable[str]:
        """Return the small JSON files to read; all stand-ins' come in one wave."""
        del found, names
        return ()

    @abstractmethod
    def take(self, source: CheckpointSource, found: Gathered, tables: Tables) -> bool:
        """Fill `found.config` or `found.explanation` and return True, where it is of this kind."""
