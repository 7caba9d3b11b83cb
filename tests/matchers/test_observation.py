from __future__ import annotations

from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.matchers.observation import observe
from famtree.registry.load import load_registry


def test_a_generic_wrapper_is_looked_through() -> None:
    config = {
        "model_type": "llava",
        "architectures": ["LlavaForConditionalGeneration"],
        "text_config": {"model_type": "mistral", "hidden_size": 4096, "num_hidden_layers": 32},
        "vision_config": {"hidden_size": 1024, "num_hidden_layers": 24},
    }
    seen = observe(build_fingerprint(CheckpointFacts(config)), load_registry().generic)
    assert seen.wrapper == "llava"
    assert seen.traits["architecture.model_type"].value == "mistral"
    assert "architecture.class_name" not in seen.traits


def test_a_family_of_its_own_keeps_its_names() -> None:
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64}
    seen = observe(build_fingerprint(CheckpointFacts(config)), load_registry().generic)
    assert seen.wrapper is None
    assert seen.traits["architecture.class_name"].value == "LlamaForCausalLM"
