"""The public functions: each a `Session` of its own, composition without logic or printing.

What they have in common: `token` and `api` (a `huggingface_hub.HfApi`) say as whom a Hub is asked,
and by `api` which; without them huggingface_hub's own settings hold. `offline` forbids requests.
`registry` is a folder of family files, or several, laid over famtree's own.
After `timeout` seconds nothing more is fetched: DeadlineError. `on_progress` gets a short word
before each step that may take long. Each call stands alone and may be made from any thread;
`famtree.Session` keeps what several calls can share.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from famtree.session import HubApi, OnProgress, Session
from famtree.types.depth import DEPTH
from famtree.types.place import Place, write_path
from famtree.types.proof_options import USUAL, ProofOptions

if TYPE_CHECKING:
    from famtree.identification.subject import Subject
    from famtree.interchange.side import Plan
    from famtree.registry.bundle import Bundle
    from famtree.registry.places import Places
    from famtree.registry.registry import Registry
    from famtree.types.comparison import Comparison, ComparisonMatrix
    from famtree.types.fit import FitReport
    from famtree.types.identification import Identification
    from famtree.types.lineage import Lineage
    from famtree.types.policy import CheckReport


def identify(
    reference: Place,
    *,
    revision: str | None = None,
    offline: bool = False,
    verify: bool = False,
    proof: ProofOptions = USUAL,
    atlas: Place | None = None,
    timeout: float | None = None,
    token: str | bool | None = None,
    api: HubApi | None = None,
    registry: Places = (),
    roots: bool = True,
    on_progress: OnProgress = None,
) -> Identification:
    """Say which family, generation and size `reference` is, on what evidence.

    `reference` is a Hub id, an `hf://` address or a local path. `verify` allows reading weight
    bytes to prove lineage claims, as far as `proof` asks; without it none is ever read. `atlas` is
    a file of `famtree atlas build`, in which undeclared parents are looked for; without it that of
    root models is asked which an installed registry may have, unless `roots` is False. Raises
    FamtreeError kin.
    """
    return Session(token=token, api=api, offline=offline, registry=registry, roots=roots).identify(
        reference, revision=revision, verify=verify, proof=proof, atlas=atlas, timeout=timeout,
        on_progress=on_progress
    )  # fmt: skip


def examine(
    reference: Place,
    *,
    revision: str | None = None,
    offline: bool = False,
    verify: bool = False,
    proof: ProofOptions = USUAL,
    atlas: Place | None = None,
    depth: int = DEPTH,
    timeout: float | None = None,
    token: str | bool | None = None,
    api: HubApi | None = None,
    registry: Places = (),
    roots: bool = True,
    on_progress: OnProgress = None,
) -> Subject:
    """Examine `reference` and its ancestors once, for whoever needs several answers about it.

    What comes back has `identification` and `publish_lineage()`: views of one examination, which
    agree. The arguments are those of `lineage`. Raises FamtreeError kin for the checkpoint itself.
    """
    return Session(token=token, api=api, offline=offline, registry=registry, roots=roots).examine(
        reference, revision=revision, verify=verify, proof=proof, atlas=atlas, depth=depth,
        timeout=timeout, on_progress=on_progress
    )  # fmt: skip


def scan(
    references: Iterable[Place],
    *,
    workers: int = 24,
    offline: bool = False,
    timeout: float | None = None,
    token: str | bool | None = None,
    api: HubApi | None = None,
    registry: Places = (),
) -> Iterator[dict[str, Any]]:
    """Yield one row a reference, in the order they are finished; failures are rows too.

    The columns are those of `famtree.scan.row.COLUMNS`; `document` holds the identification as
    JSON. `workers` checkpoints are under way at a time, in processes of their own; fetching one may
    take `timeout` seconds. References are taken as places become free, so that `references` may be
    endless.
    """
    return Session(token=token, api=api, offline=offline, registry=registry).scan(
        references, workers=workers, timeout=timeout
    )


def lineage(
    reference: Place,
    *,
    revision: str | None = None,
    offline: bool = False,
    verify: bool = False,
    proof: ProofOptions = USUAL,
    atlas: Place | None = None,
    candidates: Sequence[Place] = (),
    children: bool = False,
    depth: int = DEPTH,
    timeout: float | None = None,
    token: str | bool | None = None,
    api: HubApi | None = None,
    registry: Places = (),
    roots: bool = True,
    on_progress: OnProgress = None,
) -> Lineage:
    """Return the ancestry graph of `reference`: every known ancestor, a status on every link.

    `depth` is the number of generations to go up. `children` also lists what the Hub knows to be
    made from it. With `verify`, parents and members of a merge that it does not name are looked for
    among `candidates`. The other arguments are those of `identify`. Raises FamtreeError kin for the
    checkpoint itself; an ancestor that cannot be read is a warning of the answer.
    """
    return Session(token=token, api=api, offline=offline, registry=registry, roots=roots).lineage(
        reference, revision=revision, verify=verify, proof=proof, children=children,
        depth=depth, atlas=atlas, candidates=candidates, timeout=timeout,
        on_progress=on_progress
    )  # fmt: skip


def fit(
    reference: Place,
    *,
    engines: Sequence[str] = (),
    gpu: str | None = None,
    plan: Plan | None = None,
    tensor_parallel: int | None = None,
    revision: str | None = None,
    offline: bool = False,
    registry: Places = (),
    timeout: float | None = None,
    token: str | bool | None = None,
    api: HubApi | None = None,
    on_progress: OnProgress = None,
) -> FitReport:
    """Say which engines can serve `reference`, and what of it fits an accelerator.

    `gpu` is `NAME` or `NAME:COUNT` of those on record; `plan` has context, batch and the type of
    the cache, and memory and capability where no name is given. `engines` are keys, each with
    `@version` or not, all by default. The other arguments are those of `identify`. Raises
    FamtreeError kin, UsageError for an accelerator or engine that is not known.
    """
    return Session(token=token, api=api, offline=offline, registry=registry).fit(
        reference, engines=engines, gpu=gpu, plan=plan, tensor_parallel=tensor_parallel,
        revision=revision, timeout=timeout, on_progress=on_progress
    )  # fmt: skip


def bom(
    reference: Place,
    *,
    revision: str | None = None,
    offline: bool = False,
    verify: bool = False,
    proof: ProofOptions = USUAL,
    children: bool = False,
    depth: int = DEPTH,
    stamp: bool = False,
    timeout: float | None = None,
    token: str | bool | None = None,
    api: HubApi | None = None,
    registry: Places = (),
    on_progress: OnProgress = None,
) -> dict[str, Any]:
    """Return `reference` as a CycloneDX 1.6 document (plain data): model card and pedigree.

    `stamp` adds the time and a random serial number; the other arguments are those of `lineage`.
    Raises UsageError where the package cyclonedx-python-lib (extra `bom`) is not installed, and
    FamtreeError kin for the checkpoint itself.
    """
    return Session(token=token, api=api, offline=offline, registry=registry).bom(
        reference, revision=revision, verify=verify, proof=proof, children=children,
        depth=depth, timeout=timeout, stamp=stamp, on_progress=on_progress
    )  # fmt: skip


def attest(
    reference: Place,
    *,
    revision: str | None = None,
    offline: bool = False,
    verify: bool = False,
    proof: ProofOptions = USUAL,
    depth: int = DEPTH,
    timeout: float | None = None,
    token: str | bool | None = None,
    api: HubApi | None = None,
    registry: Places = (),
    on_progress: OnProgress = None,
) -> dict[str, Any]:
    """Return an in-toto Statement v1 of `reference` (plain data), for others to sign.

    Its subjects are the weight files: by the sha256 that the Hub lists or, with `verify`, that is
    computed here. Raises UsageError where one has neither, and FamtreeError kin.
    """
    return Session(token=token, api=api, offline=offline, registry=registry).attest(
        reference, revision=revision, verify=verify, proof=proof, depth=depth, timeout=timeout,
        on_progress=on_progress
    )  # fmt: skip


def check(
    policy: Place,
    *,
    offline: bool = False,
    verify: bool = False,
    proof: ProofOptions = USUAL,
    against: Place | None = None,
    baseline: Place | None = None,
    timeout: float | None = None,
    token: str | bool | None = None,
    api: HubApi | None = None,
    registry: Places = (),
    roots: bool = True,
    on_progress: OnProgress = None,
) -> CheckReport:
    """Return how every checkpoint of a policy file (`famtree.toml`) meets what it demands.

    `verify` allows reading weight bytes where conditions ask about the ancestry. `against` is a
    registry bundle: what it would answer otherwise is told, nothing is put in use. `baseline` is a
    file of what did not hold before and does not count. Raises PolicyError for a file that is
    absent or faulty. A checkpoint that cannot be fetched or read is an error of its own row.
    """
    return Session(token=token, api=api, offline=offline, registry=registry, roots=roots).check(
        policy, verify=verify, proof=proof, against=against, baseline=baseline, timeout=timeout,
        on_progress=on_progress
    )  # fmt: skip


def compare(
    a: Place,
    b: Place,
    *,
    engines: Sequence[str] = (),
    plan: Plan | None = None,
    offline: bool = False,
    verify: bool = False,
    proof: ProofOptions = USUAL,
    timeout: float | None = None,
    token: str | bool | None = None,
    api: HubApi | None = None,
    registry: Places = (),
    on_progress: OnProgress = None,
) -> Comparison:
    """Say how `a` and `b` are related, and whether `b` can stand in for `a`, engine by engine.

    `engines` are keys, or `key@version`; without any, every engine famtree knows is asked about.
    `plan` is what is to be run: context, batch, memory. `verify` allows reading weight bytes.
    `timeout` is how many seconds fetching may take for all checkpoints together.
    Raises FamtreeError kin.
    """
    return Session(token=token, api=api, offline=offline, registry=registry).compare(
        a, b, engines=engines, plan=plan, verify=verify, proof=proof, timeout=timeout,
        on_progress=on_progress
    )  # fmt: skip


def compare_all(
    references: Sequence[Place],
    *,
    engines: Sequence[str] = (),
    plan: Plan | None = None,
    offline: bool = False,
    verify: bool = False,
    proof: ProofOptions = USUAL,
    timeout: float | None = None,
    token: str | bool | None = None,
    api: HubApi | None = None,
    registry: Places = (),
    on_progress: OnProgress = None,
) -> ComparisonMatrix:
    """Compare every two of `references`, in order; each is read once.

    With `verify`, of three and more also where each stands among the others, and which are merges
    of others; for that some megabytes of each are read. The other arguments are those of
    `compare`. Raises FamtreeError kin.
    """
    return Session(token=token, api=api, offline=offline, registry=registry).compare_all(
        references, engines=engines, plan=plan, verify=verify, proof=proof, timeout=timeout,
        on_progress=on_progress
    )  # fmt: skip


def draft(
    reference: Place,
    *more: Place,
    revision: str | None = None,
    offline: bool = False,
    registry: Places = (),
) -> str:
    """Return a registry file (TOML text) drafted from checkpoints of one family.

    What all of them state is stated of the family; comments say which families on record come
    nearest, and what tells them apart. `revision` is the first one's. A person adds name, maker,
    sources and siblings; `famtree families check` then says what is still missing. Raises
    FamtreeError kin.
    """
    from famtree.matchers.neighbours import find_neighbours
    from famtree.registry.draft import draft_family

    session = Session(offline=offline, registry=registry)
    results = [session.identify(reference, revision=revision), *map(session.identify, more)]
    apart = find_neighbours([one.fingerprint for one in results], session.registry)
    return draft_family(results, apart)


def check_registry(folder: Place | None = None, *, registry: Places = ()) -> list[str]:
    """Return every fault of the registry files in `folder` (default: famtree's own).

    A folder without general knowledge (`_generic.toml`) is of one's own families: they are laid
    over famtree's, as those of `registry` are. First that the files are well formed and hang
    together, then, if so, that every recorded checkpoint is recognised, also those from which
    families that are not famtree's might take answers away. A fault reads
    `file:line: field: reason`.
    """
    from pathlib import Path

    from famtree.matchers.recognition import check_families

    return check_families(None if folder is None else Path(write_path(folder)), registry)


def update_families(
    source: Place,
    *,
    pin: str | None = None,
    offline: bool = False,
    token: str | bool | None = None,
    api: HubApi | None = None,
) -> tuple[Registry, Registry]:
    """Put the registry bundle at `source` in use; return the registry before and the one now.

    `source` is `hf://datasets/org/name[@revision]`, a folder or an archive; `pin` is the digest it
    has to have. It is validated whole first. Raises UsageError where it is refused, FetchError kin
    where it cannot be had; the registry in use is then the one before.
    """
    from famtree.registry.bundle import install_bundle
    from famtree.registry.load import load_former, load_registry

    before = load_former()
    install_bundle(read_bundle(source, pin=pin, offline=offline, token=token, api=api))
    return before, load_registry()


def read_bundle(
    source: Place,
    *,
    pin: str | None = None,
    offline: bool = False,
    token: str | bool | None = None,
    api: HubApi | None = None,
) -> Bundle:
    """Return the bundle at `source`, validated, without putting it in use; else UsageError."""
    return Session(token=token, api=api, offline=offline).read_bundle(source, pin=pin)
