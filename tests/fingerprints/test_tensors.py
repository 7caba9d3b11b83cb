from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from famtree.fingerprints.config import normalise_config
from famtree.fingerprints.defaults import load_dialects
from famtree.fingerprints.tensors import observe_tensors
from famtree.types.checkpoint import TensorIndex
from fingerprints.tensors_of import facts, index_of, index_of_fixture

GATED: dict[str, Any] = {"fused_qkv": False, "gated_mlp": True, "qk_norm": False, "qkv_bias": False,
                         "o_bias": False, "mlp_bias": False, "tied": False}  # fmt: skip
LLAMA = {"hidden_size": 4096, "ffn": 14336, "layers": 32, "vocab_rows": 128256, **GATED}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("llama-3.1-8b", LLAMA),
        ("llama-3.1-8b-gptq", LLAMA),
        ("llama-3.1-8b-awq", LLAMA),
        ("llama-3.1-8b-bnb-4bit", LLAMA),
        ("llama-3.1-8b-mlx-4bit", LLAMA),
        ("qwen2.5-7b", {"qkv_bias": True, "o_bias": False, "vocab_rows": 152064, "layers": 28}),
        ("hard-added-rows", {"vocab_rows": 152128}),
        ("qwen3-30b-a3b", {"experts": 128, "expert_ffn": 768, "head_dim": 128, "heads": 32,
                           "kv_heads": 4, "qk_norm": True, "gated_mlp": True, "layers": 48}),
        ("mixtral-8x7b", {"experts": 8, "expert_ffn": 14336, "hidden_size": 4096}),
        ("gemma-2-9b", {"tied": True, "hidden_size": 3584, "vocab_rows": 256000}),
        ("gemma-3-4b-it", {"tied": True, "layers": 34, "hidden_size": 2560, "vision_layers": 27,
                           "vision_hidden_size": 1152, "qk_norm": True, "head_dim": 256, "heads": 8,
                           "kv_heads": 4, "o_bias": False, "mlp_bias": False}),
        ("hard-llava-wrapper", {"layers": 32, "vision_layers": 24, "vision_hidden_size": 1024}),
        ("phi-3-mini-4k", {"fused_qkv": True, "gated_mlp": True, "ffn": 8192}),
        ("deepseek-v3", {"layers": 61, "ffn": 18432, "experts": 256, "expert_ffn": 2048,
                         "shared_experts": 1, "kv_lora_rank": 512, "q_lora_rank": 1536,
                         "qk_rope_head_dim": 64, "vocab_rows": 129280, "tied": False}),
        ("gpt2", {"layers": 12, "fused_qkv": True, "gated_mlp": False, "norm_type": "layernorm",
                  "ffn": 3072, "qkv_bias": True, "o_bias": True, "mlp_bias": True}),
        ("pythia-1.4b", {"layers": 24, "gated_mlp": False, "norm_type": "layernorm", "ffn": 8192}),
        ("olmo-2-7b", {"qk_norm": True, "layers": 32}),
        ("bert-base-uncased", {"layers": 12, "ffn": 3072, "norm_type": "layernorm",
                               "vocab_rows": 30522}),
        ("t5-base", {"encoder_layers": 12, "decoder_layers": 12, "heads": 12, "head_dim": 64,
                     "tied": True, "vocab_rows": 32128}),
        ("whisper-large-v3", {"encoder_layers": 32, "decoder_layers": 32, "tied": True,
                              "hidden_size": 1280, "vocab_rows": 51866}),
        ("gpt-oss-20b", {"experts": 32, "expert_ffn": 2880, "heads": 64, "head_dim": 64,
                         "kv_heads": 8, "qkv_bias": True, "o_bias": True, "gated_mlp": True}),
        ("hard-early-remote-code", {"fused_qkv": True, "layers": 32, "ffn": 11008}),
    ],
)  # fmt: skip
def test_headers_show_the_shapes(name: str, shown: dict[str, Any]) -> None:
    observed = observe_tensors(index_of_fixture(name))
    assert {key: observed.get(key) for key in shown} == shown


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        # Heads of these cannot be told without head_dim, a bare decoder may have lost its head,
        # norms over all heads tell nothing about one.
        ("llama-3.1-8b", ("heads", "kv_heads", "head_dim", "experts", "norm_type")),
        ("olmo-2-7b", ("heads", "kv_heads", "head_dim")),
        ("gpt2", ("tied", "heads")),
        ("bert-base-uncased", ("tied", "encoder_layers")),
        ("deepseek-v3", ("heads", "kv_heads", "head_dim")),
        ("mixtral-8x7b", ("ffn", "shared_experts")),
    ],
)
def test_what_is_not_certain_is_left_out(name: str, hidden: tuple[str, ...]) -> None:
    assert not set(hidden) & observe_tensors(index_of_fixture(name)).keys()


