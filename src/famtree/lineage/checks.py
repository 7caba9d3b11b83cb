"""Check one claimed link against facts about both ends.

What training never changes (kind of attention, head width) or never changes for this kind of
relation (depth in a fine-tune) can rule a claim out. Agreement never proves descent, since an
equal design is not a shared origin: the most that metadata gives is `consistent`. Only equal
weight-file hashes verify.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from famtree.lineage.facts import NodeFacts
from famtree.types.identification import Evidence, LinkRelation, LinkStatus

MIN_AGREEING = 3
"""Dimensions that must agree before a claim is called consistent; fewer are chance."""
CERTAIN = 0.99
CONSISTENT = 0.9
CONTRADICTED = 0.03
_SAME_SHAPE = frozenset(
    {"finetune", "continued-pretrain", "adapter", "quantized", "converted", "merge", "copy"}
)
"""Relations that keep every dimension but the vocabulary's."""
_SAME_VOCABULARY = frozenset({"quantized", "copy", "adapter"})
_DIMENSIONS = ("layers", "hidden_size", "heads", "kv_heads", "head_dim", "ffn", "experts",
               "expert_ffn", "kv_lora_rank", "state_size")  # fmt: skip
_DESIGN = ("qk_norm", "norm_type", "gated_mlp")
"""Tensors that exist or do not."""
_ADAPTER_SEES = frozenset({"hidden_size", "ffn"})
ROWS_TOLERANCE = 0.002
"""Rows a conversion pads or trims, as a share."""


@dataclass(slots=True)
class LinkCheck:
    """The verdict on one link."""

    relation: LinkRelation
    status: LinkStatus
    confidence: float
    evidence: list[Evidence] = field(default_factory=list)


