"""What `famtree compare --expect` asks of a pair, and whether an answer meets it."""

from __future__ import annotations

from collections.abc import Sequence

from famtree.types.comparison import Comparison, Question

_RELATED = frozenset(
    {"same-weights", "a-derives-from-b", "b-derives-from-a", "siblings", "related"}
)
_CHECKED = frozenset({"verified", "consistent"})
"""A claim that nothing was held against is no ground for a green light."""
_DROP_IN: tuple[Question, ...] = ("serve", "chat", "context", "memory", "quantization")


def find_comparison_failure(
    result: Comparison, expected: str, engines: Sequence[str] = ()
) -> str | None:
    """Return one line saying how `result` fails `expected`, or None when it meets it.

    `engines` are those named on the command line: a drop-in must suit these too.
    """
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
    return _find_obstacle(result, pair, {one.partition("@")[0].lower() for one in engines})


def _find_obstacle(result: Comparison, pair: str, engines: set[str]) -> str | None:
    """A drop-in needs no condition: the same tokens, graph and prompts.

    Context, memory and quantization speak of a plan or a machine that may not have been named, so
    only their no is an obstacle. An engine's conditions are part of its ordinary use.
    """
    if result.relation.tokenizer != "identical":
        return f"expected drop-in, but the tokenizers of {pair} are {result.relation.tokenizer}"
    for one in result.interchange:
        general = one.engine is None
        if one.question not in _DROP_IN or not (general or one.engine in engines):
            continue
        wanted = general and one.question in ("serve", "chat")
        if one.answer == "no" or (wanted and one.answer != "yes"):
            where = "" if general else f" with {one.engine}"
            return f"expected drop-in, but {one.question}{where} is {one.answer}: {one.reason}"
    return None
