"""Facts about common descent, as far as hashes, claims and recorded chains tell."""

from __future__ import annotations

from famtree.interchange.pair import Fact, Pair

_SHARING = frozenset(
    {"same-weights", "a-derives-from-b", "b-derives-from-a", "siblings", "related", "shared-init"}
)


def _same_weights(pair: Pair) -> bool | None:
    """Equal weights only where proved; a child's weights differ, whatever the config says."""
    verdict = pair.lineage.verdict
    if verdict == "same-weights":
        return True if pair.lineage.status == "verified" else None
    return None if verdict == "undetermined" else False


def _common_base(pair: Pair) -> bool | None:
    verdict = pair.lineage.verdict
    if verdict == "undetermined":
        return None
    return verdict in _SHARING


LINEAGE_FACTS: dict[str, Fact] = {
    "lineage.verdict": Fact("how the weights are related", lambda p: p.lineage.verdict),
    "lineage.status": Fact("how sure the lineage is", lambda p: p.lineage.status),
    "lineage.reason": Fact("how the weights are related", lambda p: p.lineage.reason or None),
    "lineage.light": Fact("whether only light training lies between", lambda p: p.light_path),
    "lineage.common": Fact("whether both go back to one base", _common_base),
    "weights.same": Fact("whether the weights are equal", _same_weights),
}
