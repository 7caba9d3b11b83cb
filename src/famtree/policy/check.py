"""Check every checkpoint of a policy, several at a time, in the order of the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from itertools import repeat

from famtree import __version__
from famtree.attestation.envelope import require_verifier
from famtree.errors import FamtreeError, PolicyError
from famtree.identification.subject import examine_subject
from famtree.lineage.opener import Opener
from famtree.policy.attested import check_attestation
from famtree.policy.conditions import check_identification, check_lineage, needs_lineage
from famtree.policy.load import Demand
from famtree.policy.targets import expand_demands
from famtree.policy.waivers import Excuses
from famtree.registry.registry import Registry
from famtree.sources.hub_access import OWN, HubAccess
from famtree.sources.reference import parse_reference
from famtree.types.policy import (
    Against,
    ChangedAnswer,
    CheckedCheckpoint,
    CheckError,
    CheckReport,
    PolicyFault,
)
from famtree.types.proof_options import USUAL, ProofOptions

MAX_AT_ONCE = 4
RULED_OUT = "parent-contradicted"
"""Code of the lineage's warning."""


def check_policy(
    name: str,
    demands: Sequence[Demand],
    registry: Registry,
    *,
    offline: bool = False,
    verify: bool = False,
    proof: ProofOptions = USUAL,
    on_progress: Callable[[str], None] | None = None,
    access: HubAccess = OWN,
    against: Registry | None = None,
    excuses: Excuses | None = None,
    advise: Callable[[Opener], AbstractContextManager[None]] | None = None,
) -> CheckReport:
    """Return how the checkpoints of policy file `name` meet what is demanded of them.

    `verify` settles links by weight bytes: of the whole ancestry where conditions ask about it,
    else of the parents, as `famtree identify` does.
    A checkpoint that cannot be fetched or read is an error of its row, and the report does not
    hold. What another registry, `against`, would answer otherwise is told beside. `excuses` says
    what need not hold. `advise` gives each opener somebody to ask for undeclared parents.
    """
    report = on_progress or (lambda _: None)
    excused = excuses or Excuses()
    if any(one.policy.attested_by for one in demands):
        require_verifier()
    targets = expand_demands(demands, offline=offline, access=access)

    def check(target: tuple[Demand, FamtreeError | None], known: Registry) -> CheckedCheckpoint:
        demand, fault = target
        if fault is not None:
            return _fail(demand, fault)
        report(f"checking {demand.policy.ref}")
        reach = None if needs_lineage(demand.policy) else int(verify)
        opener = Opener(known, offline, headers=verify, access=access, reach=reach, options=proof)
        with advise(opener) if advise is not None else nullcontext():
            row = _check(demand, opener, verify, on_progress)
        return excused.excuse(row, demand.target or demand.policy.ref)

    with ThreadPoolExecutor(MAX_AT_ONCE) as pool:
        rows = list(pool.map(check, targets, repeat(registry)))
        others = list(pool.map(check, targets, repeat(against))) if against else []
    results = [row.result for row in rows]
    return CheckReport.model_construct(
        famtree=__version__,
        policy=name,
        passed=results.count("passed"),
        failed=results.count("failed"),
        errors=results.count("error"),
        checkpoints=rows,
        registry=registry.knowledge,
        against=_compare(rows, others, against) if against else None,
        waivers=excused.list_waivers(),
        baseline=excused.describe_baseline(),
    )


def report_faults(name: str, error: PolicyError) -> CheckReport:
    """Return the report of a policy file `name` that is wrong itself: nothing was checked."""
    return CheckReport.model_construct(
        famtree=__version__,
        policy=name,
        passed=0,
        failed=0,
        errors=0,
        faults=[
            PolicyFault.model_construct(line=line, field=field, message=message)
            for line, field, message in error.faults
        ],
    )


def _compare(
    rows: list[CheckedCheckpoint], others: list[CheckedCheckpoint], against: Registry
) -> Against:
    changes = [
        ChangedAnswer.model_construct(
            ref=row.ref,
            line=row.line,
            before=row.describe(),
            after=other.describe(),
            result_before=row.result,
            result_after=other.result,
        )
        for row, other in zip(rows, others, strict=True)
        if (row.describe(), row.result) != (other.describe(), other.result)
    ]
    return Against.model_construct(registry=against.knowledge, changes=changes)


def _check(
    demand: Demand,
    opener: Opener,
    verify: bool,
    on_progress: Callable[[str], None] | None,
) -> CheckedCheckpoint:
    policy = demand.policy
    try:
        endpoint = opener.access.endpoint
        ref = parse_reference(demand.ref, revision=policy.revision, endpoint=endpoint)
        subject = examine_subject(ref, opener, verify=verify, on_progress=on_progress)
        result = subject.identification
        conditions = check_identification(result, policy)
        if needs_lineage(policy):
            conditions += check_lineage(subject.publish_lineage(), policy, subject.find_name)
        conditions += check_attestation(
            subject.checkpoint, policy, verify=verify, on_progress=on_progress
        )
    except FamtreeError as fault:
        return _fail(demand, fault)
    return CheckedCheckpoint.model_construct(
        ref=policy.ref,
        line=demand.line,
        result="passed" if all(one.holds for one in conditions) else "failed",
        outcome=result.outcome,
        family=result.family.key if result.family else None,
        generation=result.generation.key if result.generation else None,
        confidence=result.confidence,
        conditions=conditions,
        contradicted=[one.message for one in result.warnings if one.code == RULED_OUT],
        verification=result.lineage.verification,
        warnings=subject.checkpoint.refusals,
    )


def _fail(demand: Demand, fault: FamtreeError) -> CheckedCheckpoint:
    return CheckedCheckpoint.model_construct(
        ref=demand.policy.ref,
        line=demand.line,
        result="error",
        error=CheckError.model_construct(
            code=fault.code,
            message=fault.message,
            hint=fault.hint,
            exit_code=fault.exit_code,
        ),
    )
