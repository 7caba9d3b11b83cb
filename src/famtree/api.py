"""The public functions: composition, no logic, no printing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from famtree.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from famtree.interchange.side import Plan
    from famtree.types.comparison import Comparison
    from famtree.types.identification import Identification
    from famtree.types.lineage import Lineage
    from famtree.types.policy import CheckReport
    from famtree.types.source import CheckpointSource


def identify(
    reference: str,
    *,
    revision: str | None = None,
    offline: bool = False,
    verify: bool = False,
    atlas: Path | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Identification:
    """Say which family, generation and size `reference` is, on what evidence.

    `reference` is a Hub id, an `hf://` address or a local path. `offline` forbids requests.
    `verify` allows reading weight bytes to prove lineage claims; without it none is ever read.
    `atlas` is a file of `famtree atlas build`, in which undeclared parents are looked for.
    `on_progress` gets a short word before each step that may take long. Raises FamtreeError kin.
    """
    from famtree.identification.identify import identify_with_facts
    from famtree.registry.load import load_registry
    from famtree.sources.open import open_source
    from famtree.sources.reference import parse_reference

    ref = parse_reference(reference, revision=revision)
    source = open_source(ref, offline=offline)
    registry = load_registry()
    result, node = identify_with_facts(source, registry, on_progress)

    def open_parent(name: str) -> CheckpointSource:
        return open_source(parse_reference(name), offline=offline)

    if atlas is not None:
        from famtree.atlas.answer import advise_identification, consult

        with consult(atlas, verify=verify, open_parent=open_parent) as advisor:
            result = advise_identification(source, result, node, registry, advisor)
    if not verify:
        return result
    from famtree.verification.identification import verify_identification

    return verify_identification(source, result, open_parent, on_progress=on_progress)


def scan(
    references: Iterable[str], *, workers: int = 16, offline: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield one row a reference, in the order they are finished; failures are rows too.

    The columns are those of `famtree.scan.row.COLUMNS`; `document` holds the identification as
    JSON. `workers` checkpoints are under way at a time, in processes of their own. References are
    taken as places become free, so that `references` may be endless.
    """
    from famtree.scan.local import scan_local
    from famtree.scan.settings import ScanSettings

    return scan_local(references, ScanSettings(workers=workers, offline=offline), set())


def lineage(
    reference: str,
    *,
    revision: str | None = None,
    offline: bool = False,
    verify: bool = False,
    atlas: Path | None = None,
    children: bool = False,
    depth: int = 8,
    on_progress: Callable[[str], None] | None = None,
) -> Lineage:
    """Return the ancestry graph of `reference`: every known ancestor, a status on every link.

    `depth` is the number of generations to go up. `children` also lists what the Hub knows to be
    made from it. The other arguments are those of `identify`. Raises FamtreeError kin for the
    checkpoint itself; an ancestor that cannot be read is a warning of the answer.
    """
    from famtree.ancestry.trace import trace_lineage
    from famtree.registry.load import load_registry
    from famtree.sources.open import open_source
    from famtree.sources.reference import parse_reference

    with ExitStack() as stack:
        advisor = None
        if atlas is not None:
            from famtree.atlas.answer import consult

            advisor = stack.enter_context(
                consult(
                    atlas,
                    verify=verify,
                    open_parent=lambda name: open_source(parse_reference(name), offline=offline),
                )
            )
        return trace_lineage(
            parse_reference(reference, revision=revision),
            load_registry(),
            depth=depth,
            offline=offline,
            children=children,
            verify=verify,
            on_progress=on_progress,
            advisor=advisor,
        )


