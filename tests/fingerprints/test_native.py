from __future__ import annotations

from typing import Any

import pytest

from famtree.fingerprints.native import gated_width, ranks, read_engine_config, read_params

META = {"dim": 4096, "n_layers": 32, "n_heads": 32, "n_kv_heads": 8, "vocab_size": 128256,
        "multiple_of": 1024, "ffn_dim_multiplier": 1.3, "norm_eps": 1e-05,
        "rope_theta": 500000.0, "use_scaled_rope": True}  # fmt: skip
MISTRAL = {"dim": 4096, "n_layers": 32, "head_dim": 128, "hidden_dim": 14336, "n_heads": 32,
           "n_kv_heads": 8, "norm_eps": 1e-05, "vocab_size": 32768, "rope_theta": 1e6}  # fmt: skip
ENGINE = {"architecture": "LlamaForCausalLM", "dtype": "float16", "num_hidden_layers": 32,
          "hidden_size": 4096, "norm_epsilon": 1e-05, "rotary_base": 500000.0, "head_size": 128,
          "mapping": {"world_size": 2}, "quantization": {"quant_algo": "FP8"}}  # fmt: skip


@pytest.mark.parametrize(
    ("dim", "multiple", "factor", "width"),
    [(4096, 256, None, 11008), (4096, 1024, 1.3, 14336), (8192, 4096, 1.3, 28672),
     (2048, 256, 1.5, 8192), (5120, 256, None, 13824)],
)  # fmt: skip
def test_the_width_formula(dim: int, multiple: int, factor: float | None, width: int) -> None:
    """Published intermediate_size of Llama 2 7B, 3 8B, 3 70B, 3.2 1B and 2 13B."""
    params = {"dim": dim, "multiple_of": multiple, "ffn_dim_multiplier": factor}
    assert gated_width(params) == width


def test_params_of_meta() -> None:
    config, layout = read_params(META)
    assert layout == "Meta's params.json"
    assert config["model_type"] == "llama"
    assert (config["hidden_size"], config["intermediate_size"]) == (4096, 14336)
    assert config["rope_scaling"] == {"rope_type": "llama3"}
    old = {key: META[key] for key in ("dim", "multiple_of", "n_heads", "n_layers", "norm_eps")}
    config, _ = read_params({**old, "vocab_size": -1, "multiple_of": 256})
    assert "vocab_size" not in config
    assert (config["intermediate_size"], config["rope_theta"]) == (11008, 10000.0)


def test_params_of_mistral() -> None:
    config, _ = read_params(MISTRAL)
    assert (config["model_type"], config["intermediate_size"]) == ("mistral", 14336)
    experts = {"num_experts": 8, "num_experts_per_tok": 2}
    config, _ = read_params({**MISTRAL, "moe": experts})
    assert (config["model_type"], config["num_experts"]) == ("mixtral", 8)
    yarn = {"factor": 16, "original_max_position_embeddings": 16384, "beta": 32}
    config, _ = read_params({**MISTRAL, "yarn": yarn})
    assert "model_type" not in config
    assert config["rope_scaling"]["factor"] == 16


@pytest.mark.parametrize(
    "odd", [{}, {"dim": 3}, {"learning_rate": 1}, {"model": 3}, {"dim": None, "hidden_dim": []}]
)
def test_params_of_anything_else(odd: dict[str, Any]) -> None:
    assert read_params(odd) == ({}, None)


@pytest.mark.parametrize("odd", ["wide", True, -5, 1 << 60, [1], None])
def test_odd_widths(odd: Any) -> None:
    read_params({**META, "dim": odd, "ffn_dim_multiplier": odd, "multiple_of": odd})


@pytest.mark.parametrize("nested", [False, True])
def test_a_tensorrt_llm_config(nested: bool) -> None:
    stated: dict[str, Any] = {"pretrained_config": ENGINE, "build_config": {}} if nested else ENGINE
    config = read_engine_config(stated)
    assert (config["model_type"], config["architectures"]) == ("llama", ["LlamaForCausalLM"])
    assert (config["rope_theta"], config["rms_norm_eps"], config["head_dim"]) == (5e5, 1e-5, 128)
    assert config["quantization_config"] == {"quant_method": "modelopt", "quant_algo": "FP8"}
    assert ranks(stated) == 2


def test_other_configs_are_left_alone() -> None:
    assert read_engine_config({"architecture": "resnet50"}) == {}
    assert read_engine_config({**ENGINE, "model_type": "llama"}) == {}
    assert ranks({"mapping": 3}) == 1
