"""Safetensors: shards whose headers hold names, dtypes and places of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree.checkpoint.forms.folder import Folder
from famtree.sources.header_plan import has_shards
from famtree.types.checkpoint import Listing

if TYPE_CHECKING:
    from famtree.checkpoint.gathered import Gathered, OnProgress
    from famtree.weights.open import Weights


class Safetensors(Folder):
    """A model in one or more safetensors shards."""

    name = "safetensors"
    suffixes = (".safetensors",)

    @classmethod
    def recognises(cls, listing: Listing) -> bool:
        """Return whether there are shards of a model."""
        return has_shards(listing)

    def open_weights(self, found: Gathered, on_progress: OnProgress | None = None) -> Weights:
        """Open the shards by the headers that were read; others are read when they are needed."""
        del on_progress
        from famtree.weights.open import open_safetensors_weights

        return open_safetensors_weights(
            self.source, found.listing, found.plan, found.config, found.index
        )
