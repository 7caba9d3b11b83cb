"""What `famtree compare --expect` asks of a pair, and whether an answer meets it."""

from __future__ import annotations

from collections.abc import Sequence

from famtree.comparison.replacement import find_obstacle
from famtree.types.comparison import Comparison

_RELATED = frozenset(
    {"same-weights", "a-derives-from-b", "b-derives-from-a", "siblings", "related"}
)
_CHECKED = frozenset({"verified", "consistent"})
"""A claim that nothing was held against is no ground for a green light."""


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
    named = {one.partition("@")[0].lower() for one in engines}
    obstacle = find_obstacle(relation.tokenizer, result.interchange, named)
    return None if obstacle is None else f"expected drop-in, but of {pair} {obstacle}"