@dataclass(slots=True)
class _Comparison:
    agreeing: list[str] = field(default_factory=list)
    changed: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Dimension to (parent's, child's) value."""
    against: list[str] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)

    def note(self, signal: str, expected: object, seen: object, weight: float) -> None:
        self.evidence.append(
            Evidence.model_construct(
                signal=signal,
                source="header",
                expected=str(expected),
                seen=str(seen),
                supports=weight > 0,
                weight=weight,
            )
        )


def check_link(child: NodeFacts, parent: NodeFacts, relation: LinkRelation) -> LinkCheck:
    """Return what the facts of both ends say about `child` coming from `parent` by `relation`."""
    if child.weight_hashes and child.weight_hashes == parent.weight_hashes:
        found = _Comparison()
        found.note("weights.sha256", "the parent's", "equal for every weight file", 20.0)
        return LinkCheck("copy", "verified", CERTAIN, found.evidence)
    found = _compare(child, parent, relation)
    if relation == "distill":
        # A student that began as this parent keeps its shape; of a mere teacher nothing shows.
        began_as = len(found.agreeing) >= MIN_AGREEING and not found.changed and not found.against
        status: LinkStatus = "consistent" if began_as else "declared"
        return LinkCheck(relation, status, CONSISTENT if began_as else 0.6, found.evidence)
    _check_order(child, parent, found)
    operation = _infer_operation(child, found)
    if operation is not None and not found.against:
        if relation in _SAME_VOCABULARY and operation != relation:
            return LinkCheck(relation, "contradicted", CONTRADICTED, found.evidence)
        return LinkCheck(operation, "consistent", 0.75, found.evidence)
    if found.against or (found.changed and relation in _SAME_SHAPE):
        return LinkCheck(relation, "contradicted", CONTRADICTED, found.evidence)
    if len(found.agreeing) >= MIN_AGREEING or (relation == "adapter" and found.agreeing):
        return LinkCheck(relation, "consistent", CONSISTENT, found.evidence)
    return LinkCheck(relation, "declared", 0.6, found.evidence)


def _compare(child: NodeFacts, parent: NodeFacts, relation: LinkRelation) -> _Comparison:
    found = _Comparison()
    adapter = child.format == "adapter"
    for name in _DIMENSIONS:
        if adapter and name not in _ADAPTER_SEES:
            continue
        ours, theirs = _number(child, name), _number(parent, name)
        if ours is None or theirs is None:
            continue
        if ours == theirs:
            found.agreeing.append(name)
            found.note(f"architecture.{name}", f"{theirs:g}", f"{ours:g}", 0.7)
        else:
            found.changed[name] = (theirs, ours)
            found.note(f"architecture.{name}", f"{theirs:g}", f"{ours:g}", -4.0)
    for name in _DESIGN:
        left, right = _value(parent, name), _value(child, name)
        if left is not None and right is not None and left != right:
            found.against.append(name)
            found.note(f"architecture.{name}", left, right, -5.0)
    _compare_vocabulary(child, parent, relation, found)
    _compare_family(child, parent, found)
    return found


def _compare_vocabulary(
    child: NodeFacts, parent: NodeFacts, relation: LinkRelation, found: _Comparison
) -> None:
    rows, theirs = _number(child, "vocab_rows"), _number(parent, "vocab_rows")
    if rows is not None and theirs is not None:
        near = abs(rows - theirs) <= max(256, ROWS_TOLERANCE * theirs)
        if rows == theirs:
            found.agreeing.append("vocab_rows")
            found.note("architecture.vocab_rows", f"{theirs:g}", f"{rows:g}", 1.0)
        elif near or rows > theirs:
            found.note("architecture.vocab_rows", f"{theirs:g}", f"{rows:g}", -0.5)
        elif relation in _SAME_VOCABULARY:
            found.against.append("vocab_rows")
            found.note("architecture.vocab_rows", f"{theirs:g}", f"{rows:g}", -4.0)
        else:
            found.note("architecture.vocab_rows", f"{theirs:g}", f"{rows:g}", -1.5)
    left, right = _vocabulary(parent), _vocabulary(child)
    if left is None or right is None:
        return
    if left == right:
        found.agreeing.append("vocabulary")
        found.note("tokenizer.vocabulary", left[:12], right[:12], 1.5)
    else:
        found.note("tokenizer.vocabulary", left[:12], right[:12], -2.0)
        if relation in _SAME_VOCABULARY:
            found.against.append("vocabulary")


def _compare_family(child: NodeFacts, parent: NodeFacts, found: _Comparison) -> None:
    """Another family by evidence on both sides rules descent out, whatever the dimensions."""
    if child.family is None or parent.family is None or child.format == "adapter":
        return
    if child.family == parent.family:
        found.note("family", parent.family, child.family, 0.7)
    elif _value(child, "text_model_type") != _value(parent, "text_model_type"):
        found.against.append("family")
        found.note("family", parent.family, child.family, -4.0)
    else:
        found.note("family", parent.family, child.family, -1.0)


def _check_order(child: NodeFacts, parent: NodeFacts, found: _Comparison) -> None:
    """Of documented parents 99.7 % were uploaded before the child (Model Atlas, 2503.10633)."""
    if child.created_at and parent.created_at and child.created_at < parent.created_at:
        found.note("created_at", f"before {child.created_at}", parent.created_at, -1.5)


def _infer_operation(child: NodeFacts, found: _Comparison) -> LinkRelation | None:
    """Return the surgery that explains the changed dimensions, if one does.

    Fewer layers, neurons or heads: pruned. More layers, all else equal: stacked from the
    parent's own. Experts where there were none, as wide as the dense layer: upcycled.
    """
    changed = found.changed
    if not changed or child.format == "adapter":
        return None
    if set(changed) == {"layers"} and len(found.agreeing) >= MIN_AGREEING:
        before, after = changed["layers"]
        return "pruned" if after < before else "upscaled" if after <= 2 * before else None
    if set(changed) <= {"experts"} and len(found.agreeing) >= MIN_AGREEING:
        before, after = changed["experts"]
        return "pruned" if after < before else None
    cut = {"layers", "ffn", "hidden_size", "heads", "kv_heads", "expert_ffn", "experts"}
    if set(changed) <= cut and all(after < before for before, after in changed.values()):
        # Width pruning keeps the head width and the vocabulary; a smaller sibling that was
        # trained on its own keeps them too, so at least one wide dimension must be untouched.
        kept = {"hidden_size", "ffn", "heads"} & set(found.agreeing)
        if "head_dim" in found.agreeing and "vocab_rows" in found.agreeing and kept:
            return "pruned"
    return None


def _number(node: NodeFacts, name: str) -> float | None:
    value = _value(node, name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _value(node: NodeFacts, name: str) -> object:
    trait = node.traits.get(f"architecture.{name}")
    return trait.value if trait is not None else None


def _vocabulary(node: NodeFacts) -> str | None:
    trait = node.traits.get("tokenizer.vocabulary")
    return trait.value if trait is not None and isinstance(trait.value, str) else None
