"""The name of a published design rules out whom it does not belong to, and may be all there is."""

from __future__ import annotations

from typing import Any

import pytest

from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.fingerprints.defaults import load_defaults
from famtree.matchers.classify import Classification, classify
from famtree.matchers.observation import observe
from famtree.registry.load import load_registry
from matchers.facts import SEVEN_B, answer, changed


def name(model_type: str, class_name: str | None = None) -> dict[str, Any]:
    return changed(
        SEVEN_B,
        architecture__model_type=model_type,
        architecture__text_model_type=model_type,
        architecture__class_name=class_name,
    )


def ask(config: dict[str, Any]) -> Classification:
    registry = load_registry()
    return classify(observe(build_fingerprint(CheckpointFacts(config)), registry.generic), registry)


@pytest.mark.parametrize(
    ("model_type", "class_name"),
    [
        ("granite", "GraniteForCausalLM"),  # another family's design
        ("jetmoe", "JetMoeForCausalLM"),  # one that transformers knows and the registry does not
        ("EvollaModel", "EvollaForProteinText2Text"),
    ],
)
def test_a_design_of_its_own_is_no_llama_of_that_shape(model_type: str, class_name: str) -> None:
    result = answer(name(model_type, class_name))
    assert result.family is None or result.family.key != "llama"


@pytest.mark.parametrize("class_name", ["GraniteForCausalLM", "GraniteModel"])
def test_a_design_of_its_own_is_none_that_it_has_all_but_the_name_of(class_name: str) -> None:
    """Granite's class defaults are LLaMA's, number by number."""
    config = {
        "model_type": "granite", "architectures": [class_name],
        "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 32, "intermediate_size": 11008, "vocab_size": 32000,
        "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "max_position_embeddings": 2048,
        "hidden_act": "silu", "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": False,
    }  # fmt: skip
    result = ask(config)
    assert result.family is None or result.family.key == "granite"
    result = ask(config | {"model_type": "llama", "architectures": ["LlamaForCausalLM"]})
    assert result.family is not None
    assert result.family.key == "llama"


def test_a_made_up_name_leaves_the_shape_to_speak() -> None:
    result = answer(name("acme", "AcmeForCausalLM"))
    assert "llama" in {one.family for one in result.candidates}


@pytest.mark.parametrize(
    ("model_type", "family"),
    [("granitemoe", "granite"), ("exaone4", "exaone"), ("hyperclovax", "hyperclovax")],
)
def test_a_config_that_has_only_a_name_is_of_that_name(model_type: str, family: str) -> None:
    """Nothing of it comes from weights: who it belongs to is all that can be said."""
    result = ask(
        {"model_type": model_type, "architectures": load_defaults()[model_type]["classes"][:1]}
    )
    assert result.family is not None
    assert result.family.key == family
    assert result.confidence < 0.8
    assert {one.signal for one in result.evidence} <= {
        "architecture.model_type", "architecture.text_model_type", "architecture.class_name",
    }  # fmt: skip


def test_a_name_that_two_families_have_is_a_choice_between_them() -> None:
    result = ask({"model_type": "gpt_bigcode", "architectures": ["GPTBigCodeForCausalLM"]})
    assert result.outcome == "ambiguous"
    assert {one.family for one in result.candidates} == {"granite", "starcoder"}


def test_the_class_has_to_belong_to_the_name() -> None:
    """Grok-2 calls itself `git`, the name of another design; its class tells the two apart."""
    result = ask({"model_type": "git", "architectures": ["GitForCausalLM"]})
    assert result.outcome == "unknown"


def test_one_value_of_its_own_is_enough_to_be_weighed() -> None:
    stated = {"model_type": "granitemoe", "vocab_size": 77777, "hidden_size": 4096}
    assert ask({**stated, "num_hidden_layers": 32}).family is None


def test_scaling_starts_where_training_ended() -> None:
    scaled = changed(SEVEN_B, recipe__rope_type="linear", recipe__rope_factor=4.0)
    assert not scaled_from(4096, scaled).contradictions
    assert scaled_from(12345, scaled).contradictions


def scaled_from(context: int, traits: dict[str, Any]) -> Any:
    best = answer(changed(traits, recipe__rope_original_context=context)).best
    assert best is not None
    return best


def test_learned_positions_end_where_training_did() -> None:
    clip = {
        "architecture.model_type": "clip", "architecture.text_model_type": "clip_text_model",
        "architecture.class_name": "CLIPModel", "architecture.vocab_rows": 49408,
        "architecture.layers": 12, "architecture.hidden_size": 768, "architecture.heads": 12,
        "architecture.ffn": 3072, "recipe.activation": "quick_gelu", "recipe.context": 77,
    }  # fmt: skip
    assert answer(clip).confidence >= 0.9
    longer = answer(changed(clip, recipe__context=4096))
    assert longer.confidence < 0.9
    assert longer.best is not None
    assert [one.signal for one in longer.best.contradictions] == ["recipe.context"]


def test_a_name_of_its_own_does_not_speak_for_the_recipe_of_another() -> None:
    """A vision model on Llama 3 with the context of Llama 3.1 was never released."""
    config = {
        "model_type": "minicpmv", "architectures": ["MiniCPMV"], "hidden_size": 4096,
        "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
        "intermediate_size": 14336, "vocab_size": 128256, "rms_norm_eps": 1e-5,
        "rope_theta": 500000.0, "max_position_embeddings": 8192, "hidden_act": "silu",
        "bos_token_id": 128000, "eos_token_id": 128001,
    }  # fmt: skip
    assert ask(config).confidence >= 0.9
    longer = ask(config | {"max_position_embeddings": 131072})
    assert longer.family is not None
    assert longer.confidence < 0.9
