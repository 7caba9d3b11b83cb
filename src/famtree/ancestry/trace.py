"""The whole answer of `famtree lineage`."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from famtree.ancestry.checkpoints import Opener
from famtree.ancestry.children import list_children
from famtree.ancestry.document import publish
from famtree.lineage.advice import Advice, Advisor
from famtree.lineage.references import says_delta
from famtree.lineage.steps import JudgedLink
from famtree.lineage.walk import walk_lineage
from famtree.registry.registry import Registry
from famtree.sources.hub_access import OWN, HubAccess
from famtree.types.checkpoint import CheckpointRef
from famtree.types.identification import CostReport
from famtree.types.lineage import ChildGroup, Lineage
from famtree.verification.links import LinkVerifier


def trace_lineage(
    ref: CheckpointRef,
    registry: Registry,
    *,
    depth: int,
    offline: bool = False,
    children: bool = False,
    verify: bool = False,
    on_progress: Callable[[str], None] | None = None,
    opener: Opener | None = None,
    access: HubAccess = OWN,
    advisor: Advisor | None = None,
) -> Lineage:
    """Return the ancestry graph of `ref`, up to `depth` generations, and its known children.

    `verify` settles links by weight bytes: each standing link both of whose ends could be opened,
    with their headers read. `advisor` names parents of `ref` where it names none itself. `opener`
    keeps what was opened on the way, for a caller who needs more than the graph.

    Raises FetchError and UnreadableError kin for `ref` itself; whatever is wrong with an ancestor
    is a warning and an end of its branch.
    """
    started = time.perf_counter()
    report = on_progress or (lambda _: None)
    opener = opener or Opener(registry, offline, headers=verify, access=access, advisor=advisor)
    start = opener.open_start(ref, on_progress)
    advice = Advice()
    if advisor is not None:
        report("asking the atlas")
        own = opener.opened[start.ref]
        advice = advisor.advise(own.source, start, own.findings.fingerprint)
        start = replace(start, claims=start.claims + advice.claims)
    walk = walk_lineage(
        start,
        opener.open_parents,
        registry,
        depth=depth,
        verify=partial(_verify, opener, LinkVerifier(on_progress)) if verify else None,
        report=lambda number: report(f"opening parents, generation {number}"),
    )
    if says_delta(start.ref):
        walk.add_notice(
            "delta-weights", f"{start.ref} calls itself a delta: weights to be added to a base's"
        )
    groups: list[ChildGroup] = []
    costs = [source.cost for source in opener.sources]
    if children:
        report("listing children")
        groups, spent = list_children(
            start.ref, walk.notices, offline=offline, access=opener.access
        )
        costs += spent
    return publish(
        walk,
        groups,
        advice.relatives,
        CostReport.model_construct(
            requests=sum(cost.requests for cost in costs),
            bytes=sum(cost.bytes for cost in costs),
            seconds=round(time.perf_counter() - started, 4),
        ),
    )


def _verify(opener: Opener, verifier: LinkVerifier, step: JudgedLink) -> JudgedLink:
    child, parent = opener.opened.get(step.child), opener.opened.get(step.parent)
    if child is None or parent is None:
        return step
    return verifier.verify(step, child.source, parent.source)
