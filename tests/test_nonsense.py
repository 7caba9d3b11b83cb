"""What cannot exist gets no confident answer, and what does exist still does."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from conftest import ROOT, load_module
from famtree.registry.load import load_registry
from famtree.registry.registry import Registry

NONSENSE = load_module(ROOT / "benchmarks" / "nonsense.py")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def test_no_nonsense_is_identified_with_confidence(registry: Registry) -> None:
    findings = NONSENSE.ask(registry)
    assert len(findings) == 200
    assert [
        (one.case.kind, one.case.name, one.answer, one.confidence)
        for one in NONSENSE.list_confident(findings)
    ] == []


def test_every_kind_is_asked_in_equal_numbers(registry: Registry) -> None:
    kinds = Counter(case.kind for case in NONSENSE.Workshop(registry, 7).make(70))
    assert len(kinds) == 7
    assert set(kinds.values()) == {10}


def test_a_seed_makes_the_same_nonsense(registry: Registry) -> None:
    first, again = (NONSENSE.Workshop(registry, 5).make(14) for _ in range(2))
    assert first == again
    assert NONSENSE.Workshop(registry, 6).make(14) != first


def test_made_up_designs_get_no_family(registry: Registry) -> None:
    for case in NONSENSE.Workshop(registry, 3).make(28):
        if case.kind == "invented":
            assert _answer(case.fingerprint, registry) is None


def test_confident_nonsense_would_be_found(registry: Registry) -> None:
    finding = NONSENSE.ask(registry, count=1)[0]
    sure = replace(finding, answer="oak/oak-1", confidence=0.9)
    unsure = replace(finding, answer="oak/oak-1", confidence=0.89)
    nobody = replace(finding, answer=None, confidence=0.99)
    assert NONSENSE.list_confident([unsure, sure, nobody]) == [sure]


def test_the_material_itself_is_recognised(registry: Registry) -> None:
    """Else the nonsense made of it would prove nothing."""
    family = registry.by_key["qwen"]
    exemplar = next(one for one in family.exemplars if one.relation == "base")
    fingerprint = NONSENSE.fingerprint_traits(exemplar.traits)
    assert _answer(fingerprint, registry) == "qwen"


def _answer(fingerprint: object, registry: Registry) -> str | None:
    observation = NONSENSE.observe(fingerprint, registry.generic)
    result = NONSENSE.classify(observation, registry)
    return None if result.family is None else str(result.family.key)


def test_a_family_that_ships_this_very_decoder_lends_no_name(registry: Registry) -> None:
    family = registry.by_key["minicpm-v"]
    size = next(
        one for entry in family.generations for one in entry.sizes if one.name == "8B-Qwen3"
    )
    names = ("layers", "hidden_size", "heads", "kv_heads", "ffn", "vocab_rows")
    body = {f"architecture.{name}": getattr(size, name) for name in names} | {
        "recipe.rope_theta": 1e6, "recipe.norm_eps": 1e-6, "recipe.context": 40960,
        "recipe.bos_id": 151643, "recipe.eos_ids": [151645],
    }  # fmt: skip
    assert NONSENSE._is_built_on(family, body)
    for name, other in (("layers", 35), ("vocab_rows", 128256)):
        assert not NONSENSE._is_built_on(family, body | {f"architecture.{name}": other})
    assert not NONSENSE._is_built_on(family, body | {"recipe.rope_theta": 5e6})
    assert not NONSENSE._is_built_on(registry.by_key["llama"], body)
