"""What weight bytes say of a pair, put together with what is declared.

Observed beats declared: weights that share nothing rule a declared descent out, and weights that
depend on each other verify it. Dependence alone does not tell parent and child from siblings, so
the declared kind of kinship stands where the weights do not speak against it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from famtree.checkpoint.checkpoint import Checkpoint
from famtree.comparison.identity import list_weights
from famtree.errors import FamtreeError
from famtree.lineage.judge import find_status
from famtree.types.comparison import LineageVerdict, Verdict
from famtree.types.identification import Notice
from famtree.types.links import worst_of

if TYPE_CHECKING:
    from famtree.types.proof import Proof

_ARROWS: dict[str, Verdict] = {
    "parent-first": "a-derives-from-b",
    "child-first": "b-derives-from-a",
}
"""By which side came first, with `a` taken for the child."""


def prove(
    declared: LineageVerdict,
    a: Checkpoint,
    b: Checkpoint,
    notices: list[Notice],
    on_progress: Callable[[str], None] | None = None,
) -> LineageVerdict:
    """Return the verdict after sampling the weights of both; `declared` where that is no use.

    What keeps the weights from being read becomes a notice.
    """
    if declared.verdict == "same-weights" or not (list_weights(a) and list_weights(b)):
        return declared

    from famtree.lineage.proving import prove_pair

    if on_progress is not None:
        on_progress("comparing weights")
    try:
        proof = prove_pair(a, b, on_progress=on_progress, details=True)
    except FamtreeError as fault:
        message = f"the weights could not be compared: {fault.message}"
        notices.append(Notice.model_construct(code="not-verified", message=message))
        return declared
    return join_proof(declared, proof)


def join_proof(declared: LineageVerdict, proof: Proof) -> LineageVerdict:
    """Return the verdict of the weights, and of what is declared as far as they bear it out.

    Weights alone tell that two are related, not which comes from which: an arrow says which side
    is a leaf, not whose.
    """
    update: dict[str, object] = {
        "z": proof.z,
        "p_value": proof.p_value,
        "bytes_read": declared.bytes_read + proof.bytes_read,
        "evidence": [*declared.evidence, *proof.to_evidence()],
    }
    known = declared.distance is not None
    status = find_status(proof, declared.relation or "unknown")
    if proof.verdict == "same-weights":
        update |= {"verdict": "same-weights", "status": "verified", "distance": 0}
        update["reason"] = proof.reason
    elif proof.related:
        arrow = _ARROWS.get(proof.direction or "")
        against = known and arrow is not None and arrow != declared.verdict
        update["status"] = "verified"
        if not known:
            update |= {"verdict": "related", "reason": proof.reason}
        elif against and declared.verdict in _ARROWS.values():
            told = f"{proof.reason}; which came first is declared otherwise than the weights show"
            update |= {"verdict": "related", "reason": told}
    elif known and status == "declared":
        update["reason"] = f"{declared.reason}; {proof.reason}, as after distillation"
        update["status"] = worst_of(declared.status, status)
    elif status is not None:
        told = f"{proof.reason}, though descent is declared" if known else proof.reason
        update |= {
            "verdict": proof.verdict,
            "status": status if known else "verified",
            "reason": told,
            "distance": None,
            "path": [],
            "common_ancestor": None,
        }
    elif not known:
        update["reason"] = f"{declared.reason}; of the weights nothing can be told: {proof.reason}"
    return declared.model_copy(update=update)
