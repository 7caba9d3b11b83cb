"""Fingerprints and a small registry for matcher tests."""

from __future__ import annotations

from typing import Any

from famtree.fingerprints.from_traits import fingerprint_traits
from famtree.matchers.classify import Classification, classify
from famtree.matchers.observation import observe
from famtree.registry.load import load_registry

SEVEN_B = {
    "architecture.model_type": "llama",
    "architecture.text_model_type": "llama",
    "architecture.class_name": "LlamaForCausalLM",
    "architecture.layers": 32,
    "architecture.hidden_size": 4096,
    "architecture.heads": 32,
    "architecture.kv_heads": 32,
    "architecture.head_dim": 128,
    "architecture.ffn": 11008,
    "architecture.vocab_rows": 32000,
    "architecture.tied": False,
    "recipe.rope_theta": 10000.0,
    "recipe.rope_type": "default",
    "recipe.norm_eps": 1e-05,
    "recipe.activation": "silu",
    "recipe.context": 4096,
    "recipe.bos_id": 1,
    "recipe.eos_ids": [2],
}
"""Llama 2 7B as its config.json states it."""


def answer(traits: dict[str, Any]) -> Classification:
    """Classify a fingerprint of exactly these traits against the shipped registry."""
    registry = load_registry()
    return classify(observe(fingerprint_traits(traits), registry.generic), registry)


def changed(traits: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a copy with `architecture__layers=...` style changes; None removes."""
    copy = dict(traits)
    for name, value in changes.items():
        key = name.replace("__", ".", 1)
        if value is None:
            copy.pop(key, None)
        else:
            copy[key] = value
    return copy
