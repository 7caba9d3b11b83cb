"""Does the fingerprint equal that of a published checkpoint on record?"""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

from famtree.registry.registry import Registry
from famtree.types.family import Exemplar
from famtree.types.fingerprint import Fingerprint
from famtree.types.identification import Evidence

GAIN = 2.5
"""Equal architecture and recipe digests: the same released configuration. It is moderate on
purpose, since an equal configuration is a design shared, not weights shared."""
GAIN_WITH_TOKENIZER = 4.0


class ExactMatch(Struct, frozen=True):
    """The exemplar whose digests are equal, and what that is worth."""

    exemplar: Exemplar
    weight: float
    evidence: Evidence


def match_exactly(
    fingerprint: Fingerprint, registry: Registry
) -> dict[tuple[str, str], ExactMatch]:
    """Return the best equal exemplar of each generation that has one."""
    architecture = fingerprint.architecture.digest
    recipe = fingerprint.recipe.digest
    tokenizer = fingerprint.tokenizer.digest if fingerprint.tokenizer else None
    found: dict[tuple[str, str], ExactMatch] = {}
    for family, exemplar in _sort_by_digests(registry).get((architecture, recipe), ()):
        known = exemplar.digests.get("tokenizer")
        full = known is not None and known == tokenizer
        weight = GAIN_WITH_TOKENIZER if full else GAIN
        for key in exemplar.answers(family):
            if key not in found or found[key].weight < weight:
                found[key] = ExactMatch(exemplar, weight, _describe(exemplar, full, weight))
    return found


@lru_cache(maxsize=2)
def _sort_by_digests(
    registry: Registry,
) -> dict[tuple[str | None, str | None], list[tuple[str, Exemplar]]]:
    """Return exemplars, with their families' keys, by architecture and recipe digest."""
    sorted_out: dict[tuple[str | None, str | None], list[tuple[str, Exemplar]]] = {}
    for family in registry.families:
        for exemplar in family.exemplars:
            digests = exemplar.digests.get("architecture"), exemplar.digests.get("recipe")
            sorted_out.setdefault(digests, []).append((family.key, exemplar))
    return sorted_out


def _describe(exemplar: Exemplar, full: bool, weight: float) -> Evidence:
    what = "architecture, recipe and tokenizer" if full else "architecture and recipe"
    return Evidence.model_construct(
        signal="digests",
        source="config",
        expected=exemplar.repo,
        seen=f"equal {what} digests",
        supports=True,
        weight=weight,
    )
