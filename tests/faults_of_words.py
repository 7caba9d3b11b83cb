"""Faults of config.json and of the files beside a vocabulary, for a healthy checkpoint.

Each damages the parts, or returns False where this design cannot have it.
"""

from __future__ import annotations

from typing import Any

from healthy_checkpoints import LAYERS, ROWS, Parts


def _text(parts: Parts) -> dict[str, Any]:
    config: dict[str, Any] = parts.config.get("text_config", parts.config)
    return config


def fewer_layers_than_config(parts: Parts) -> bool | None:
    if "layer_types" in parts.config:
        return False
    _text(parts)["num_hidden_layers"] = LAYERS + 8
    return None


def more_layers_than_config(parts: Parts) -> bool | None:
    if "layer_types" in parts.config:
        return False
    _text(parts)["num_hidden_layers"] = LAYERS - 1
    return None


def other_hidden_size(parts: Parts) -> bool | None:
    _text(parts)["hidden_size"] = 96
    return None


def other_vocab_size(parts: Parts) -> bool | None:
    _text(parts)["vocab_size"] = ROWS + 64
    return None


def other_heads(parts: Parts) -> bool | None:
    if "quantization_config" in parts.config:
        return False  # packed matrices do not show their widths
    _text(parts)["num_attention_heads"] *= 2
    return None


def other_kv_heads(parts: Parts) -> bool | None:
    if "quantization_config" in parts.config:
        return False
    _text(parts)["num_key_value_heads"] = 4
    return None


def other_ffn(parts: Parts) -> bool | None:
    if "quantization_config" in parts.config or "num_experts" in parts.config:
        return False
    _text(parts)["intermediate_size"] = 160
    return None


def other_expert_width(parts: Parts) -> bool | None:
    if "num_experts" not in parts.config:
        return False
    parts.config["moe_intermediate_size"] = 48
    return None


def other_experts(parts: Parts) -> bool | None:
    if "num_experts" not in parts.config:
        return False
    parts.config["num_experts"] = 8
    return None


def tied_with_a_head(parts: Parts) -> bool | None:
    if "text_config" in parts.config:
        parts.config["text_config"]["tie_word_embeddings"] = True
    parts.config["tie_word_embeddings"] = True
    if not parts.find("lm_head.weight"):
        parts.files[max(parts.files)]["lm_head.weight"] = ("BF16", (ROWS, 64))
        parts.renew()
    return None


def untied_without_a_head(parts: Parts) -> bool | None:
    parts.config["tie_word_embeddings"] = False
    for name in parts.find("lm_head.weight"):
        parts.drop(name)
    return None


def fewer_rows_than_tokens(parts: Parts) -> bool | None:
    for file in parts.files.values():
        for name, (dtype, shape) in list(file.items()):
            if name.endswith(("embed_tokens.weight", "lm_head.weight")):
                file[name] = (dtype, (480, shape[1]))
    _text(parts)["vocab_size"] = 480
    parts.renew()
    return None


def added_token_beyond_the_rows(parts: Parts) -> bool | None:
    added = {"content": "<|new|>", "special": True}
    parts.json["tokenizer_config.json"]["added_tokens_decoder"][str(ROWS)] = added
    parts.json["tokenizer.json"]["added_tokens"].append({"id": ROWS} | added)
    return None


def turn_that_does_not_stop(parts: Parts) -> bool | None:
    parts.json["generation_config.json"]["eos_token_id"] = 501
    parts.json["tokenizer_config.json"]["eos_token"] = "</s>"
    return None


def generation_ends_elsewhere(parts: Parts) -> bool | None:
    parts.json["generation_config.json"]["eos_token_id"] = [502]
    return None


def tokenizer_ends_elsewhere(parts: Parts) -> bool | None:
    del parts.json["tokenizer_config.json"]["chat_template"]
    parts.json["generation_config.json"]["eos_token_id"] = 501
    return None


def template_begins_twice(parts: Parts) -> bool | None:
    table = parts.json["tokenizer_config.json"]
    table["chat_template"] = "{{- '<s>' }}" + table["chat_template"]
    return None


def tokenizer_begins_twice(parts: Parts) -> bool | None:
    single = parts.json["tokenizer.json"]["post_processor"]["single"]
    single.insert(0, dict(single[0]))
    return None
