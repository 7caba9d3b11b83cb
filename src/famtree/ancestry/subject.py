"""What a checkpoint is and where it comes from, examined in one pass."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from famtree.ancestry.checkpoints import Opened, Opener
from famtree.ancestry.trace import trace_lineage
from famtree.identification.report import assemble
from famtree.registry.registry import Registry
from famtree.sources.hub_access import OWN, HubAccess
from famtree.types.checkpoint import CheckpointRef
from famtree.types.identification import Identification
from famtree.types.lineage import Lineage


class Subject(Struct, frozen=True):
    """One checkpoint: what it is, where it comes from, and all that was opened to tell."""

    identification: Identification
    lineage: Lineage
    opened: dict[str, Opened]
    """By the names of the lineage's nodes; those that could not be opened are absent."""


def examine_subject(
    ref: CheckpointRef,
    registry: Registry,
    *,
    depth: int,
    offline: bool = False,
    children: bool = False,
    verify: bool = False,
    on_progress: Callable[[str], None] | None = None,
    access: HubAccess = OWN,
) -> Subject:
    """Return what is known of `ref`; `verify` settles its ancestry by weight bytes.

    Raises FetchError and UnreadableError kin for `ref` itself.
    """
    opener = Opener(registry, offline, headers=verify, access=access)
    lineage = trace_lineage(
        ref,
        registry,
        depth=depth,
        offline=offline,
        children=children,
        verify=verify,
        on_progress=on_progress,
        opener=opener,
    )
    own = opener.opened[lineage.ref]
    identification = assemble(own.source, registry, own.findings, seconds=lineage.cost.seconds)
    return Subject(identification, lineage, opener.opened)
