"""Native `params.json`, as Meta and Mistral write it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from famtree.checkpoint.forms.stand_in import StandIn, Tables
from famtree.fingerprints.native import read_params

if TYPE_CHECKING:
    from famtree.checkpoint.gathered import Gathered
    from famtree.types.source import CheckpointSource

_NAMES = ("params.json", "original/params.json")


class Params(StandIn):
    """A params.json, put into transformers' terms."""

    def choose_files(self, found: Gathered, names: frozenset[str]) -> Iterable[str]:
        """Return those that are there."""
        return [] if found.config else [name for name in _NAMES if name in names]

    def take(self, source: CheckpointSource, found: Gathered, tables: Tables) -> bool:
        """Take the first one of a known layout."""
        del source
        for name in () if found.config else _NAMES:
            config, layout = read_params(tables.get(name, {}))
            if layout is not None:
                found.config = config
                return True
        return False
