"""Open the checkpoints of an ancestry: the asked-for one in full, its ancestors briefly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from famtree.errors import AccessError, FamtreeError, FetchError, NotFoundError, OfflineError
from famtree.identification.identify import examine_checkpoint
from famtree.identification.node import checkpoint_name, describe_node
from famtree.lineage.facts import NodeFacts, hash_weights
from famtree.lineage.known import find_known
from famtree.lineage.summary import join_record
from famtree.registry.registry import Registry
from famtree.sources.open import open_source
from famtree.sources.reference import parse_reference
from famtree.types.checkpoint import CheckpointRef, Cost
from famtree.types.identification import Notice
from famtree.types.source import CheckpointSource

if TYPE_CHECKING:
    from famtree.identification.report import Findings

HUB_ADDRESS = "hf://"


@dataclass(frozen=True, slots=True)
class Opened:
    """One checkpoint as far as it could be read."""

    ref: str
    """Its name in the graph: the Hub's own spelling, after renames."""
    facts: NodeFacts | None = None
    """None where neither its host nor the registry tells anything."""
    source: CheckpointSource | None = None
    """Where its files can be read; None for what only the registry knows."""
    findings: Findings | None = None
    """What was read of it; None for what only the registry knows."""
    notice: Notice | None = None
    """Why it could not be read, or that it has another name now."""
    cost: Cost = Cost()


Open = Callable[[str, str | None], Opened]
"""Opens an ancestor by Hub id and revision; never raises FamtreeError kin."""


def open_checkpoint(
    ref: CheckpointRef,
    registry: Registry,
    *,
    offline: bool = False,
    on_progress: Callable[[str], None] | None = None,
) -> Opened:
    """Return the asked-for checkpoint, examined as `famtree identify` does.

    Raises FetchError and UnreadableError kin.
    """
    source = open_source(ref, offline=offline)
    findings = examine_checkpoint(source, registry, on_progress)
    facts = join_record(describe_node(source, findings), registry)
    return Opened(facts.ref, facts, source, findings, cost=source.cost)


def open_ancestor(
    repo: str, revision: str | None, registry: Registry, *, offline: bool = False
) -> Opened:
    """Return what can be learnt of the Hub repository `repo` with few requests.

    A claim never leads to a folder of this machine. Where the Hub does not give the files, what
    the registry has recorded of the checkpoint stands in for them, and the notice says so.
    """
    try:
        ref = parse_reference(f"{HUB_ADDRESS}{repo}", revision=revision)
        source = open_source(ref, offline=offline)
    except FamtreeError as fault:
        return _stand_in(repo, registry, fault, None)
    try:
        findings = examine_checkpoint(source, registry, briefly=True)
    except FamtreeError as fault:
        return _stand_in(repo, registry, fault, source)
    facts = join_record(describe_node(source, findings), registry)
    notice = None
    if facts.ref.lower() != repo.lower():
        notice = _notice("parent-renamed", f"{repo} is now called {facts.ref}")
    return Opened(facts.ref, facts, source, findings, notice, source.cost)


def _stand_in(
    repo: str, registry: Registry, fault: FamtreeError, source: CheckpointSource | None
) -> Opened:
    known = find_known(repo, registry)
    told = "; what the registry records of it is used" if known is not None else ""
    notice = _notice(_code(fault), f"{repo}: {fault.message}{told}")
    cost = source.cost if source is not None else Cost()
    if source is None or isinstance(fault, NotFoundError | OfflineError):
        return Opened(known.ref if known else repo, known, notice=notice, cost=cost)
    try:
        listing = source.list_files()  # remembered: a gated repository shows its files' hashes
    except FamtreeError:
        return Opened(known.ref if known else repo, known, notice=notice, cost=cost)
    facts = known or NodeFacts(checkpoint_name(source.ref), {})
    facts = replace(facts, weight_hashes=hash_weights(listing), created_at=listing.created_at)
    return Opened(facts.ref, facts, source, None, notice, cost)


def _code(fault: FamtreeError) -> str:
    if isinstance(fault, NotFoundError):
        return "parent-absent"
    if isinstance(fault, AccessError):
        return "parent-gated"
    if isinstance(fault, OfflineError):
        return "parent-offline"
    return "parent-unreached" if isinstance(fault, FetchError) else "parent-unreadable"


def _notice(code: str, message: str) -> Notice:
    return Notice.model_construct(code=code, message=message)
