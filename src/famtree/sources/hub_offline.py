"""What is answered without the network: by famtree's own cache, or by huggingface_hub's.

The own cache repeats an answer: a listing of all files, and of those what was read for it. A
snapshot of huggingface_hub is whatever somebody downloaded, and is read as the folder it is: the
listing has the files that are there, and the others are known to be absent as far as that cache
recorded them (`trees/`). The snapshot answers where the own cache has no weights of the checkpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from famtree.errors import FamtreeError
from famtree.sources.hub_cache import HubCache
from famtree.sources.hub_errors import RefusalError
from famtree.sources.weight_files import list_weight_files
from famtree.types.checkpoint import CheckpointRef, Listing

if TYPE_CHECKING:
    from famtree.sources.local import LocalSource

DOWN_SECONDS = 60.0
"""How long a Hub that could not be reached is not asked again about what is cached."""


class Cached(Struct, frozen=True):
    """A checkpoint that some cache has, at least in part."""

    listing: Listing
    snapshot: LocalSource | None = None
    """What reads it where it is a folder of huggingface_hub's."""
    partial: bool = False
    """Whether there is such a folder, so that what is not cached is absent and no error."""


def find_cached(
    cache: HubCache, ref: CheckpointRef, revision: str, pinned: str | None
) -> Cached | None:
    """Return what the caches have of `ref`; `pinned` is its revision where that is a commit."""
    repo_id = ref.repo_id or ""
    commit = pinned or cache.read_ref(repo_id, revision)
    known = cache.read_listing(repo_id, commit) if commit else None
    held = known is not None and cache.holds_any(list_weight_files(known))
    shared = cache.find_shared_snapshot(repo_id, commit or revision)
    if shared is None and not held and pinned is None:
        shared = cache.find_shared_snapshot(repo_id, revision)
    if shared is None or (held and known is not None):
        return None if known is None else Cached(known, partial=shared is not None)
    from famtree.sources.local import LocalSource

    folder, recorded = shared
    snapshot = LocalSource(CheckpointRef(text=ref.text, path=str(folder)))
    try:
        listing = snapshot.list_files()
    except FamtreeError:
        return None if known is None else Cached(known)
    if known is not None and known.revision == folder.name:
        recorded = [entry.name for entry in known.files]
        # What the Hub has stated of a file's hash still holds for whatever lies there by its name.
        stated = {entry.name: entry for entry in known.files}
        files = tuple(stated.get(entry.name, entry) for entry in listing.files)
        listing = replace(known, files=files, card=known.card or listing.card)
    present = {entry.name for entry in listing.files}
    absent = tuple(name for name in recorded if name not in present)
    return Cached(replace(listing, revision=folder.name, absent=absent), snapshot, partial=True)


def is_unreachable(fault: FamtreeError) -> bool:
    """Return whether no answer came at all, or none but that the server is out of order.

    What a proxy refuses, or a certificate, is the user's to mend: huggingface_hub tells of those
    as well, and takes its cache for the others.
    """
    from urllib3 import exceptions as urllib3

    cause = fault.__cause__
    if isinstance(cause, RefusalError):
        return cause.status >= 500
    passing = (urllib3.NewConnectionError, urllib3.TimeoutError, urllib3.ProtocolError)
    return isinstance(cause, passing) and not isinstance(cause, urllib3.ProxyError)
