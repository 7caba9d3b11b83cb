"""What healthy releases do and a careless check would warn of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checkpoint.consistency.test_planted_faults import find_codes
from healthy_checkpoints import HEALTHY, Parts, build, make_config, make_dense


def _as_qwen3(size: int, hidden: int, head: bool) -> Parts:
    """Qwen3 with the shapes of its 0.6B or 4B; the makers store the head of the small one."""
    layers, ffn, heads = (28, 3072, 16) if size == 0 else (36, 9728, 32)
    config = make_config(
        model_type="qwen3", architectures=["Qwen3ForCausalLM"], hidden_size=hidden,
        intermediate_size=ffn, num_hidden_layers=layers, num_attention_heads=heads,
        num_key_value_heads=8, head_dim=128, vocab_size=151936, tie_word_embeddings=True,
        rms_norm_eps=1e-6, rope_theta=1000000, max_position_embeddings=40960,
        bos_token_id=151643, eos_token_id=151645, attention_bias=False,
    )  # fmt: skip
    tensors: dict[str, Any] = {"model.embed_tokens.weight": ("BF16", (151936, hidden))}
    for at in range(layers):
        stem = f"model.layers.{at}."
        tensors |= {
            f"{stem}self_attn.q_proj.weight": ("BF16", (heads * 128, hidden)),
            f"{stem}self_attn.k_proj.weight": ("BF16", (1024, hidden)),
            f"{stem}self_attn.v_proj.weight": ("BF16", (1024, hidden)),
            f"{stem}self_attn.o_proj.weight": ("BF16", (hidden, heads * 128)),
            f"{stem}self_attn.q_norm.weight": ("BF16", (128,)),
            f"{stem}self_attn.k_norm.weight": ("BF16", (128,)),
            f"{stem}mlp.gate_proj.weight": ("BF16", (ffn, hidden)),
            f"{stem}mlp.up_proj.weight": ("BF16", (ffn, hidden)),
            f"{stem}mlp.down_proj.weight": ("BF16", (hidden, ffn)),
            f"{stem}input_layernorm.weight": ("BF16", (hidden,)),
            f"{stem}post_attention_layernorm.weight": ("BF16", (hidden,)),
        }
    tensors["model.norm.weight"] = ("BF16", (hidden,))
    if head:
        tensors["lm_head.weight"] = ("BF16", (151936, hidden))
    parts = Parts(config, tensors, 1)
    for name in list(parts.json):
        if name != "config.json":
            del parts.json[name]
    return parts


def test_a_head_that_the_maker_stores_twice(tmp_path: Path) -> None:
    assert find_codes(_as_qwen3(0, 1024, head=True).write(tmp_path / "small")) == []
    assert find_codes(_as_qwen3(4, 2560, head=False).write(tmp_path / "base")) == []
    assert find_codes(_as_qwen3(4, 2560, head=True).write(tmp_path / "m")) == ["tied-head-stored"]


def one_file_lists_more_ends(parts: Parts) -> None:
    parts.json["generation_config.json"]["eos_token_id"] = [501, 502, 7]


def the_turn_ends_with_the_eos_token(parts: Parts) -> None:
    table = parts.json["tokenizer_config.json"]
    table["chat_template"] = "{{ m['content'] + '<|im_end|>' + eos_token }}"
    table["eos_token"] = "</s>"
    parts.json["generation_config.json"]["eos_token_id"] = 501


def the_turn_names_another_end(parts: Parts) -> None:
    table = parts.json["tokenizer_config.json"]
    table["chat_template"] = "{{ m['content'] + '<|im_end|>' }}{{ '</s>' }}"
    table["eos_token"] = "</s>"
    parts.json["generation_config.json"]["eos_token_id"] = 501


def branches_begin_alike(parts: Parts) -> None:
    table = parts.json["tokenizer_config.json"]
    table["chat_template"] = (
        "{% if s %}{{ bos_token + s }}{% else %}{{ bos_token }}{% endif %}{{ m }}<|im_end|>"
    )


def mistral_files_beside(parts: Parts) -> None:
    parts.files["consolidated.safetensors"] = dict(parts.tensors)


def a_variant_beside(parts: Parts) -> None:
    parts.files["model.fp16.safetensors"] = dict(parts.tensors)


def an_embedder(parts: Parts) -> None:
    parts.config["tie_word_embeddings"] = False
    for name in parts.find("lm_head.weight"):
        parts.drop(name)
    parts.json["modules.json"] = {"0": "transformers"}


def a_reward_model(parts: Parts) -> None:
    parts.config["architectures"] = ["LlamaForSequenceClassification"]
    for name in parts.find("lm_head.weight"):
        parts.drop(name)
    parts.files[max(parts.files)]["score.weight"] = ("BF16", (1, 64))
    parts.renew()


def no_norm_before_the_first_attention(parts: Parts) -> None:
    for file in parts.files.values():
        for name in [one for one in file if "input_layernorm" in one]:
            tensor = file.pop(name)
            if ".layers.0." not in name:
                file[name.replace("input_layernorm", "attn_norm")] = tensor
    parts.renew()


def rotary_tables_in_every_shard(parts: Parts) -> None:
    for file in parts.files.values():
        file["model.rotary_emb.inv_freq"] = ("F32", (8,))
    assert parts.index is not None
    parts.index["metadata"]["total_size"] += 32 * len(parts.files)


USUAL: tuple[Callable[[Parts], None], ...] = (
    one_file_lists_more_ends, the_turn_ends_with_the_eos_token, the_turn_names_another_end,
    branches_begin_alike, mistral_files_beside, a_variant_beside, an_embedder, a_reward_model,
    no_norm_before_the_first_attention, rotary_tables_in_every_shard,
)  # fmt: skip


@pytest.mark.parametrize("change", USUAL, ids=lambda change: change.__name__)
def test_what_is_usual_is_not_told(change: Callable[[Parts], None], tmp_path: Path) -> None:
    parts = HEALTHY["dense-sharded"]()
    change(parts)

    assert find_codes(parts.write(tmp_path)) == []


def test_fewer_experts_in_one_layer_are_no_loss(tmp_path: Path) -> None:
    parts = HEALTHY["experts"]()
    for name in [one for one in parts.tensors if ".layers.2.mlp.experts.3." in one]:
        parts.drop(name)

    assert "module-missing" not in find_codes(parts.write(tmp_path))


def test_a_model_of_another_depth_is_whole_by_itself(tmp_path: Path) -> None:
    parts = Parts(make_config(num_hidden_layers=6), build(make_dense), 1)

    assert find_codes(parts.write(tmp_path)) == []
