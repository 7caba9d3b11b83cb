"""What `famtree compare --expect` asks of a pair, and whether an answer meets it."""

from __future__ import annotations

from famtree.types.comparison import Comparison, Question

_RELATED = frozenset(
    {"same-weights", "a-derives-from-b", "b-derives-from-a", "siblings", "related"}
)
_CHECKED = frozenset({"verified", "consistent"})
"""A claim that nothing was held against is no ground for a green light."""
_DROP_IN: tuple[Question, ...] = ("serve", "chat", "context", "memory", "quantization")


def find_comparison_failure(result: Comparison, expected: str) -> str | None:
    """Return one line saying how `result` fails `expected`, or None when it meets it."""
    pair = f"{result.a.ref} and {result.b.ref}"
    relation = result.relation
    if expected == "same-family":
        if relation.family == "same":
            return None
        return f"expected same-family, but the families of {pair} are {relation.family}"
    if expected == "same-tokenizer":
        if relation.tokenizer == "identical":
            return None
        return f"expected same-tokenizer, but the tokenizers of {pair} are {relation.tokenizer}"
    if expected == "same-lineage":
        lineage = relation.lineage
        if lineage.verdict in _RELATED and lineage.status in _CHECKED:
            return None
        return (
            f"expected same-lineage, but {pair}: {lineage.verdict} ({lineage.status}), "
            f"{lineage.reason}"
        )
    return _find_obstacle(result, pair)


def _find_obstacle(result: Comparison, pair: str) -> str | None:
    """A drop-in needs no condition: serving and chat say yes, and nothing else says no.

    Context, memory and quantization speak of a plan or a machine that may not have been named, so
    what they cannot tell, or tell with a condition, is left to the reader.
    """
    if result.relation.tokenizer != "identical":
        return f"expected drop-in, but the tokenizers of {pair} are {result.relation.tokenizer}"
    for one in result.interchange:
        strict = one.question in ("serve", "chat")
        if one.question not in _DROP_IN or one.answer == "yes":
            continue
        if strict and (one.engine is None or one.answer == "no"):
            return f"expected drop-in, but {one.question} is {one.answer}: {one.reason}"
        if one.answer == "no":
            return f"expected drop-in, but {one.question} is no: {one.reason}"
    return None
