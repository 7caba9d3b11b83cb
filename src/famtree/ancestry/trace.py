"""The whole answer of `famtree lineage`."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from famtree.ancestry.checkpoints import open_ancestor, open_checkpoint
from famtree.ancestry.document import publish
from famtree.ancestry.walk import Verify, walk_ancestry
from famtree.registry.registry import Registry
from famtree.types.checkpoint import CheckpointRef
from famtree.types.lineage import Lineage


def trace_lineage(
    ref: CheckpointRef,
    registry: Registry,
    *,
    depth: int,
    offline: bool = False,
    children: bool = False,
    verify: Verify | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Lineage:
    """Return the ancestry graph of `ref`, up to `depth` generations, and its known children.

    Raises FetchError and UnreadableError kin for `ref` itself; whatever is wrong with an ancestor
    is a warning and an end of its branch.
    """
    started = time.perf_counter()
    start = open_checkpoint(ref, registry, offline=offline, on_progress=on_progress)
    walk = walk_ancestry(
        start,
        partial(open_ancestor, registry=registry, offline=offline),
        depth=depth,
        verify=verify,
        on_progress=on_progress,
    )
    return publish(walk, [], seconds=time.perf_counter() - started)