def test_an_adapter_shows_widths_and_claims_no_absence() -> None:
    assert observe_tensors(index_of_fixture("hard-adapter-only")) == {
        "hidden_size": 4096,
        "ffn": 14336,
    }


def partial(index: TensorIndex, *shown: str, names: bool) -> TensorIndex:
    kept = {key: value for key, value in index.tensors.items() if key.startswith(shown)}
    return replace(
        index, tensors=kept, names=index.names if names else frozenset(kept), complete=False
    )


def test_with_all_names_but_few_shapes_absence_is_still_a_fact() -> None:
    index = partial(index_of_fixture("llama-3.1-8b"), "model.layers.3.", names=True)
    observed = observe_tensors(index)

    assert observed["layers"] == 32
    assert observed["hidden_size"] == 4096
    assert observed["ffn"] == 14336
    assert observed["qk_norm"] is False
    assert "vocab_rows" not in observed


def test_without_all_names_absence_is_unknown() -> None:
    index = partial(index_of_fixture("llama-3.1-8b"), "model.layers.3.", names=False)
    observed = observe_tensors(index)

    assert observed == {
        "hidden_size": 4096,
        "ffn": 14336,
        "fused_qkv": False,
        "gated_mlp": True,
    }


def test_gptq_biases_prove_nothing() -> None:
    index = index_of_fixture("llama-3.1-8b-gptq")
    biased = dict(index.tensors)
    for name, tensor in index.tensors.items():
        if name.endswith("o_proj.scales"):
            path = name.removesuffix(".scales")
            biased[f"{path}.bias"] = replace(tensor, name=f"{path}.bias", shape=(4096,))
    observed = observe_tensors(replace(index, tensors=biased, names=frozenset(biased)))

    assert "o_bias" not in observed
    assert observed["mlp_bias"] is False


def test_a_gap_in_the_blocks_leaves_depth_unknown() -> None:
    index = index_of_fixture("llama-3.1-8b")
    kept = {k: v for k, v in index.tensors.items() if not k.startswith("model.layers.5.")}
    assert "layers" not in observe_tensors(replace(index, tensors=kept, names=frozenset(kept)))


def test_widths_that_differ_between_blocks_are_unknown() -> None:
    index = index_of_fixture("llama-3.1-8b")
    odd = dict(index.tensors)
    name = "model.layers.7.mlp.down_proj.weight"
    odd[name] = replace(odd[name], shape=(4096, 7168))
    assert "ffn" not in observe_tensors(replace(index, tensors=odd))


@pytest.mark.parametrize("prefix", ["", "language_model.", "llm.", "thinker.", "base."])
def test_a_wrapper_prefix_changes_nothing(prefix: str) -> None:
    plain = index_of_fixture("qwen2.5-7b")
    moved = {prefix + name: tensor for name, tensor in plain.tensors.items()}
    assert observe_tensors(
        replace(plain, tensors=moved, names=frozenset(moved))
    ) == observe_tensors(plain)


