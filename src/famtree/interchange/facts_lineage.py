"""Facts about common descent, as far as hashes, claims and recorded chains tell."""

from __future__ import annotations

from famtree.interchange.pair import Fact, Pair

_SHARING = frozenset(
    {"same-weights", "a-derives-from-b", "b-derives-from-a", "siblings", "related", "shared-init"}
)


def _same_weights(pair: Pair) -> bool | None:
    """Equal only where proved; different for another shape, and for a child of the other."""
    verdict = pair.lineage.verdict
    if verdict == "same-weights":
        return True if pair.lineage.status == "verified" else None
    structure = pair.structure
    if structure.same_shapes is False or structure.same_rows is False:
        return False
    return None if verdict == "undetermined" else False


def _path(pair: Pair) -> str:
    """What is known to lie between the two; `none` says that nothing is known, not that nothing
    does.
    """
    if pair.lineage.verdict == "same-weights":
        return "same"
    if pair.lineage.verdict not in _SHARING:
        return "none"
    return "light" if pair.light_path else "heavy"


LINEAGE_FACTS: dict[str, Fact] = {
    "lineage.verdict": Fact("how the weights are related", lambda p: p.lineage.verdict),
    "lineage.status": Fact("how sure the lineage is", lambda p: p.lineage.status),
    "lineage.reason": Fact("how the weights are related", lambda p: p.lineage.reason or None),
    "lineage.path": Fact("what lies between the two", _path),
    "weights.same": Fact("whether the weights are equal", _same_weights),
}
