"""An identification whose lineage claims are checked by weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree.types.identification import CostReport, WeightProof
from famtree.types.proof import Proof
from famtree.verification.verify import OnProgress, OpenParent, verify_lineage

if TYPE_CHECKING:
    from famtree.types.checkpoint import Cost
    from famtree.types.identification import Identification
    from famtree.types.source import CheckpointSource

MAX_UNREAD = 8


def verify_identification(
    source: CheckpointSource,
    result: Identification,
    open_parent: OpenParent,
    *,
    on_progress: OnProgress | None = None,
) -> Identification:
    """Return `result` with its direct parents verified or contradicted where weights can tell.

    `open_parent` gives the source of a parent by its name; its errors become notices. The cost
    of all sources is added up.
    """
    opened: list[CheckpointSource] = []
    before = source.cost

    def remember(name: str) -> CheckpointSource:
        opened.append(open_parent(name))
        return opened[-1]

    lineage, proofs, notices = verify_lineage(
        source, result.lineage, remember, on_progress=on_progress
    )
    read = any(side.bytes_planned for proof in proofs for side in proof.sides)
    lineage = lineage.model_copy(update={"proofs": [_shorten(proof) for proof in proofs]})
    return result.model_copy(
        update={
            "checkpoint": result.checkpoint.model_copy(update={"weights_read": read}),
            "lineage": lineage,
            "warnings": [*result.warnings, *notices],
            "cost": _add_costs(result.cost, before, [source, *opened]),
        }
    )


def _shorten(proof: Proof) -> WeightProof:
    parts = [f"{one.part}: {one.reason}" for side in proof.sides for one in side.unread]
    return WeightProof.model_construct(
        parent=proof.parent,
        verdict=proof.verdict,
        reason=proof.reason,
        z=proof.z,
        p_value=proof.p_value,
        log10_p=proof.log10_p,
        cosine=proof.cosine,
        bytes_planned=sum(side.bytes_planned for side in proof.sides),
        bytes_read=proof.bytes_read,
        unread=parts[:MAX_UNREAD],
    )


def _add_costs(known: CostReport, before: Cost, sources: list[CheckpointSource]) -> CostReport:
    costs = [source.cost for source in sources]
    return CostReport.model_construct(
        requests=known.requests + sum(cost.requests for cost in costs) - before.requests,
        bytes=known.bytes + sum(cost.bytes for cost in costs) - before.bytes,
        seconds=round(known.seconds + sum(cost.seconds for cost in costs) - before.seconds, 4),
    )