def test_fused_and_separate_experts_look_alike() -> None:
    fused = index_of(
        {
            "model.embed_tokens.weight": "64 32",
            "model.layers.0.input_layernorm.weight": "32",
            "model.layers.0.mlp.gate.weight": "8 32",
            "model.layers.0.mlp.experts.gate_up_proj": "8 48 32",
            "model.layers.0.mlp.experts.down_proj": "8 32 24",
        }
    )
    observed = observe_tensors(fused)
    assert (observed["experts"], observed["expert_ffn"], observed["gated_mlp"]) == (8, 24, True)


def test_state_spaces_and_linear_attention() -> None:
    mamba = index_of(
        {
            "backbone.embeddings.weight": "100 32",
            "backbone.layers.0.norm.weight": "32",
            "backbone.layers.0.mixer.A_log": "F32: 64 16",
            "backbone.layers.0.mixer.in_proj.weight": "128 32",
        }
    )
    linear = index_of(
        {
            "model.layers.0.input_layernorm.weight": "32",
            "model.layers.0.linear_attn.A_log": "F32: 4",
            "model.layers.0.linear_attn.in_proj_qkvz.weight": "96 32",
        }
    )
    assert observe_tensors(mamba)["state_size"] == 16
    assert observe_tensors(mamba)["layers"] == 1
    assert observe_tensors(linear)["linear_heads"] == 4


@pytest.mark.parametrize(("norm", "heads"), [("16", 4), ("64", None)])
def test_a_norm_over_all_heads_tells_nothing_of_one(norm: str, heads: int | None) -> None:
    block = "model.layers.0.self_attn"
    index = index_of(
        {
            "model.layers.0.input_layernorm.weight": "64",
            f"{block}.q_proj.weight": "64 64",
            f"{block}.k_proj.weight": "64 64",
            f"{block}.o_proj.weight": "64 64",
            f"{block}.q_norm.weight": norm,
            f"{block}.k_norm.weight": norm,
        }
    )
    assert observe_tensors(index).get("heads") == heads


def test_nothing_known_says_nothing() -> None:
    assert observe_tensors(TensorIndex()) == {}
    assert observe_tensors(index_of({"x": "2", "0.weight": "3 3", "a.0.b": "1"})) == {}


@pytest.mark.parametrize(
    "name",
    ["llama-3.1-8b", "llama-3.1-70b", "qwen2.5-7b", "qwen3-30b-a3b", "mistral-7b-v0.3",
     "mixtral-8x7b", "gemma-2-9b", "phi-3-mini-4k", "deepseek-v3", "gpt2", "pythia-1.4b",
     "olmo-2-7b", "falcon3-7b", "granite-3.1-8b", "bert-base-uncased", "gpt-oss-20b"],
)  # fmt: skip
def test_header_and_config_of_one_checkpoint_agree(name: str) -> None:
    stated = normalise_config(facts(name)["config"], load_dialects()).values
    observed = observe_tensors(index_of_fixture(name))
    # What the digest skips may differ (see famtree.fingerprints.architecture).
    compared = observed.keys() & stated.keys() - {"ffn", "qkv_bias", "tied", "head_dim"}
    assert {key: observed[key] for key in compared} == {key: stated[key] for key in compared}
    assert compared >= {"hidden_size", "vocab_rows"}


@pytest.mark.corpus
def test_names_of_real_indexes_never_contradict_their_configs(shared: Path) -> None:
    checked = 0
    for path in sorted(shared.glob("corpus/checkpoints/*/model.safetensors.index.json")):
        config = path.with_name("config.json")
        if not config.is_file():
            continue
        weight_map = json.loads(path.read_bytes())["weight_map"]
        stated = normalise_config(json.loads(config.read_bytes()), load_dialects()).values
        observed = observe_tensors(TensorIndex(names=frozenset(weight_map)))
        for field in ("layers", "vision_layers", "qk_norm"):
            if field in observed and field in stated:
                checked += 1
                assert observed[field] == stated[field], (path.parent.name, field)
    assert checked > 25
