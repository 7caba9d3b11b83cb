"""The chain of a checkpoint as far as its files and the registry reach; nothing is fetched."""

from __future__ import annotations

from famtree.lineage.advice import Advisor
from famtree.lineage.facts import NodeFacts
from famtree.lineage.known import find_known, join_record
from famtree.lineage.walk import Asked, Found, walk_lineage
from famtree.registry.registry import Registry
from famtree.types.identification import LineageSummary

MAX_DEPTH = 12
"""Longer chains occur on the Hub only as merges of merges."""


def summarise_lineage(
    node: NodeFacts, registry: Registry, advisor: Advisor | None = None
) -> LineageSummary:
    """Return direct parents and the chain, nearest parent first.

    The walk is that of `famtree lineage`, with nothing but the registry, and `advisor` where there
    is one, to open parents in. `root` is named where all branches end at one checkpoint that is
    recorded as trained from scratch.
    """

    def open_parent(asked: Asked) -> Found:
        told = advisor.describe(asked[0]) if advisor is not None else None
        known = join_record(told, registry) if told is not None else find_known(asked[0], registry)
        return Found(known.ref if known is not None else asked[0], known)

    walk = walk_lineage(
        join_record(node, registry),
        lambda asked: [open_parent(one) for one in asked],
        registry,
        depth=MAX_DEPTH,
    )
    roots, _ = walk.find_ends()
    complete = walk.complete
    return LineageSummary.model_construct(
        parents=[step.parent for step in walk.steps.get(node.ref, ()) if step.stands],
        chain=[step.publish() for step in walk.chain],
        root=roots[0] if complete and len(roots) == 1 else None,
        complete=complete,
    )
