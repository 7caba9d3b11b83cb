"""Two ends of a link laid side by side: what agrees, what changed, what cannot change."""

from __future__ import annotations

from msgspec import Struct

from famtree.checkpoint.facts import NodeFacts
from famtree.matchers.vocabulary_relation import relate_vocabularies
from famtree.types.identification import Evidence, LinkRelation

DIMENSIONS = ("layers", "hidden_size", "heads", "kv_heads", "head_dim", "ffn", "experts",
              "expert_ffn", "kv_lora_rank", "state_size")  # fmt: skip
SAME_VOCABULARY = frozenset({"quantized", "copy", "converted"})
"""Relations that leave the vocabulary as it is. An adapter's own tokenizer may have grown."""
_DESIGN = ("qk_norm", "norm_type", "gated_mlp")
"""Tensors that exist or do not."""
_ADAPTER_SEES = frozenset({"hidden_size", "ffn"})
ROWS_TOLERANCE = 0.01
"""Rows a conversion pads or trims, as a share."""
ROWS_PADDED = 512
"""Rows a conversion pads or trims, however few there are."""
FEW_TENSORS = 8
"""Fewer common tensors than these are chance."""
_VOCABULARY_TENSORS = ("embed", "lm_head", "wte", "output.weight")


class EndComparison(Struct):
    """Everything that was compared, with its evidence."""

    agreeing: list[str] = []
    changed: dict[str, tuple[float, float]] = {}
    """Dimension to (parent's, child's) value."""
    against: list[str] = []
    """What no kind of descent changes."""
    evidence: list[Evidence] = []

    def note(
        self, signal: str, expected: object, seen: object, weight: float, source: str = "header"
    ) -> None:
        """Add one observation; a negative weight speaks against the link."""
        self.evidence.append(
            Evidence.model_construct(
                signal=signal,
                source=source,
                expected=str(expected),
                seen=str(seen),
                supports=weight > 0,
                weight=weight,
            )
        )


def compare_nodes(
    child: NodeFacts, parent: NodeFacts, relation: LinkRelation, stacked: int | None = None
) -> EndComparison:
    """Compare both ends of a link.

    `stacked` is the depth that a merge recipe builds, which then stands for the parent's.
    """
    found = EndComparison()
    _compare_dimensions(child, parent, found, stacked)
    _compare_rows(child, parent, relation, found)
    _compare_tokenizers(child, parent, relation, found)
    _compare_tensors(child, parent, found)
    _compare_families(child, parent, found)
    _compare_dates(child, parent, found)
    return found


