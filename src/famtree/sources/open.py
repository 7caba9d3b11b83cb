"""The one place that chooses how a checkpoint is read."""

from __future__ import annotations

from famtree.types.checkpoint import CheckpointRef
from famtree.types.source import CheckpointSource


def open_source(ref: CheckpointRef, *, offline: bool = False) -> CheckpointSource:
    """Return the source for `ref`; nothing is read yet, and a local one imports no network code.

    `offline` forbids every request (HF_HUB_OFFLINE does too): only caches are read.
    """
    if ref.is_local:
        from famtree.sources.local import LocalSource

        return LocalSource(ref)
    from famtree.sources.hub import HubSource

    return HubSource(ref, offline=offline)
