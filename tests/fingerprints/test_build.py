from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.types.fingerprint import Fingerprint
from fingerprints.json_strategies import OBJECTS, VALUES
from fingerprints.vocabularies import UNHURRIED


def build(config: dict[str, Any], **side_files: Any) -> Fingerprint:
    return build_fingerprint(CheckpointFacts(config, side_files))


def test_silent_config_is_completed_by_its_class() -> None:
    found = build({"model_type": "llama", "num_hidden_layers": 2})
    assert found.recipe.rope_theta == 10000.0
    assert found.recipe.seen_in["rope_theta"] == ["default"]


def test_defaults_never_invent_a_shape() -> None:
    """A config that states some shape and lacks the rest is damaged, not standard."""
    assert build({"model_type": "llama", "num_hidden_layers": 2}).architecture.hidden_size is None
    assert build({"model_type": "llama"}).architecture.hidden_size == 4096


def test_a_nested_config_leaves_out_what_its_class_says() -> None:
    """As LLaVA's are written; a width that follows from a stated one is not the class's."""
    outer = {"model_type": "llava_next", "architectures": ["LlavaNextForConditionalGeneration"]}
    text = {"model_type": "mistral", "intermediate_size": 14336, "num_key_value_heads": 8}
    shape = build(outer | {"text_config": text}).architecture
    assert (shape.layers, shape.hidden_size, shape.heads, shape.ffn) == (32, 4096, 32, 14336)
    assert shape.seen_in["layers"] == ["default"]
    text = {"model_type": "llama", "hidden_size": 8192, "num_attention_heads": 64}
    shape = build(outer | {"text_config": text}).architecture
    assert (shape.layers, shape.heads, shape.kv_heads) == (32, 64, 64)
    assert shape.ffn is None
    text = {"model_type": "acme", "hidden_size": 8192}
    assert build(outer | {"text_config": text}).architecture.layers is None


def test_stated_value_goes_before_a_default() -> None:
    assert build({"model_type": "llama", "rope_theta": 5e5}).recipe.rope_theta == 5e5


def test_unknown_class_has_no_defaults() -> None:
    assert build({"model_type": "no_such_model"}).recipe.rope_theta is None


def test_without_a_config_nothing_is_assumed() -> None:
    assert build({}).recipe.seen_in == {}


@pytest.mark.property
@UNHURRIED
@given(OBJECTS, VALUES, VALUES)
def test_any_files_give_a_valid_fingerprint(
    config: dict[str, Any], first: Any, second: Any
) -> None:
    """It is built without validators, so that this is where its types are checked."""
    side = {
        "generation_config.json": first,
        "tokenizer_config.json": second,
        "chat_template.json": first,
        "chat_template.jinja": second,
    }
    found = build_fingerprint(CheckpointFacts(config, side))
    Fingerprint.model_validate(found.model_dump(mode="python", warnings=False))


@pytest.mark.property
@UNHURRIED
@given(OBJECTS)
def test_order_of_keys_does_not_count(config: dict[str, Any]) -> None:
    turned = dict(reversed(config.items()))
    assert build(config).architecture.digest == build(turned).architecture.digest
    assert build(config).recipe.digest == build(turned).recipe.digest
