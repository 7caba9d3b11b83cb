"""The ancestry of one examined checkpoint: the one walk that every command shows a view of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from famtree.checkpoint.checkpoint import Checkpoint
from famtree.checkpoint.references import says_delta
from famtree.lineage.advice import Advice
from famtree.lineage.hashes import list_mismatches
from famtree.lineage.opener import Opener
from famtree.lineage.tie import Tie, break_tie
from famtree.lineage.walk import Walk, walk_lineage
from famtree.types.depth import DEPTH

if TYPE_CHECKING:
    from famtree.lineage.proving import Prover
    from famtree.types.proof import Proof


class Trace(Struct):
    """A finished walk, and what was asked besides."""

    walk: Walk
    advice: Advice = Advice()
    proofs: dict[tuple[str, str], Proof] = {}
    """By the (child, parent) of a link whose weights were compared."""
    unread: dict[tuple[str, str], str] = {}
    """Why nothing could be told of a link whose weights should have been compared."""
    verified: bool = False
    """Whether weights were to be compared at all."""
    tie: Tie | None = None
    """The design that the declared parents settle, where the own evidence leaves several."""
    unopened: list[str] = []
    """Parents that were beyond the opener's reach, and of which nothing is on record."""


def trace_ancestry(
    start: Checkpoint,
    opener: Opener,
    *,
    depth: int = DEPTH,
    verify: bool = False,
    on_progress: Callable[[str], None] | None = None,
) -> Trace:
    """Walk up to `depth` generations from `start`, which `opener` opened.

    How far ancestors are fetched is up to `opener.reach`. `verify` settles links by weight bytes:
    each standing link both of whose ends could be opened. The opener's advisor names parents of
    `start` where it names none itself. Whatever is wrong with an ancestor is a notice and an end
    of its branch; raises FetchError kin where the advisor needs weights of `start`.
    """
    report = on_progress or (lambda _: None)
    node, advice = start.node, Advice()
    if opener.advisor is not None:
        report("asking the atlas")
        advice = opener.advisor.advise(start, node)
        node = replace(node, claims=node.claims + advice.claims)
    prover: Prover | None = None
    if verify:
        from famtree.lineage.proving import Prover  # brings the models of proofs

        prover = Prover(start, opener, on_progress)
    walk = walk_lineage(
        node,
        opener.open_parents,
        start.registry,
        depth=depth,
        settle=prover.settle if prover is not None else None,
        report=lambda number: _report_opening(report, opener, number),
    )
    if says_delta(start.ref):
        walk.add_notice(
            "delta-weights", f"{start.ref} calls itself a delta: weights to be added to a base's"
        )
    tie = break_tie(start.findings, walk, start.registry)
    if tie is not None:
        settled = replace(node, family=tie.family.key, generation=tie.generation.key)
        walk.nodes[walk.start] = settled
    unopened = [ref for ref, facts in walk.nodes.items() if facts is None and ref in opener.left]
    if prover is None:
        return Trace(walk, advice, tie=tie, unopened=unopened)
    for (_, parent), reason in prover.unread.items():
        walk.add_notice("not-verified", f"{parent} could not be verified: {reason}")
    walk.notices += prover.notices
    for one in (start, *(opener.opened[ref] for ref in walk.nodes if ref in opener.opened)):
        told = [*one.refusals, *list_mismatches(one.source)]
        walk.notices += [notice for notice in told if notice not in walk.notices]
    return Trace(walk, advice, prover.proofs, prover.unread, True, tie, unopened)


def _report_opening(report: Callable[[str], None], opener: Opener, number: int) -> None:
    if opener.reach is None or number <= opener.reach:
        report(f"opening parents, generation {number}")
