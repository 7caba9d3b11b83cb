"""Check one claimed link against facts about both ends.

What training never changes (kind of attention, head width) or never changes for this kind of
relation (depth in a fine-tune) can rule a claim out. Agreement never proves descent, since an
equal design is not a shared origin: the most that metadata gives is `consistent`. Only equal
weight-file hashes verify, and only those that the Hub lists or that were computed: what a folder or
an atlas records is one more declaration.
"""

from __future__ import annotations

from msgspec import Struct

from famtree.checkpoint.facts import NodeFacts
from famtree.lineage.link_ends import EndComparison, compare_nodes, number_of
from famtree.types.identification import Evidence, LinkRelation, LinkStatus
from famtree.types.links import CERTAIN, CONSISTENT, CONTRADICTED, DECLARED

MIN_AGREEING = 3
"""Dimensions that must agree before a claim is called consistent; fewer are chance."""
OPERATED = 0.75
"""Confidence in a surgery that explains changed dimensions."""
_SAME_SHAPE = frozenset(
    {"finetune", "continued-pretrain", "adapter", "quantized", "converted", "merge", "copy"}
)
"""Relations that keep every dimension but the vocabulary's."""
_UNTOUCHED = frozenset({"quantized", "copy", "adapter", "converted"})
"""Relations that leave the parent's weights whole, so that no surgery can be part of them."""
_SURGERY = frozenset({"pruned", "upscaled", "upcycled"})
_SHRINKS = frozenset({"layers", "ffn", "hidden_size", "heads", "kv_heads", "expert_ffn", "experts"})
MOST_STACKED = 2
"""Times its parent's depth that a stacked model reaches at most: every layer used twice."""


class LinkCheck(Struct):
    """The verdict on one link."""

    relation: LinkRelation
    status: LinkStatus
    confidence: float
    evidence: list[Evidence] = []


def check_link(
    child: NodeFacts, parent: NodeFacts, relation: LinkRelation, *, stacked: int | None = None
) -> LinkCheck:
    """Return what the facts of both ends say about `child` coming from `parent` by `relation`.

    `stacked` is the depth that the child's merge recipe builds out of its parents' layers.
    """
    if child.weight_hashes and child.weight_hashes == parent.weight_hashes:
        found = EndComparison()
        found.note("weights.sha256", "the parent's", "equal for every weight file", 20.0, "listing")
        return LinkCheck("copy", "verified", CERTAIN, found.evidence)
    found = compare_nodes(child, parent, relation, stacked)
    if child.stated_hashes and child.stated_hashes == parent.stated_hashes:
        found.note("recorded", "the parent's hashes", "recorded, not computed", 0.0, "listing")
    if relation == "distill":
        # A student that began as this parent keeps its shape; of a mere teacher nothing shows.
        began_as = len(found.agreeing) >= MIN_AGREEING and not found.changed and not found.against
        status: LinkStatus = "consistent" if began_as else "declared"
        return LinkCheck(relation, status, CONSISTENT if began_as else DECLARED, found.evidence)
    if _runs_backwards(relation, found):
        return LinkCheck(relation, "contradicted", CONTRADICTED, found.evidence)
    operation = infer_operation(child, parent, found)
    if operation is not None and not found.against:
        if relation in _UNTOUCHED and operation != relation:
            return LinkCheck(relation, "contradicted", CONTRADICTED, found.evidence)
        if relation not in _SAME_SHAPE and relation != "unknown":
            operation = relation  # a stated surgery is known better than one that is guessed
        return LinkCheck(operation, "consistent", OPERATED, found.evidence)
    if found.against or (found.changed and relation in _SAME_SHAPE):
        return LinkCheck(relation, "contradicted", CONTRADICTED, found.evidence)
    # Dimensions that all changed the way a stated surgery changes them agree with it.
    agreeing = len(found.agreeing) + (relation in _SURGERY and bool(found.changed))
    if agreeing >= MIN_AGREEING or (relation == "adapter" and found.agreeing):
        return LinkCheck(relation, "consistent", CONSISTENT, found.evidence)
    return LinkCheck(relation, "declared", DECLARED, found.evidence)


def check_tower(child: NodeFacts, parent: NodeFacts, relation: LinkRelation) -> LinkCheck:
    """Return what the facts of both ends say about a tower of `child` coming from `parent`.

    Of a tower no more than its depth and its width is known, too little to be called consistent.
    """
    found = EndComparison()
    for name in ("vision_layers", "vision_hidden_size"):
        theirs = number_of(parent, name) or number_of(parent, name.removeprefix("vision_"))
        ours = number_of(child, name)
        if ours is not None and theirs is not None:
            weight = 0.7 if ours == theirs else -4.0
            found.note(f"architecture.{name}", f"{theirs:g}", f"{ours:g}", weight, "config")
            if ours != theirs and name == "vision_hidden_size":
                found.against.append(name)  # layers are cut, a width is not
    status: LinkStatus = "contradicted" if found.against else "declared"
    confidence = CONTRADICTED if found.against else DECLARED
    return LinkCheck(relation, status, confidence, found.evidence)


def infer_operation(
    child: NodeFacts, parent: NodeFacts, found: EndComparison
) -> LinkRelation | None:
    """Return the surgery that explains the changed dimensions, if one does.

    Fewer layers, neurons or heads: pruned. More layers, all else equal: stacked from the
    parent's own. Experts where there were none: upcycled. None where both ends have official
    shapes of one generation, which is what siblings trained apart look like.
    """
    changed = found.changed
    if not changed or child.format == "adapter" or len(found.agreeing) < MIN_AGREEING:
        return None
    siblings = child.generation is not None and child.generation == parent.generation
    if siblings and child.size and parent.size and child.size != parent.size:
        found.note("size", parent.size, f"{child.size}, an official size of its own", -3.0)
        return None
    before, after = changed.get("experts", (0.0, 0.0))
    if after > before and set(changed) <= {"experts", "ffn", "expert_ffn"}:
        # Mixtures have few shapes: without the parent's vocabulary they are like anybody's.
        return "upcycled" if {"vocab_rows", "vocabulary"} & set(found.agreeing) else None
    if set(changed) == {"layers"}:
        before, after = changed["layers"]
        if after < before:
            return "pruned"
        return "upscaled" if after <= MOST_STACKED * before else None
    if set(changed) <= _SHRINKS and all(0 < after < before for before, after in changed.values()):
        # Width pruning keeps the head width and the vocabulary; a smaller sibling that was
        # trained on its own keeps them too, so at least one wide dimension must be untouched.
        kept = {"hidden_size", "ffn", "heads"} & set(found.agreeing)
        alone = set(changed) == {"experts"}
        if alone or ("head_dim" in found.agreeing and "vocab_rows" in found.agreeing and kept):
            return "pruned"
    return None


def _runs_backwards(relation: LinkRelation, found: EndComparison) -> bool:
    """True for a pruned child that is larger, or a stacked one that is smaller."""
    grown = [name for name, (before, after) in found.changed.items() if after > before]
    shrunk = [name for name, (before, after) in found.changed.items() if after < before]
    if relation == "pruned":
        return bool(grown)
    if relation == "upscaled":
        return bool(shrunk)
    return relation == "upcycled" and bool(set(shrunk) & {"layers", "hidden_size", "experts"})