def bom(
    reference: str,
    *,
    revision: str | None = None,
    offline: bool = False,
    children: bool = False,
    depth: int = 8,
    stamp: bool = False,
    on_progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Return `reference` as a CycloneDX 1.6 document (plain data): model card and pedigree.

    `stamp` adds the time and a random serial number; the other arguments are those of `lineage`.
    Raises UsageError where the package cyclonedx-python-lib (extra `bom`) is not installed, and
    FamtreeError kin for the checkpoint itself.
    """
    try:
        from famtree.bom.document import build_bom
    except ModuleNotFoundError as fault:
        raise UsageError(
            f"a BOM needs the package cyclonedx-python-lib ({fault.name} is missing)",
            hint="pip install 'famtree[bom]'",
        ) from fault
    from famtree.ancestry.subject import examine_subject
    from famtree.registry.load import load_registry
    from famtree.sources.reference import parse_reference

    subject = examine_subject(
        parse_reference(reference, revision=revision),
        load_registry(),
        depth=depth,
        offline=offline,
        children=children,
        on_progress=on_progress,
    )
    return build_bom(subject, stamp=stamp)


def check(
    policy: str,
    *,
    offline: bool = False,
    on_progress: Callable[[str], None] | None = None,
) -> CheckReport:
    """Return how every checkpoint of a policy file (`famtree.toml`) meets what it demands.

    Raises UsageError for a file that is absent or faulty. A checkpoint that cannot be fetched or
    read is an error of its own row.
    """
    from pathlib import Path

    from famtree.policy.check import check_policy
    from famtree.policy.load import load_policy
    from famtree.registry.load import load_registry

    registry = load_registry()
    demands = load_policy(Path(policy), registry)
    return check_policy(policy, demands, registry, offline=offline, on_progress=on_progress)


def compare(
    a: str,
    b: str,
    *,
    engines: Sequence[str] = (),
    plan: Plan | None = None,
    offline: bool = False,
    verify: bool = False,
    on_progress: Callable[[str], None] | None = None,
) -> Comparison:
    """Say how `a` and `b` are related, and whether `b` can stand in for `a`, engine by engine.

    `engines` are keys, or `key@version`; without any, every engine famtree knows is asked about.
    `plan` is what is to be run: context, batch, memory. `verify` allows reading weight bytes.
    Raises FamtreeError kin.
    """
    (found,) = compare_all(
        (a, b),
        engines=engines,
        plan=plan,
        offline=offline,
        verify=verify,
        on_progress=on_progress,
    )
    return found


def compare_all(
    references: Sequence[str],
    *,
    engines: Sequence[str] = (),
    plan: Plan | None = None,
    offline: bool = False,
    verify: bool = False,
    on_progress: Callable[[str], None] | None = None,
) -> list[Comparison]:
    """Compare every two of `references`, in order; each is read once.

    The other arguments are those of `compare`. Raises FamtreeError kin.
    """
    from itertools import combinations

    from famtree.comparison.compare import Request, compare_examined
    from famtree.comparison.examined import examine
    from famtree.interchange.answer import choose_engines
    from famtree.interchange.load import load_engines
    from famtree.interchange.side import Plan
    from famtree.registry.load import load_registry
    from famtree.sources.reference import parse_reference

    known = load_engines()
    chosen, notices = choose_engines(engines, known)
    request = Request(known, tuple(chosen), plan or Plan(), verify, tuple(notices))
    registry = load_registry()
    refs = [parse_reference(reference) for reference in references]
    examined = [examine(ref, registry, offline=offline, on_progress=on_progress) for ref in refs]
    return [
        compare_examined(left, right, request, on_progress)
        for left, right in combinations(examined, 2)
    ]


def draft(reference: str, *, revision: str | None = None, offline: bool = False) -> str:
    """Return a registry file (TOML text) drafted from one checkpoint.

    A person adds name, maker, sources and siblings; `famtree families check` then says what is
    still missing. Raises FamtreeError kin.
    """
    from famtree.registry.draft import draft_family

    result = identify(reference, revision=revision, offline=offline)
    return draft_family(result)


def check_registry(folder: Path | None = None) -> list[str]:
    """Return every fault of the registry files in `folder` (default: famtree's own).

    First that the files are well formed and hang together, then, if so, that every recorded
    checkpoint is recognised. A fault reads `file:line: field: reason`.
    """
    from famtree.matchers.recognition import check_recognition
    from famtree.registry import check
    from famtree.registry.load import load_registry

    return check.check_registry(folder) or check_recognition(load_registry(folder))
