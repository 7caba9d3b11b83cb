"""Recorded digests are those of the recorded traits."""

from __future__ import annotations

from famtree.fingerprints.from_traits import fingerprint_traits
from famtree.registry.load import load_registry


def test_digests_are_those_of_the_traits() -> None:
    stale = [
        exemplar.repo
        for family in load_registry().families
        for exemplar in family.exemplars
        for fingerprint in (fingerprint_traits(exemplar.traits),)
        if exemplar.digests.get("architecture") != fingerprint.architecture.digest
        or exemplar.digests.get("recipe") != fingerprint.recipe.digest
    ]
    assert stale == [], "run scripts/record_digests.py"
