"""The one place that chooses how a checkpoint is read."""

from __future__ import annotations

from famtree.sources.hub_access import OWN, HubAccess
from famtree.types.checkpoint import CheckpointRef
from famtree.types.source import CheckpointSource


def open_source(
    ref: CheckpointRef,
    *,
    offline: bool = False,
    patience: float | None = None,
    access: HubAccess = OWN,
) -> CheckpointSource:
    """Return the source for `ref`; nothing is read yet, and a local one imports no network code.

    `offline` forbids every request (HF_HUB_OFFLINE does too): only caches are read. `patience` is
    how many seconds of pauses one request may take when the Hub asks for them. `access` says which
    Hub is asked, and as whom.
    """
    if ref.is_local:
        from famtree.sources.local import LocalSource

        return LocalSource(ref)
    from famtree.sources.hub import HubSource
    from famtree.sources.hub_client import MAX_PAUSE

    seconds = MAX_PAUSE if patience is None else patience
    return HubSource(ref, offline=offline, patience=seconds, access=access)
