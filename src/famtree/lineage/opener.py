"""Open the checkpoints of an ancestry: the asked-for ones in full, their ancestors briefly."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from famtree.checkpoint.checkpoint import Checkpoint
from famtree.checkpoint.records import find_known, join_record
from famtree.errors import AccessError, FamtreeError, FetchError, NotFoundError, OfflineError
from famtree.lineage.advice import Advisor
from famtree.lineage.unreadable import tell_known
from famtree.lineage.walk import Asked, Found
from famtree.registry.registry import Registry
from famtree.sources.hub_access import OWN, HubAccess
from famtree.sources.open import open_source
from famtree.sources.reference import HUB_ADDRESS, parse_reference
from famtree.sources.weight_files import hash_weights
from famtree.types.checkpoint import CheckpointRef, Cost
from famtree.types.identification import CostReport, Notice
from famtree.types.proof_options import USUAL, ProofOptions
from famtree.types.source import CheckpointSource

MAX_AT_ONCE = 8


class Opener(Struct):
    """Opens checkpoints and remembers those that opened, by their names in the graph.

    Several walks may share one: what one of them opened, the next finds open.
    """

    registry: Registry
    offline: bool = False
    vocabularies: bool = False
    """Keep the vocabularies of those that were asked for."""
    headers: bool = False
    """Read the tensor headers of ancestors as well, which weight tests need."""
    access: HubAccess = OWN
    patience: float | None = None
    """Seconds to wait in all where the Hub says so; None for the Hub client's own."""
    advisor: Advisor | None = None
    """Stands in for what cannot be opened."""
    reach: int | None = None
    """Generations of ancestors that are fetched, None for all; of those beyond, what the registry
    and the advisor know is all that is used."""
    options: ProofOptions = USUAL
    """How far weights are looked at."""
    opened: dict[str, Checkpoint] = {}
    given: frozenset[str] = frozenset()
    """Those that were named by the user, who may name a folder of this machine."""
    asked: dict[str, Found] = {}
    """What every name that was asked for led to, in lower case with its revision."""
    sources: list[CheckpointSource] = []
    """Everything that was tried, for the cost."""
    left: set[str] = set()
    """Parents beyond `reach` of which nothing is known, by their names in the graph."""

    def open_start(
        self,
        ref: CheckpointRef,
        on_progress: Callable[[str], None] | None = None,
        *,
        text: bool | None = True,
    ) -> Checkpoint:
        """Return the asked-for checkpoint, examined as `famtree identify` does.

        `text` as in `Checkpoint`. Raises FetchError and UnreadableError kin.
        """
        source = open_source(ref, offline=self.offline, patience=self.patience, access=self.access)
        return self.adopt(source, on_progress, text=text)

    def adopt(
        self,
        source: CheckpointSource,
        on_progress: Callable[[str], None] | None = None,
        *,
        text: bool | None = None,
    ) -> Checkpoint:
        """Like `open_start`, for a source that is there already."""
        self.sources.append(source)
        start = Checkpoint(
            source,
            self.registry,
            keep_vocabulary=self.vocabularies,
            text=text,
            on_progress=on_progress,
        )
        try:
            self._remember(start)
        except AccessError as fault:
            raise tell_known(source, fault, self.registry) from fault
        return start

    def open_candidate(self, name: str) -> Checkpoint:
        """Return the Hub checkpoint of that name, never a folder of this machine.

        Raises FetchError and UnreadableError kin.
        """
        known = self.opened.get(name)
        if known is not None:
            return known
        return self.open_start(parse_reference(f"{HUB_ADDRESS}{name}"))

    def open_parents(self, asked: Sequence[Asked], generation: int) -> list[Found]:
        """Return what can be learnt of each Hub repository asked for, all at once."""
        if self.reach is not None and generation > self.reach:
            return [self._recall(one) for one in asked]
        if len(asked) == 1:
            return [self._open(asked[0])]
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(MAX_AT_ONCE, max(1, len(asked)))) as pool:
            return list(pool.map(self._open, asked))

    def sum_costs(self, seconds: float, extra: Sequence[Cost] = ()) -> CostReport:
        """Return what everything that was opened took, and `extra`, in `seconds` of the clock."""
        costs = [*(source.cost for source in self.sources), *extra]
        return CostReport.model_construct(
            requests=sum(cost.requests for cost in costs),
            bytes=sum(cost.bytes for cost in costs),
            seconds=round(seconds, 4),
        )

    def _open(self, asked: Asked) -> Found:
        repo, revision = asked
        key = f"{repo.lower()}@{revision or ''}"
        if key not in self.asked:
            self.asked[key] = self._find_open(repo, revision) or self._fetch(repo, revision)
        return self.asked[key]

    def _find_open(self, repo: str, revision: str | None) -> Found | None:
        for ref, one in list(self.opened.items()):
            if ref == repo and ref in self.given:
                return Found(ref, one.node)
            same = one.source.kind == "hub" and ref.lower() == repo.lower()
            if same and revision in (None, one.source.ref.revision, one.found.listing.revision):
                return Found(ref, one.node)
        return None

    def _fetch(self, repo: str, revision: str | None) -> Found:
        """Open one ancestor with few requests.

        A claim never leads to a folder of this machine. Where the Hub does not give the files,
        what the registry has recorded of the checkpoint stands in for them, and the notice says
        so.
        """
        try:
            ref = parse_reference(f"{HUB_ADDRESS}{repo}", revision=revision)
        except FamtreeError as fault:
            return self._stand_in(repo, fault, None)
        if not self.offline:
            self.access.find_endpoint()  # what is wrong with it is the user's to mend
        try:
            source = open_source(
                ref,
                offline=self.offline,
                patience=self.patience,
                access=self.access,
            )
        except FamtreeError as fault:
            return self._stand_in(repo, fault, None)
        self.sources.append(source)
        try:
            parent = Checkpoint(source, self.registry, briefly=not self.headers, text=True)
            known = self.opened.get(parent.ref)
            if known is not None and known.found.listing.revision == parent.found.listing.revision:
                parent = known  # asked for by an older name
            self._remember(parent)
        except FamtreeError as fault:
            return self._stand_in(repo, fault, source)
        if parent.ref.lower() == repo.lower():
            return Found(parent.ref, parent.node)
        told = _note("parent-renamed", f"{repo} is now {parent.ref}")
        return Found(parent.ref, parent.node, told)

    def _remember(self, one: Checkpoint) -> None:
        _ = one.node  # examined here, so that its faults are those of opening it
        self.opened[one.ref] = one

    def _recall(self, asked: Asked) -> Found:
        """Return what is known without fetching."""
        repo, revision = asked
        found = self.asked.get(f"{repo.lower()}@{revision or ''}") or self._find_open(*asked)
        if found is not None:
            return found
        told = self.advisor.describe(repo) if self.advisor is not None else None
        known = (
            join_record(told, self.registry)
            if told is not None
            else find_known(repo, self.registry)
        )
        if known is None:
            self.left.add(repo)
            return Found(repo)
        return Found(known.ref, known)

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
                known,
                weight_hashes=hash_weights(listing),
                stated_hashes=hash_weights(listing, stated=True),
                created_at=listing.created_at,
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
