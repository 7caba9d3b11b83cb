"""What weight bytes say of a link: the one place where a proof changes a status.

The rule, for every command:

- Weights that depend on the parent's, or equal them, make a link `verified`.
- Parts of the parent beside what is none of it are no descent: such a link is never better than
  `unresolved`, whatever they are (rows, tensors, layers, embeddings). Only a merge takes parts: it
  is `verified` where whole layers are, more of them than `MERGED_SHARE`.
- Weights that were proven independent leave no link better than `contradicted`; where a part that
  could have told was not read, than `unresolved`. So does a shared initialisation, which is no
  descent: `unresolved`.
- A `distill` claim stays `declared` all the same: distillation leaves nothing in the weights.
- A link that files rule out is settled too. Whole weights that depend on the parent's are stronger
  than a shape, but not by the relation that was claimed; a part that is inherited is not.
- A parent that turns out to be a sibling, or to come from the child, leaves the link `unresolved`.
- A parent that nobody names and that weights were placed below, of several, stays `inferred`:
  dependence makes kin, and what came first is read off weights alone. Equal weights are a copy.
- Bytes that are the parent's values converted, all that were drawn of them, make the link a
  conversion or a quantization, whoever names the parent and whatever training is claimed. What
  takes more than one parent or another shape (merge, surgery, adapter) is no such claim and stays.
- What could not be told changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree.types.identification import LinkRelation, LinkStatus
from famtree.types.links import CERTAIN, CONSISTENT, CONTRADICTED, DECLARED, UNRESOLVED, worst_of

if TYPE_CHECKING:
    from famtree.lineage.steps import JudgedLink
    from famtree.types.proof import Proof

_RELATIONS: dict[str, LinkRelation] = {
    "copy": "copy", "cast": "converted", "quantized": "quantized", "pruned": "pruned",
    "upscaled": "upscaled", "upcycled": "upcycled",
}  # fmt: skip

_CONVERTIBLE: frozenset[LinkRelation] = frozenset(
    {"unknown", "copy", "finetune", "continued-pretrain", "distill", "quantized", "converted"}
)
"""What a link may be called that turns out to be a conversion of its parent's values."""

MERGED_SHARE = 0.25
"""Of the layers looked at, what has to come from one parent of a merge."""


def find_status(
    proof: Proof, relation: LinkRelation, before: LinkStatus = "declared"
) -> LinkStatus | None:
    """Return the best status that a claimed link can have after `proof`; None where it says none.

    `verified` is what it has, the others are a ceiling. `before` is what files made of it.
    """
    if proof.no_parent is not None:
        return None if before == "contradicted" else "unresolved"
    if proof.related:
        return "verified"
    if proof.misfit:
        if before == "contradicted":
            return None
        whole = proof.verdict == "partial" and proof.inherited > MERGED_SHARE
        return "verified" if relation == "merge" and whole else "unresolved"
    if proof.verdict not in ("independent", "shared-init"):
        return None
    if relation == "distill":
        return "declared"
    told = proof.verdict == "independent" and not any(side.unread for side in proof.sides)
    return "contradicted" if told else "unresolved"


def find_relation(proof: Proof, relation: LinkRelation, before: LinkStatus) -> LinkRelation:
    """Return the relation of a link that `proof` verified."""
    if proof.verdict == "same-weights":
        return "copy"
    if before == "contradicted":
        relation = "unknown"
    told = relation == "unknown" or (proof.is_conversion and relation in _CONVERTIBLE)
    if told and proof.operation is not None:
        return _RELATIONS.get(proof.operation, relation)
    return relation


def apply_proof(step: JudgedLink, proof: Proof) -> None:
    """Give `step` the status that the weights of its ends leave it, with the evidence."""
    step.evidence = [*step.evidence, *proof.to_evidence()]
    status = find_status(proof, step.relation, step.status)
    if status is None:
        return
    if status == "verified":
        step.relation = find_relation(proof, step.relation, step.status)
        certain = proof.verdict == "same-weights" or proof.is_conversion
        placed = step.link.is_placed and not certain
        step.status = "inferred" if placed else "verified"
        step.confidence = CONSISTENT if placed else CERTAIN
        return
    step.status = worst_of(step.status, status)
    step.confidence = min(step.confidence, _CEILINGS[status])


_CEILINGS: dict[LinkStatus, float] = {
    "declared": DECLARED, "unresolved": UNRESOLVED, "contradicted": CONTRADICTED,
}  # fmt: skip
