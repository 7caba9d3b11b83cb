from __future__ import annotations

from typing import Any

import pytest

from famtree.fingerprints.from_traits import fingerprint_traits
from famtree.matchers.classify import classify
from famtree.matchers.observation import observe
from famtree.matchers.variant import find_variant
from famtree.registry.load import load_registry
from matchers.facts import SEVEN_B, changed


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"architecture__class_name": "LlamaForSequenceClassification"}, "reward"),
        ({"recipe__chat_template": "0" * 64}, "instruct"),
        (
            {"recipe__chat_template": "0" * 64, "recipe__chat_markers": ["<think>"]},
            "reasoning",
        ),
        ({"tokenizer__tokenizer_class": "LlamaTokenizer"}, "base"),
        ({"architecture__class_name": "LlamaModel"}, "embedding"),
        ({"architecture__class_name": "LlamaModel", "architecture__wrapper": "oak"}, None),
        ({"architecture__class_name": "LlamaLMHeadModel"}, None),
    ],
)
def test_variant(changes: dict[str, Any], expected: str | None) -> None:
    registry = load_registry()
    fingerprint = fingerprint_traits(changed(SEVEN_B, **changes))
    result = classify(observe(fingerprint, registry.generic), registry)
    assert find_variant(fingerprint, result) == expected


def test_a_model_that_says_it_embeds() -> None:
    registry = load_registry()
    fingerprint = fingerprint_traits(changed(SEVEN_B, recipe__chat_template="0" * 64))
    result = classify(observe(fingerprint, registry.generic), registry)
    assert find_variant(fingerprint, result, embeds=True) == "embedding"
