"""How an answer to a class default is judged; making them needs transformers itself."""

from __future__ import annotations

from typing import Any

from conftest import ROOT, load_module

BENCHMARK = load_module(ROOT / "benchmarks" / "class_defaults.py")


def verdict(model_type: str, **config: Any) -> str:
    stated = {"model_type": model_type, "architectures": None, **config}
    found: str = BENCHMARK.judge(model_type, stated)[0]
    return found


def test_a_type_on_record_is_named() -> None:
    shape = {"depths": [3, 4, 6, 3], "hidden_sizes": [256, 512, 1024, 2048], "hidden_act": "relu"}
    assert verdict("resnet", architectures=["ResNetModel"], **shape) == "named"


def test_a_type_on_record_that_is_not_settled_is_missed() -> None:
    assert verdict("qwen3", hidden_size=7, vocab_size=7, rope_theta=7.0) == "missed"


def test_a_type_that_two_families_have_is_open() -> None:
    assert verdict("gpt_bigcode", architectures=["GPTBigCodeForCausalLM"]) == "open"


def test_a_type_that_nobody_has_is_unknown() -> None:
    assert verdict("oak", architectures=["OakForCausalLM"], hidden_size=7) == "unknown"


def test_a_family_without_any_of_the_names_is_another() -> None:
    shape = {
        "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
        "intermediate_size": 11008, "vocab_size": 32000, "rms_norm_eps": 1e-5,
        "max_position_embeddings": 4096, "bos_token_id": 1, "eos_token_id": 2,
        "hidden_act": "silu", "tie_word_embeddings": False, "rope_theta": 10000.0,
    }  # fmt: skip
    assert verdict("llama", architectures=["LlamaForCausalLM"], **shape) == "named"
    assert verdict("oak", architectures=["OakForCausalLM"], **shape) in ("unknown", "as_another")


def test_a_language_model_in_a_wrapper_is_wrapped() -> None:
    text = {
        "model_type": "qwen3", "hidden_size": 1024, "num_hidden_layers": 28,
        "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128,
        "intermediate_size": 3072, "vocab_size": 151936, "rms_norm_eps": 1e-6,
        "rope_theta": 1000000.0, "max_position_embeddings": 40960, "hidden_act": "silu",
    }  # fmt: skip
    config = {"text_config": text, "architectures": ["AcmeForConditionalGeneration"]}
    assert verdict("acme", **config) == "wrapped"
