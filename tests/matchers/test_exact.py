from __future__ import annotations

from famtree.fingerprints.from_traits import fingerprint_traits
from famtree.matchers.exact import match_exactly
from famtree.matchers.recognition import without_digests
from famtree.registry.load import load_registry


def test_every_exemplar_is_its_own_exact_match() -> None:
    registry = load_registry()
    for family in registry.families[::6]:
        for exemplar in family.exemplars:
            found = match_exactly(fingerprint_traits(exemplar.traits), registry)
            assert set(exemplar.answers(family.key)) <= set(found), exemplar.repo


def test_without_digests_nothing_is_exact() -> None:
    registry = without_digests(load_registry())
    exemplar = registry.families[0].exemplars[0]
    assert match_exactly(fingerprint_traits(exemplar.traits), registry) == {}
