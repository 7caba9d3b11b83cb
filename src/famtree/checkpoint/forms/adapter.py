"""Adapters: matrices beside a base's, in safetensors or pickled, with adapter_config.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree.checkpoint.forms.folder import Folder
from famtree.fingerprints.adapter import read_adapter_config
from famtree.sources.header_plan import ADAPTERS
from famtree.types.checkpoint import Listing

if TYPE_CHECKING:
    from famtree.checkpoint.gathered import Gathered

_NAMES = ("adapter_config.json", *ADAPTERS, "adapter_model.bin")


class AdapterFolder(Folder):
    """An adapter without the model it is for."""

    name = "adapter"

    @classmethod
    def recognises(cls, listing: Listing) -> bool:
        """Return whether a file of the names that peft and mlx-lm write is there."""
        return any(entry.name in _NAMES for entry in listing.files)

    def does_without(self, found: Gathered) -> bool:
        """Return whether the adapter's own config is whole: it names the base."""
        return read_adapter_config(found.side_files.get("adapter_config.json")) is not None

    def is_adapter(self, found: Gathered) -> bool:
        """Return True."""
        del found
        return True

    def describe_unread(self, first: str) -> str:
        """Return why an adapter's tensors say too little."""
        del first
        return "an adapter's tensors fit any model of the same widths"
