"""What weight bytes say of a pair, put together with what is declared.

Observed beats declared: weights that share nothing rule a declared descent out, and weights that
depend on each other verify it, as `famtree.lineage.judge` says of every link. Dependence alone
does not tell parent and child from siblings, so the declared kind of kinship stands where the
weights do not speak against it; a known root tells more (`placement`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from famtree.checkpoint.checkpoint import Checkpoint
from famtree.comparison.descent import Descent
from famtree.comparison.identity import list_weights
from famtree.errors import FamtreeError
from famtree.lineage.document import describe_proof
from famtree.lineage.judge import find_relation, find_status
from famtree.types.comparison import LineageVerdict, Verdict
from famtree.types.identification import Notice, Verification, VerifiedLink
from famtree.types.links import worst_of
from famtree.types.proof_options import USUAL

if TYPE_CHECKING:
    from famtree.lineage.opener import Opener
    from famtree.types.proof import Proof
    from famtree.types.weight_facts import DirectionHint

_ARROWS: dict[str, Verdict] = {
    "parent-first": "a-derives-from-b",
    "child-first": "b-derives-from-a",
}
"""By which side came first, with `a` taken for the child."""
_TURNED: dict[Verdict, Verdict] = {
    "a-derives-from-b": "b-derives-from-a",
    "b-derives-from-a": "a-derives-from-b",
}


def prove(
    descent: Descent,
    a: Checkpoint,
    b: Checkpoint,
    notices: list[Notice],
    on_progress: Callable[[str], None] | None = None,
    opener: Opener | None = None,
) -> LineageVerdict:
    """Return the verdict after sampling the weights of both, with what came of it in words.

    Which came first and what was done is looked for where nothing is declared, or if the options of
    `opener` ask; it also opens what a declared parent names as its own.

    What keeps the weights from being read becomes a notice, and the verdict stays.
    """
    declared = descent.verdict
    child, parent = (b, a) if descent.b_is_child else (a, b)

    def tell(outcome: Literal["proven", "untold"], text: str) -> LineageVerdict:
        link = VerifiedLink.model_construct(
            child=child.ref, parent=parent.ref, outcome=outcome, text=text
        )
        return _note(declared, link)

    if declared.verdict == "same-weights":
        return tell("proven", f"{declared.reason} ({declared.bytes_read:,} bytes read)")
    without = [one.ref for one in (a, b) if not list_weights(one)]
    if without:
        return tell("untold", f"{without[0]} has no weight files; no weight byte read")

    from famtree.lineage.kinship import look_above, tell_kinship
    from famtree.lineage.proving import prove_pair

    if on_progress is not None:
        on_progress("comparing weights")
    try:
        proof = prove_pair(
            child,
            parent,
            on_progress=on_progress,
            details=declared.distance is None,
            options=USUAL if opener is None else opener.options,
        )
        if opener is not None and declared.distance == 1 and declared.relation != "merge":
            proof = look_above(child, parent, opener, proof)
            told = tell_kinship(child.ref, parent.ref, proof)
            notices += [] if told is None else [told]
    except FamtreeError as fault:
        message = f"the weights could not be compared: {fault.message}"
        notices.append(Notice.model_construct(code="not-verified", message=message))
        return tell("untold", fault.message)
    verdict = join_proof(descent, proof)
    if opener is not None:
        from famtree.comparison.placement import place_pair

        placed = place_pair(declared, proof, a, b, opener)
        if placed is not None:
            update: dict[str, object] = {"verdict": placed[0], "status": "inferred"}
            update |= {"reason": f"{proof.reason}; {placed[1]}", "relation": None, "path": []}
            verdict = verdict.model_copy(
                update=update | {"distance": None, "common_ancestor": None}
            )
    return _note(verdict, describe_proof(child.ref, parent.ref, proof))


def _note(verdict: LineageVerdict, link: VerifiedLink) -> LineageVerdict:
    told = Verification.model_construct(links=[link], bytes_read=verdict.bytes_read)
    return verdict.model_copy(update={"verification": told})


def join_proof(descent: Descent, proof: Proof) -> LineageVerdict:
    """Return the verdict of the weights, and of what is declared as far as they bear it out.

    Weights alone tell that two are related, not which comes from which: an arrow says which side
    is a leaf, not whose.
    """
    declared = descent.verdict
    update: dict[str, object] = {
        "z": proof.z,
        "p_value": proof.p_value,
        "bytes_read": declared.bytes_read + proof.bytes_read,
        "bytes_hashed": sum(side.bytes_hashed for side in proof.sides),
        "evidence": [*declared.evidence, *proof.to_evidence()],
        "changed": proof.changed if proof.related else None,
        "direction": _turn_hint(descent, proof),
        "operation": proof.operation,
        "draw": proof.draw,
        "re_derived": proof.re_derived,
    }
    known = declared.distance is not None
    claimed = bool(descent.relations)
    relation = declared.relation or ("distill" if "distill" in descent.relations else "unknown")
    status = find_status(proof, relation, declared.status)
    if proof.verdict == "same-weights":
        update |= {"verdict": "same-weights", "status": "verified", "distance": 0}
        update |= {"reason": proof.reason, "relation": "copy"}
    elif proof.related:
        update["status"] = status or declared.status
        if declared.relation is not None and status == "verified":
            update["relation"] = find_relation(proof, declared.relation, declared.status)
        if proof.no_parent is not None:
            update |= {"verdict": "related", "reason": proof.no_parent}
            update["status"] = worst_of(declared.status, status or declared.status)
        elif not known:
            update |= {"verdict": "related", "reason": proof.reason}
            if proof.re_derived is not None:
                update |= {"relation": find_relation(proof, "unknown", "declared")}
        elif _came_first_otherwise(descent, proof):
            told = f"{proof.reason}; which came first is declared otherwise than the weights show"
            update |= {"verdict": "related", "reason": told}
    elif proof.misfit and not known:
        update |= {
            "verdict": "related" if proof.verdict == "partial" else "undetermined",
            "status": worst_of("unresolved", declared.status),
            "reason": proof.reason,
        }
    elif proof.misfit:
        update |= {
            "status": worst_of(declared.status, status or "unresolved"),
            "reason": f"{declared.reason}; {proof.reason}",
        }
    elif proof.verdict == "shared-init" and declared.common_ancestor is not None:
        # Neither is said to come from the other; that both began alike is what is declared.
        update["reason"] = f"{declared.reason}; {proof.reason}"
    elif known and status == "declared":
        update["reason"] = f"{declared.reason}; {proof.reason}, as after distillation"
        update["status"] = worst_of(declared.status, status)
    elif status is not None:
        told = f"{proof.reason}, though descent is declared" if claimed else proof.reason
        update |= {
            "verdict": proof.verdict,
            "status": worst_of(declared.status, status) if claimed else "verified",
            "reason": told,
            "distance": None,
            "path": [],
            "common_ancestor": None,
        }
    elif not known and not claimed:
        update["reason"] = f"{declared.reason}; of the weights nothing can be told: {proof.reason}"
    return declared.model_copy(update=update)


def _came_first_otherwise(descent: Descent, proof: Proof) -> bool:
    """Return whether the weights show the other order than is declared.

    An average of several is smaller than each of them, as what came first is: a merge's arrow is
    no ground to doubt what it names.
    """
    hint = _turn_hint(descent, proof)
    if hint is None or "merge" in descent.relations:
        return False
    declared = descent.verdict.verdict
    return declared in _TURNED and hint.hint != declared


def _turn_hint(descent: Descent, proof: Proof) -> DirectionHint | None:
    """Return the hint in terms of a and b."""
    if proof.hint is None:
        return None
    shown = _ARROWS[proof.hint.hint]
    told = _TURNED[shown] if descent.b_is_child else shown
    return proof.hint.model_copy(update={"hint": told})
