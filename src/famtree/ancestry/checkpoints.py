"""Open the checkpoints of an ancestry: the asked-for one in full, its ancestors briefly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from famtree.errors import AccessError, FamtreeError, FetchError, NotFoundError, OfflineError
from famtree.identification.identify import examine_checkpoint
from famtree.identification.node import describe_node
from famtree.lineage.advice import Advisor
from famtree.lineage.facts import NodeFacts, hash_weights
from famtree.lineage.known import find_known, join_record
from famtree.lineage.walk import Asked, Found
from famtree.registry.registry import Registry
from famtree.sources.hub_access import OWN, HubAccess
from famtree.sources.open import open_source
from famtree.sources.reference import HUB_ADDRESS, parse_reference
from famtree.types.checkpoint import CheckpointRef
from famtree.types.identification import Notice
from famtree.types.source import CheckpointSource

if TYPE_CHECKING:
    from famtree.identification.findings import Findings

MAX_AT_ONCE = 8


class Opened(Struct, frozen=True):
    """One checkpoint that could be opened: where its files are read, and what was read of it."""

    facts: NodeFacts
    source: CheckpointSource
    findings: Findings


class Opener(Struct):
    """Opens checkpoints and remembers those that opened, by their names in the graph."""

    registry: Registry
    offline: bool = False
    headers: bool = False
    """Read the tensor headers of ancestors as well, which weight tests need."""
    access: HubAccess = OWN
    advisor: Advisor | None = None
    """Stands in for what cannot be opened."""
    opened: dict[str, Opened] = {}
    sources: list[CheckpointSource] = []
    """Everything that was tried, for the cost."""

    def open_start(
        self, ref: CheckpointRef, on_progress: Callable[[str], None] | None = None
    ) -> NodeFacts:
        """Return the asked-for checkpoint, examined as `famtree identify` does.

        Raises FetchError and UnreadableError kin.
        """
        source = open_source(ref, offline=self.offline, access=self.access)
        self.sources.append(source)
        findings = examine_checkpoint(source, self.registry, on_progress)
        return self._remember(source, findings)

    def open_parents(self, asked: Sequence[Asked]) -> list[Found]:
        """Return what can be learnt of each Hub repository asked for, all at once."""
        if len(asked) == 1:
            return [self._open(asked[0])]
        with ThreadPoolExecutor(min(MAX_AT_ONCE, max(1, len(asked)))) as pool:
            return list(pool.map(self._open, asked))

    def _open(self, asked: Asked) -> Found:
        """Open one ancestor with few requests.

        A claim never leads to a folder of this machine. Where the Hub does not give the files,
        what the registry has recorded of the checkpoint stands in for them, and the notice says
        so.
        """
        repo, revision = asked
        try:
            source = open_source(
                parse_reference(f"{HUB_ADDRESS}{repo}", revision=revision),
                offline=self.offline,
                access=self.access,
            )
        except FamtreeError as fault:
            return self._stand_in(repo, fault, None)
        self.sources.append(source)
        try:
            findings = examine_checkpoint(source, self.registry, briefly=not self.headers)
            facts = self._remember(source, findings)
        except FamtreeError as fault:
            return self._stand_in(repo, fault, source)
        if facts.ref.lower() == repo.lower():
            return Found(facts.ref, facts)
        return Found(facts.ref, facts, _note("parent-renamed", f"{repo} is now {facts.ref}"))

    def _remember(self, source: CheckpointSource, findings: Findings) -> NodeFacts:
        facts = join_record(describe_node(source, findings, text=True), self.registry)
        self.opened[facts.ref] = Opened(facts, source, findings)
        return facts

    def _stand_in(self, repo: str, fault: FamtreeError, source: CheckpointSource | None) -> Found:
        told_of = self.advisor.describe(repo) if self.advisor is not None else None
        if told_of is not None:
            notice = _note(_code(fault), f"{repo}: {fault.message}; what the atlas holds is used")
            return Found(told_of.ref, join_record(told_of, self.registry), notice)
        known = find_known(repo, self.registry)
        told = "; what the registry records of it is used" if known is not None else ""
        notice = _note(_code(fault), f"{repo}: {fault.message}{told}")
        if known is None:
            return Found(repo, None, notice)
        if source is not None and not isinstance(fault, NotFoundError | OfflineError):
            try:
                listing = source.list_files()  # a gated repository still shows its files' hashes
            except FamtreeError:
                return Found(known.ref, known, notice)
            known = replace(
                known, weight_hashes=hash_weights(listing), created_at=listing.created_at
            )
        return Found(known.ref, known, notice)


def _code(fault: FamtreeError) -> str:
    if isinstance(fault, NotFoundError):
        return "parent-absent"
    if isinstance(fault, AccessError):
        return "parent-gated"
    if isinstance(fault, OfflineError):
        return "parent-offline"
    return "parent-unreached" if isinstance(fault, FetchError) else "parent-unreadable"


def _note(code: str, message: str) -> Notice:
    return Notice.model_construct(code=code, message=message)
