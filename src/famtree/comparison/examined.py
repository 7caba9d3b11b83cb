"""One of the two checkpoints, examined in full, with everything that was read kept at hand."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct

from famtree.identification.gathered import Gathered
from famtree.identification.identify import examine_checkpoint
from famtree.identification.node import describe_node
from famtree.identification.report import assemble
from famtree.lineage.facts import NodeFacts
from famtree.registry.registry import Registry
from famtree.types.identification import Identification
from famtree.types.source import CheckpointSource


class Examined(Struct, frozen=True):
    """An answer and what it was drawn from."""

    source: CheckpointSource
    found: Gathered
    identification: Identification
    node: NodeFacts
    """The checkpoint as an end of links."""


def examine_source(
    source: CheckpointSource,
    registry: Registry,
    on_progress: Callable[[str], None] | None = None,
) -> Examined:
    """Examine one checkpoint as `famtree identify` does.

    Raises FetchError and UnreadableError kin.
    """
    started = time.perf_counter()
    findings = examine_checkpoint(source, registry, on_progress)
    node = describe_node(source, findings, text=source.kind != "hub")
    spent = time.perf_counter() - started
    result = assemble(source, registry, findings, seconds=spent, node=node)
    return Examined(source, findings.found, result, node)
