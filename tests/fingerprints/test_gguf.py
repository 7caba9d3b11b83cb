from __future__ import annotations

import struct
from typing import Any

import pytest

from famtree.fingerprints.gguf import GgufDesign, load_table, read_gguf_design, shorten
from gguf_files import design_of

DENSE = design_of(
    "llama", block_count=32, embedding_length=4096, feed_forward_length=14336,
    attention__head_count=32, attention__head_count_kv=8, context_length=8192,
    attention__layer_norm_rms_epsilon=9.999999747378752e-06, rope__freq_base=500000.0,
    rope__dimension_count=128, vocab_size=128256,
)  # fmt: skip


def read(metadata: dict[str, Any], *names: str, tokens: int | None = None) -> GgufDesign:
    return read_gguf_design(metadata, tokens=tokens, tensor_names=frozenset(names))


def test_keys_become_config_terms() -> None:
    config = read(DENSE).config
    assert config == {
        "num_hidden_layers": 32, "hidden_size": 4096, "intermediate_size": 14336,
        "num_attention_heads": 32, "num_key_value_heads": 8, "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-05, "rope_theta": 500000.0, "vocab_size": 128256, "hidden_act": "silu",
    }  # fmt: skip


def test_an_architecture_of_several_classes_leaves_the_class_open() -> None:
    design = read(DENSE)
    assert "model_type" not in design.config
    assert {"llama", "mistral"} <= set(design.model_types)
    assert read({**DENSE, "llama.expert_count": 8}).model_types[0] == "mixtral"


def test_an_architecture_of_one_class_names_it() -> None:
    assert read(design_of("qwen3moe", expert_count=128)).config == {
        "model_type": "qwen3_moe",
        "num_experts": 128,
    }
    assert read(design_of("some-new")).config == {"model_type": "some_new"}


def test_scaling_baked_into_a_tensor() -> None:
    assert read(DENSE, "rope_freqs.weight").config["rope_scaling"] == {"rope_type": "llama3"}
    long = {**DENSE, "llama.rope.scaling.original_context_length": 4096}
    assert read(long, "rope_factors_long.weight").config["rope_scaling"] == {
        "rope_type": "longrope",
        "original_max_position_embeddings": 4096,
    }
    yarn = {**DENSE, "llama.rope.scaling.type": "yarn", "llama.rope.scaling.factor": 4.0}
    assert read(yarn).config["rope_scaling"] == {"rope_type": "yarn", "factor": 4.0}
    assert "rope_scaling" not in read({**DENSE, "llama.rope.scaling.type": "none"}).config


def test_prediction_blocks_do_not_count_as_layers() -> None:
    assert (
        read(design_of("glm4moe", block_count=47, nextn_predict_layers=1)).config[
            "num_hidden_layers"
        ]
        == 46
    )


def test_latent_attention_is_stored_as_one_head() -> None:
    config = read(
        design_of("deepseek2", attention__head_count=128, attention__head_count_kv=1,
                  attention__kv_lora_rank=512, attention__key_length=576,
                  rope__dimension_count=64)
    ).config  # fmt: skip
    assert (config["num_key_value_heads"], config["qk_rope_head_dim"]) == (128, 64)
    assert "head_dim" not in config


def test_a_list_of_heads_is_a_hybrid() -> None:
    config = read(design_of("lfm2", attention__head_count_kv=[0, 8, 0, 8])).config
    assert config["num_key_value_heads"] == 8
    assert config["layer_types"] == ["recurrent", "attention", "recurrent", "attention"]
    assert "intermediate_size" not in read(design_of("deci", feed_forward_length=[8, 16])).config


def test_heads_are_those_of_the_layers_with_a_window() -> None:
    """config.json states those of the others apart: 512 wide, two keys."""
    stated = design_of(
        "gemma4", attention__head_count=16, attention__head_count_kv=[8, 8, 2],
        attention__key_length=512, attention__key_length_swa=256,
        attention__sliding_window_pattern=[True, True, False],
    )  # fmt: skip
    config = read(stated).config
    assert (config["head_dim"], config["num_key_value_heads"]) == (256, 8)
    odd = {**stated, "gemma4.attention.sliding_window_pattern": [True, [], True, True]}
    assert "num_key_value_heads" not in read(odd).config
    plain = {**stated, "gemma4.attention.head_count_kv": 4}
    del plain["gemma4.attention.key_length_swa"]
    config = read(plain).config
    assert (config["head_dim"], config["num_key_value_heads"]) == (512, 4)


def test_partial_rotation() -> None:
    half = design_of("phi2", embedding_length=2560, attention__head_count=32,
                     rope__dimension_count=32)  # fmt: skip
    assert read(half).config["partial_rotary_factor"] == pytest.approx(0.4)
    assert "partial_rotary_factor" not in read(DENSE).config


def test_token_ids_rows_and_template() -> None:
    metadata = {
        **design_of("qwen2"),
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.padding_token_id": 0,
        "tokenizer.chat_template": "{{ x }}",
    }
    design = read(metadata, tokens=7)
    assert design.chat_template == "{{ x }}"
    assert design.config == {
        "model_type": "qwen2",
        "vocab_size": 7,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }


@pytest.mark.parametrize("odd", [None, "", 3, [], "x" * 10_000])
def test_odd_architectures(odd: Any) -> None:
    read({"general.architecture": odd, "general.type": odd})


def test_odd_values_are_left_out() -> None:
    odd: dict[str, Any] = {}
    for key in load_table()["keys"]:
        odd[f"llama.{key}"] = "a lot"
    odd |= {"llama.rope.scaling.type": 7, "llama.attention.head_count": True}
    assert read({"general.architecture": "llama", **odd}).config == {
        "rope_theta": 10000.0,
        "hidden_act": "silu",
    }
    infinite = design_of("qwen2", rope__freq_base=float("inf"))
    assert read(infinite).config == {"model_type": "qwen2"}


@pytest.mark.parametrize("value", [1e-5, 1e-6, 1e-12, 0.3, 1000042.0, 11158840.0, 2.0**20])
def test_thirty_two_bits_read_back(value: float) -> None:
    (stored,) = struct.unpack("<f", struct.pack("<f", value))
    assert shorten(stored) == value


def test_the_table_hangs_together() -> None:
    table = load_table()
    for entry in table["architectures"].values():
        assert entry["types"]
        assert set(entry) <= {
            "types", "types_with_experts", "assumed", "dropped", "encoder", "linear", "keys",
            "by_window",
        }  # fmt: skip
