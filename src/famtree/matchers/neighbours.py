"""Which families on record come nearest to checkpoints, and what tells them apart."""

from __future__ import annotations

from collections.abc import Sequence

from famtree.matchers.conditions import Fit
from famtree.matchers.observation import observe
from famtree.matchers.rules import RuleMatch, match_rules
from famtree.registry.registry import Registry
from famtree.types.fingerprint import Fingerprint

MOST = 3


def find_neighbours(
    fingerprints: Sequence[Fingerprint], registry: Registry
) -> dict[str, list[str]]:
    """Return `family/generation` of the families that `fingerprints` resemble, the nearest first.

    With the traits in which none of them is as the nearest rule of that family demands.
    """
    nearest: dict[str, list[RuleMatch]] = {}
    for fingerprint in fingerprints:
        best: dict[str, RuleMatch] = {}
        for match in match_rules(observe(fingerprint, registry.generic), registry):
            key = match.family.key
            if key not in best or match.score > best[key].score:
                best[key] = match
        for key, match in best.items():
            nearest.setdefault(key, []).append(match)
    scores = {key: sum(one.score for one in found) for key, found in nearest.items()}
    told = {}
    near = [key for key, score in scores.items() if score > 0]
    for key in sorted(near, key=lambda key: -scores[key])[:MOST]:
        matches = nearest[key]
        misfits = [
            {one.name: None for one in match.judgements if one.fit is Fit.MISFITS}
            for match in matches
        ]
        shared = [name for name in misfits[0] if all(name in other for other in misfits)]
        told[f"{key}/{matches[0].generation.key}"] = shared
    return told
