"""TensorRT-LLM checkpoints and engines: their config.json is their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree.checkpoint.forms.stand_in import StandIn, Tables
from famtree.fingerprints.native import ranks, read_engine_config
from famtree.types.checkpoint import TensorIndex

if TYPE_CHECKING:
    from famtree.checkpoint.gathered import Gathered
    from famtree.types.source import CheckpointSource


class EngineConfig(StandIn):
    """The config of a TensorRT-LLM checkpoint, put into transformers' terms."""

    even_with_config = True

    def take(self, source: CheckpointSource, found: Gathered, tables: Tables) -> bool:
        """Translate `found.config`."""
        del source, tables
        engine = read_engine_config(found.config)
        if not engine:
            return False
        if ranks(found.config) > 1:
            # Every file holds a slice of every tensor: shapes would mislead.
            found.index = TensorIndex(files=found.index.files)
        found.config = engine
        return True
