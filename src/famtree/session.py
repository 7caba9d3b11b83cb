"""Many questions to one Hub as one user: what the first answer needed, the next finds at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from famtree.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from famtree.interchange.side import Plan
    from famtree.registry.registry import Registry
    from famtree.sources.hub_access import HubAccess
    from famtree.types.checkpoint import CheckpointRef
    from famtree.types.comparison import Comparison
    from famtree.types.identification import Identification
    from famtree.types.lineage import Lineage
    from famtree.types.policy import CheckReport
    from famtree.types.source import CheckpointSource

OnProgress = Callable[[str], None] | None
DEPTH = 8
"""Generations of ancestors that are looked for unless told otherwise."""


class HubApi(Protocol):
    """What famtree takes from a `huggingface_hub.HfApi`."""

    endpoint: str
    token: str | bool | None


class Session:
    """Answers like the functions of `famtree`, and keeps what they have in common.

    Kept are the registry, and the listing of each repository: within a session a branch stays the
    commit it was first seen at. Connections are those of huggingface_hub's pool, so that its
    proxies and client factory count; what was fetched is in famtree's cache below HF_HOME, apart
    for each token that is not the user's own. Nothing needs to be closed.

    Threads may share a session, and sessions with different Hubs or tokens do not see each other's.
    """

    def __init__(
        self,
        *,
        token: str | bool | None = None,
        endpoint: str | None = None,
        api: HubApi | None = None,
        offline: bool = False,
    ) -> None:
        """Take the token and endpoint given, else those of `api`, else huggingface_hub's own.

        `token` False means none, True the user's own which must be there. `offline` forbids
        requests. Raises UsageError for an endpoint or a token that can be none.
        """
        if api is not None:
            token = api.token if token is None else token
            endpoint = endpoint or api.endpoint
        self.offline = offline
        self._access = _make_access(endpoint, token)

    @cached_property
    def _registry(self) -> Registry:
        from famtree.registry.load import load_registry

        return load_registry()

    def identify(
        self,
        reference: str,
        *,
        revision: str | None = None,
        verify: bool = False,
        atlas: Path | None = None,
        timeout: float | None = None,
        on_progress: OnProgress = None,
    ) -> Identification:
        """See `famtree.api.identify`."""
        from famtree.identification.identify import identify_with_facts
        from famtree.sources.reference import parse_reference

        access = self._access.until(timeout)
        source = self._open(parse_reference(reference, revision=revision), access)
        result, node = identify_with_facts(source, self._registry, on_progress)

        def open_parent(name: str) -> CheckpointSource:
            return self._open_named(name, access)

        if atlas is not None:
            from famtree.atlas.answer import advise_identification, consult

            with consult(atlas, verify=verify, open_parent=open_parent) as advisor:
                result = advise_identification(source, result, node, self._registry, advisor)
        if not verify:
            return result
        from famtree.verification.identification import verify_identification

        return verify_identification(source, result, open_parent, on_progress=on_progress)

    def compare(
        self,
        a: str,
        b: str,
        *,
        engines: Sequence[str] = (),
        plan: Plan | None = None,
        verify: bool = False,
        timeout: float | None = None,
        on_progress: OnProgress = None,
    ) -> Comparison:
        """See `famtree.api.compare`."""
        (found,) = self.compare_all(
            (a, b),
            engines=engines,
            plan=plan,
            verify=verify,
            timeout=timeout,
            on_progress=on_progress,
        )
        return found

    def compare_all(
        self,
        references: Sequence[str],
        *,
        engines: Sequence[str] = (),
        plan: Plan | None = None,
        verify: bool = False,
        timeout: float | None = None,
        on_progress: OnProgress = None,
    ) -> list[Comparison]:
        """See `famtree.api.compare_all`."""
        from itertools import combinations

        from famtree.comparison.compare import Request, compare_examined
        from famtree.comparison.examined import examine_source
        from famtree.interchange.answer import choose_engines
        from famtree.interchange.load import load_engines
        from famtree.interchange.side import Plan
        from famtree.sources.reference import parse_reference

        known = load_engines()
        chosen, notices = choose_engines(engines, known)
        request = Request(known, tuple(chosen), plan or Plan(), verify, tuple(notices))
        refs = [parse_reference(reference) for reference in references]
        access = self._access.until(timeout)
        examined = [
            examine_source(self._open(ref, access), self._registry, on_progress) for ref in refs
        ]
        return [
            compare_examined(left, right, request, on_progress)
            for left, right in combinations(examined, 2)
        ]

    def lineage(
        self,
        reference: str,
        *,
        revision: str | None = None,
        verify: bool = False,
        atlas: Path | None = None,
        children: bool = False,
        depth: int = DEPTH,
        timeout: float | None = None,
        on_progress: OnProgress = None,
    ) -> Lineage:
        """See `famtree.api.lineage`."""
        from famtree.ancestry.trace import trace_lineage
        from famtree.sources.reference import parse_reference

        access = self._access.until(timeout)
        with ExitStack() as stack:
            advisor = None
            if atlas is not None:
                from famtree.atlas.answer import consult

                advisor = stack.enter_context(
                    consult(
                        atlas,
                        verify=verify,
                        open_parent=lambda name: self._open_named(name, access),
                    )
                )
            return trace_lineage(
                parse_reference(reference, revision=revision),
                self._registry,
                depth=depth,
                offline=self.offline,
                children=children,
                verify=verify,
                on_progress=on_progress,
                access=access,
                advisor=advisor,
            )

    def scan(
        self, references: Iterable[str], *, workers: int = 24, timeout: float | None = None
    ) -> Iterator[dict[str, Any]]:
        """See `famtree.api.scan`."""
        from famtree.scan.local import scan_local
        from famtree.scan.settings import ScanSettings

        access = self._access
        access.find_endpoint()  # a wrong one is no fault of each row
        settings = ScanSettings(workers, self.offline, access.endpoint, access.token, timeout)
        return scan_local(references, settings, set())

    def bom(
        self,
        reference: str,
        *,
        revision: str | None = None,
        verify: bool = False,
        children: bool = False,
        depth: int = DEPTH,
        stamp: bool = False,
        timeout: float | None = None,
        on_progress: OnProgress = None,
    ) -> dict[str, Any]:
        """See `famtree.api.bom`."""
        try:
            from famtree.bom.document import build_bom
        except ModuleNotFoundError as fault:
            raise UsageError(
                f"a BOM needs the package cyclonedx-python-lib ({fault.name} is missing)",
                hint="pip install 'famtree[bom]'",
            ) from fault
        from famtree.ancestry.subject import examine_subject
        from famtree.sources.reference import parse_reference

        subject = examine_subject(
            parse_reference(reference, revision=revision),
            self._registry,
            depth=depth,
            offline=self.offline,
            children=children,
            verify=verify,
            on_progress=on_progress,
            access=self._access.until(timeout),
        )
        return build_bom(subject, stamp=stamp)

    def check(
        self,
        policy: str,
        *,
        verify: bool = False,
        timeout: float | None = None,
        on_progress: OnProgress = None,
    ) -> CheckReport:
        """See `famtree.api.check`."""
        from pathlib import Path

        from famtree.policy.check import check_policy
        from famtree.policy.load import load_policy

        demands = load_policy(Path(policy), self._registry)
        return check_policy(
            policy,
            demands,
            self._registry,
            offline=self.offline,
            verify=verify,
            on_progress=on_progress,
            access=self._access.until(timeout),
        )

    def _open_named(self, name: str, access: HubAccess) -> CheckpointSource:
        """Open what a checkpoint or an atlas names: never a folder of this machine."""
        from famtree.sources.reference import HUB_ADDRESS, parse_reference

        return self._open(parse_reference(f"{HUB_ADDRESS}{name}"), access)

    def _open(self, ref: CheckpointRef, access: HubAccess) -> CheckpointSource:
        from famtree.sources.open import open_source

        return open_source(ref, offline=self.offline, access=access)


def _make_access(endpoint: str | None, token: str | bool | None) -> HubAccess:
    from famtree.sources.hub_access import HubAccess, ListingMemory

    return HubAccess(endpoint, token, ListingMemory())
