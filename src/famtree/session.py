"""Many questions to one Hub as one user: what the first answer needed, the next finds at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from famtree.atlas.installed import advise
from famtree.errors import require_package
from famtree.registry.places import Places, find_places, lay_over, load_places
from famtree.types.depth import DEPTH
from famtree.types.place import Place, write_path, write_reference
from famtree.types.proof_options import USUAL, ProofOptions

if TYPE_CHECKING:
    from famtree.identification.subject import Subject
    from famtree.interchange.side import Plan
    from famtree.lineage.opener import Opener
    from famtree.registry.bundle import Bundle
    from famtree.registry.registry import Registry
    from famtree.sources.hub_access import HubAccess
    from famtree.types.comparison import Comparison, ComparisonMatrix
    from famtree.types.fit import FitReport
    from famtree.types.identification import Identification
    from famtree.types.lineage import Lineage
    from famtree.types.policy import CheckReport

OnProgress = Callable[[str], None] | None


class HubApi(Protocol):
    """What famtree takes from a `huggingface_hub.HfApi`."""

    endpoint: str
    token: str | bool | None


class Session:
    """Answers like the functions of `famtree`, and keeps what they have in common.

    Kept are the registry, and the listing of each repository: within a session a branch stays the
    commit it was first seen at. Connections are famtree's own; token, endpoint and proxies are
    found as huggingface_hub finds them. What was fetched is in famtree's cache below HF_HOME.
    Nothing needs to be closed.

    Threads may share a session, and sessions with different Hubs or tokens do not see each other's.
    """

    def __init__(
        self,
        *,
        token: str | bool | None = None,
        endpoint: str | None = None,
        api: HubApi | None = None,
        offline: bool = False,
        registry: Places = (),
        roots: bool = True,
    ) -> None:
        """Take the token and endpoint given, else those of `api`, else huggingface_hub's own.

        `token` False means none, True the user's own which must be there. `offline` forbids
        requests. `registry` is a folder of family files, or several, laid over famtree's own and
        over those of FAMTREE_REGISTRY. `roots` False leaves out the atlas of root models that an
        installed registry may have, in which undeclared parents are looked for. Raises UsageError
        for an endpoint or a token that can be none, and for a folder that cannot be read; a faulty
        file is told of by the first answer.
        """
        if api is not None:
            token = api.token if token is None else token
            endpoint = endpoint or api.endpoint
        self.offline = offline
        self._places = find_places(registry)
        self._roots = roots
        self._access = _make_access(endpoint, token)

    @cached_property
    def registry(self) -> Registry:
        """The families that answers are given from."""
        return load_places(self._places)

    def identify(
        self,
        reference: Place,
        *,
        revision: str | None = None,
        verify: bool = False,
        proof: ProofOptions = USUAL,
        atlas: Place | None = None,
        timeout: float | None = None,
        on_progress: OnProgress = None,
    ) -> Identification:
        """See `famtree.api.identify`."""
        subject = self.examine(
            reference, revision=revision, verify=verify, proof=proof, atlas=atlas,
            reach=1 if verify else 0, timeout=timeout, on_progress=on_progress
        )  # fmt: skip
        return subject.identification

    def examine(
        self,
        reference: Place,
        *,
        revision: str | None = None,
        verify: bool = False,
        proof: ProofOptions = USUAL,
        atlas: Place | None = None,
        candidates: Sequence[Place] = (),
        depth: int = DEPTH,
        reach: int | None = None,
        timeout: float | None = None,
        on_progress: OnProgress = None,
    ) -> Subject:
        """Examine a checkpoint once; the documents of identify, lineage and bom are views of it.

        `reach` is how many generations of ancestors are fetched, None for all of `depth`. The
        other arguments are those of `famtree.api.lineage`. Raises FamtreeError kin.
        """
        from famtree.identification.subject import examine_subject
        from famtree.sources.reference import parse_reference

        ref = parse_reference(reference, revision=revision, endpoint=self._access.endpoint)
        opener = self._make_opener(timeout, headers=verify, reach=reach, proof=proof)
        with ExitStack() as stack:
            known = None if atlas is None else Path(write_path(atlas))
            stack.enter_context(advise(opener, known, roots=self._roots, verify=verify))
            subject = examine_subject(
                ref, opener, depth=depth, verify=verify, on_progress=on_progress
            )
            if candidates:
                from famtree.comparison.candidates import examine_among

                among = [parse_reference(candidate) for candidate in candidates]
                subject = examine_among(subject, among, depth=depth, on_progress=on_progress)
            return subject

    def compare(
        self,
        a: Place,
        b: Place,
        *,
        engines: Sequence[str] = (),
        plan: Plan | None = None,
        verify: bool = False,
        proof: ProofOptions = USUAL,
        timeout: float | None = None,
        on_progress: OnProgress = None,
    ) -> Comparison:
        """See `famtree.api.compare`."""
        matrix = self.compare_all(
            (a, b),
            engines=engines,
            plan=plan,
            verify=verify,
            proof=proof,
            timeout=timeout,
            on_progress=on_progress,
        )
        return matrix.comparisons[0]

    def compare_all(
        self,
        references: Sequence[Place],
        *,
        engines: Sequence[str] = (),
        plan: Plan | None = None,
        verify: bool = False,
        proof: ProofOptions = USUAL,
        timeout: float | None = None,
        on_progress: OnProgress = None,
    ) -> ComparisonMatrix:
        """See `famtree.api.compare_all`."""
        from itertools import combinations

        from famtree.comparison.compare import Request, compare_subjects
        from famtree.identification.subject import examine_opened
        from famtree.interchange.answer import choose_engines
        from famtree.interchange.load import load_engines
        from famtree.interchange.side import Plan
        from famtree.sources.reference import parse_reference
        from famtree.types.comparison import ComparisonMatrix

        known = load_engines()
        chosen, notices = choose_engines(engines, known)
        named = tuple(one.engine.key for one in chosen) if engines else ()
        request = Request(known, tuple(chosen), plan or Plan(), verify, named, tuple(notices))
        endpoint = self._access.endpoint
        refs = [parse_reference(reference, endpoint=endpoint) for reference in references]
        # Of a matrix of many that would be too much memory.
        opener = self._make_opener(timeout, proof=proof, vocabularies=len(refs) == 2)
        # All in full before any ancestor: what is asked about may be another's ancestor.
        asked = [opener.open_start(ref, on_progress) for ref in refs]
        subjects = [examine_opened(one, opener, on_progress=on_progress) for one in asked]
        pairs = [
            compare_subjects(left, right, request, on_progress)
            for left, right in combinations(subjects, 2)
        ]
        members = {}
        if verify and len(subjects) > 2:
            from famtree.comparison.members import place_subjects

            members = place_subjects(subjects, pairs, on_progress)
        return ComparisonMatrix.model_construct(comparisons=pairs, members=members)

    def fit(
        self,
        reference: Place,
        *,
        engines: Sequence[str] = (),
        gpu: str | None = None,
        plan: Plan | None = None,
        tensor_parallel: int | None = None,
        revision: str | None = None,
        timeout: float | None = None,
        on_progress: OnProgress = None,
    ) -> FitReport:
        """See `famtree.api.fit`."""
        from famtree.deployment.fit import FitRequest, check_request, fit_subject, serves
        from famtree.deployment.gpus import find_place
        from famtree.interchange.answer import choose_engines
        from famtree.interchange.load import load_engines
        from famtree.interchange.side import Plan

        plan = plan or Plan()
        place = find_place(gpu, plan.gpu_memory, plan.capability)
        chosen, notices = choose_engines(engines, load_engines())
        if not engines:
            chosen = [one for one in chosen if serves(one.engine)]
        request = FitRequest(tuple(chosen), place, plan, tensor_parallel, tuple(notices))
        check_request(request)
        subject = self.examine(
            reference, revision=revision, reach=0, timeout=timeout, on_progress=on_progress
        )
        return fit_subject(subject, request)

    def lineage(
        self,
        reference: Place,
        *,
        revision: str | None = None,
        verify: bool = False,
        proof: ProofOptions = USUAL,
        atlas: Place | None = None,
        candidates: Sequence[Place] = (),
        children: bool = False,
        depth: int = DEPTH,
        timeout: float | None = None,
        on_progress: OnProgress = None,
    ) -> Lineage:
        """See `famtree.api.lineage`."""
        subject = self.examine(
            reference, revision=revision, verify=verify, proof=proof, atlas=atlas,
            candidates=candidates, depth=depth, timeout=timeout, on_progress=on_progress
        )  # fmt: skip
        return subject.publish_lineage(children=children, recipes=verify, on_progress=on_progress)

    def scan(
        self, references: Iterable[Place], *, workers: int = 24, timeout: float | None = None
    ) -> Iterator[dict[str, Any]]:
        """See `famtree.api.scan`."""
        from famtree.scan.local import scan_local
        from famtree.scan.settings import ScanSettings

        access = self._access
        access.find_endpoint()  # a wrong one is no fault of each row
        if self._places:
            _ = self.registry  # a faulty file is no fault of each row
        settings = ScanSettings(
            workers, self.offline, access.endpoint, access.token, timeout, registry=self._places
        )
        return scan_local(map(write_reference, references), settings, set())

    def bom(
        self,
        reference: Place,
        *,
        revision: str | None = None,
        verify: bool = False,
        proof: ProofOptions = USUAL,
        children: bool = False,
        depth: int = DEPTH,
        stamp: bool = False,
        timeout: float | None = None,
        on_progress: OnProgress = None,
    ) -> dict[str, Any]:
        """See `famtree.api.bom`."""
        require_package("cyclonedx", "a BOM")
        from famtree.bom.document import build_bom

        subject = self.examine(
            reference, revision=revision, verify=verify, proof=proof, depth=depth,
            timeout=timeout, on_progress=on_progress
        )  # fmt: skip
        return build_bom(subject, children=children, stamp=stamp)

    def attest(
        self,
        reference: Place,
        *,
        revision: str | None = None,
        verify: bool = False,
        proof: ProofOptions = USUAL,
        depth: int = DEPTH,
        timeout: float | None = None,
        on_progress: OnProgress = None,
    ) -> dict[str, Any]:
        """See `famtree.api.attest`."""
        from famtree.attestation.statement import build_statement

        subject = self.examine(
            reference, revision=revision, verify=verify, proof=proof, depth=depth,
            timeout=timeout, on_progress=on_progress
        )  # fmt: skip
        return build_statement(subject, verify=verify, on_progress=on_progress)

    def check(
        self,
        policy: Place,
        *,
        verify: bool = False,
        proof: ProofOptions = USUAL,
        against: Place | None = None,
        baseline: Place | None = None,
        timeout: float | None = None,
        on_progress: OnProgress = None,
    ) -> CheckReport:
        """See `famtree.api.check`."""
        from famtree.policy.check import check_policy
        from famtree.policy.load import load_policy
        from famtree.policy.waivers import Excuses

        name = write_path(policy)
        demands, waivers = load_policy(Path(name), self.registry)
        excuses = Excuses(waivers)
        if baseline is not None:
            excuses.read_baseline(write_path(baseline))
        other = None
        if against is not None:
            other = lay_over(self._places, self.read_bundle(against).registry)
        return check_policy(
            name,
            demands,
            self.registry,
            advise=partial(advise, roots=self._roots, verify=verify),
            offline=self.offline,
            verify=verify,
            proof=proof,
            on_progress=on_progress,
            access=self._access.until(timeout),
            against=other,
            excuses=excuses,
        )

    def read_bundle(self, source: Place, *, pin: str | None = None) -> Bundle:
        """See `famtree.api.read_bundle`."""
        from famtree.registry import bundle
        from famtree.sources.bundle_files import read_bundle_files

        files = read_bundle_files(
            write_path(source),
            most=bundle.MAX_FILES,
            largest=bundle.MAX_FILE_BYTES,
            total=bundle.MAX_BYTES,
            larger=bundle.LARGER,
            endpoint=self._access.endpoint,
            token=self._access.token,
            offline=self.offline,
        )
        return bundle.read_bundle(files, pin=pin)

    def _make_opener(
        self,
        timeout: float | None,
        *,
        headers: bool = False,
        reach: int | None = None,
        proof: ProofOptions = USUAL,
        vocabularies: bool = False,
    ) -> Opener:
        from famtree.lineage.opener import Opener

        access = self._access.until(timeout)
        return Opener(
            self.registry,
            self.offline,
            headers=headers,
            access=access,
            reach=reach,
            options=proof,
            vocabularies=vocabularies,
        )


def _make_access(endpoint: str | None, token: str | bool | None) -> HubAccess:
    from famtree.sources.hub_access import HubAccess, ListingMemory

    return HubAccess(endpoint, token, ListingMemory())