def number_of(node: NodeFacts, name: str) -> float | None:
    """Return a numeric architecture trait that was seen, or None."""
    value = _value(node, name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _value(node: NodeFacts, name: str) -> object:
    trait = node.traits.get(f"architecture.{name}")
    return trait.value if trait is not None else None


def _compare_dimensions(
    child: NodeFacts, parent: NodeFacts, found: EndComparison, stacked: int | None
) -> None:
    for name in DIMENSIONS:
        if child.format == "adapter" and name not in _ADAPTER_SEES:
            continue
        ours, theirs = number_of(child, name), number_of(parent, name)
        if name == "layers" and stacked is not None:
            theirs = float(stacked)
        if ours is None or theirs is None:
            continue
        if ours == theirs:
            found.agreeing.append(name)
            found.note(f"architecture.{name}", f"{theirs:g}", f"{ours:g}", 0.7)
        else:
            found.changed[name] = (theirs, ours)
            found.note(f"architecture.{name}", f"{theirs:g}", f"{ours:g}", -4.0)
            if name == "layers" and stacked is not None:
                found.against.append(name)  # not what the recipe builds
    if child.format == "adapter":
        return
    ours, theirs = (number_of(one, "experts") or 0 for one in (child, parent))
    dense = number_of(child, "hidden_size") is not None and "experts" not in found.changed
    if dense and min(ours, theirs) == 0 and max(ours, theirs) > 1:
        found.changed["experts"] = (theirs, ours)
        found.note("architecture.experts", f"{theirs:g}", f"{ours:g}", -4.0)
    for name in _DESIGN:
        left, right = _value(parent, name), _value(child, name)
        if left is not None and right is not None and left != right:
            found.against.append(name)
            found.note(f"architecture.{name}", left, right, -5.0)


def _compare_rows(
    child: NodeFacts, parent: NodeFacts, relation: LinkRelation, found: EndComparison
) -> None:
    rows, theirs = number_of(child, "vocab_rows"), number_of(parent, "vocab_rows")
    if rows is None or theirs is None:
        return
    signal, seen = "architecture.vocab_rows", f"{rows:g}"
    if rows == theirs:
        found.agreeing.append("vocab_rows")
        found.note(signal, f"{theirs:g}", seen, 1.0)
        return
    near = abs(rows - theirs) <= max(ROWS_PADDED, ROWS_TOLERANCE * theirs)
    told = f"{seen} ({rows - theirs:+g} rows)"
    if near:
        found.note(signal, f"{theirs:g}", told, -0.5)
    elif relation in SAME_VOCABULARY:
        found.against.append("vocab_rows")
        found.note(signal, f"{theirs:g}", told, -4.0)
    else:
        found.note(signal, f"{theirs:g}", told, -0.5 if rows > theirs else -1.5)


def _compare_tokenizers(
    child: NodeFacts, parent: NodeFacts, relation: LinkRelation, found: EndComparison
) -> None:
    related = relate_vocabularies(child.tokenizer, parent.tokenizer)
    signal, expected = "tokenizer.vocabulary", "the parent's"
    if related.kind == "identical":
        found.agreeing.append("vocabulary")
        found.note(signal, expected, "identical", 1.5, "tokenizer")
    elif related.kind == "extended":
        found.agreeing.append("vocabulary")
        found.note(signal, expected, f"extended by {related.added} tokens", 1.0, "tokenizer")
    elif related.kind == "different":
        found.note(signal, expected, "different", -3.0, "tokenizer")
        if relation in SAME_VOCABULARY:
            found.against.append("vocabulary")
    elif related.kind == "overlapping":
        found.note(signal, expected, "overlapping, neither equal nor extended", -0.5, "tokenizer")


def _compare_tensors(child: NodeFacts, parent: NodeFacts, found: EndComparison) -> None:
    """Compare names and shapes, where the headers of both were read."""
    if child.format == "adapter":
        return
    common = [
        name
        for name in child.shapes.keys() & parent.shapes.keys()
        if not any(word in name for word in _VOCABULARY_TENSORS)
    ]
    if len(common) < FEW_TENSORS:
        return
    equal = sum(child.shapes[name] == parent.shapes[name] for name in common)
    seen = f"{equal} of {len(common)}"
    if equal == len(common):
        found.agreeing.append("tensors")
        found.note("tensors.shapes", "the parent's", seen, 1.5)
    else:
        found.note("tensors.shapes", "the parent's", seen, -4.0)
        if not found.changed:
            found.against.append("tensors")


def _compare_families(child: NodeFacts, parent: NodeFacts, found: EndComparison) -> None:
    """Another family by evidence on both sides, with anything else changed, rules descent out."""
    if child.family is None or parent.family is None or child.format == "adapter":
        return
    if child.family == parent.family:
        found.note("family", parent.family, child.family, 0.7)
        return
    other_class = _value(child, "text_model_type") != _value(parent, "text_model_type")
    rows_agree = "vocab_rows" in found.agreeing or "vocabulary" in found.agreeing
    upcycled = set(found.changed) == {"experts"} and found.changed["experts"][0] == 0
    if other_class and not (rows_agree and (upcycled or not found.changed)):
        found.against.append("family")
        found.note("family", parent.family, child.family, -4.0)
    else:
        found.note("family", parent.family, child.family, -1.0)


def _compare_dates(child: NodeFacts, parent: NodeFacts, found: EndComparison) -> None:
    """Of documented parents 99.7 % were uploaded before the child (Model Atlas, 2503.10633)."""
    if child.created_at and parent.created_at and child.created_at < parent.created_at:
        found.note("created_at", f"before {child.created_at}", parent.created_at, -1.5, "listing")
