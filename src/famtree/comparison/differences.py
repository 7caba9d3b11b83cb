"""What differs between two checkpoints, what each difference is felt by, the gravest first."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from famtree.files import load_data
from famtree.interchange.structure import StructureComparison
from famtree.interchange.tokens import TokenComparison
from famtree.types.comparison import Difference, Question
from famtree.types.identification import Identification

_DIGESTS = frozenset({"chat_template", "pre_tokenizer", "normalizer", "merges"})
"""Shown by their first digits: that they differ is all they say."""
_SECTIONS = ("architecture", "tokenizer", "recipe")
_SKIPPED = frozenset(
    {
        "digest", "seen_in", "disagreements", "reason", "status", "files", "sketch", "generation",
        "vocabulary", "added", "merges_sorted", "merges_count", "entries", "base_entries",
        "max_id", "added_count", "markers", "model_type", "special_ids",
    }
)  # fmt: skip
"""Bookkeeping, and what `tokens` says in one line."""


@cache
def load_importance() -> dict[str, list[Question]]:
    """Return trait -> questions it matters for, in the order differences are told."""
    table: dict[str, list[Question]] = load_data("comparison/data/traits.json")["traits"]
    return table


def list_differences(
    a: Identification, b: Identification, structure: StructureComparison, tokens: TokenComparison
) -> list[Difference]:
    """Return every trait both show with unequal values, and those only one design has."""
    importance = load_importance()
    order = {name: at for at, name in enumerate(importance)}
    found = [
        Difference.model_construct(
            trait=trait, a=left, b=right, matters_for=importance.get(_short(trait), [])
        )
        for trait, left, right in _walk(a, b, set(structure.differing), tokens)
    ]
    return sorted(found, key=lambda one: (order.get(_short(one.trait), len(order)), one.trait))


def _short(trait: str) -> str:
    return trait.rpartition(".")[2]


def _walk(
    a: Identification, b: Identification, differing: set[str], tokens: TokenComparison
) -> Iterator[tuple[str, Any, Any]]:
    for section in _SECTIONS:
        left, right = getattr(a.fingerprint, section), getattr(b.fingerprint, section)
        if left is None or right is None:
            continue
        for name in type(left).model_fields:
            if name in _SKIPPED:
                continue
            ours, theirs = getattr(left, name), getattr(right, name)
            trait = f"{section}.{name}"
            empty = ours in (None, [], {}) or theirs in (None, [], {})
            if ours == theirs or (empty and trait not in differing):
                continue
            if isinstance(ours, dict) and isinstance(theirs, dict):
                yield from _walk_table(trait, ours, theirs)
            else:
                yield trait, _show(name, ours), _show(name, theirs)
    counts = tokens.counts
    if counts is not None and not counts.a == counts.b == counts.same_id:
        yield "tokenizer.tokens", counts.a, counts.b
    yield from _walk_rest(a, b)


def _walk_table(trait: str, a: dict[str, Any], b: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for key in sorted(a.keys() & b.keys()):
        if a[key] != b[key]:
            yield f"{trait}.{key}", a[key], b[key]


def _walk_rest(a: Identification, b: Identification) -> Iterator[tuple[str, Any, Any]]:
    stored = ["none" if one.quantization is None else _describe(one) for one in (a, b)]
    if stored[0] != stored[1]:
        yield "quantization", stored[0], stored[1]
    if a.checkpoint.format != b.checkpoint.format:
        yield "format", a.checkpoint.format, b.checkpoint.format
    for name in ("parameters", "variant", "size"):
        left, right = getattr(a, name), getattr(b, name)
        if left is not None and right is not None and left != right:
            yield name, left, right


def _describe(one: Identification) -> str:
    stored = one.quantization
    if stored is None:
        return "none"
    bits = f"{stored.bits:g} bit" if stored.bits is not None else ""
    return " ".join(part for part in (stored.method, stored.scheme or "", bits) if part)


def _show(name: str, value: Any) -> Any:
    return value[:12] if name in _DIGESTS and isinstance(value, str) else value
