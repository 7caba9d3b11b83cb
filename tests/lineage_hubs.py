"""Small Hubs to walk through: repositories with a config and a card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hub.repository import HubFile
from hub.server import HubServer

CONFIG: dict[str, Any] = {
    "model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "hidden_size": 3584,
    "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4,
    "intermediate_size": 18944, "vocab_size": 152064, "rope_theta": 10000.0,
    "rms_norm_eps": 1e-06, "max_position_embeddings": 131072, "bos_token_id": 151646,
    "eos_token_id": 151643, "hidden_act": "silu", "tie_word_embeddings": False,
}  # fmt: skip
"""A 7B model of the second generation of Qwen, as its config.json states it."""
LLAMA_1: dict[str, Any] = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 4096,
    "num_hidden_layers": 32, "num_attention_heads": 32, "intermediate_size": 11008,
    "vocab_size": 32000, "rms_norm_eps": 1e-06, "max_position_embeddings": 2048,
    "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "tie_word_embeddings": False,
}  # fmt: skip
LLAMA_3: dict[str, Any] = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 4096,
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
    "intermediate_size": 14336, "vocab_size": 128256, "rope_theta": 500000.0,
    "rms_norm_eps": 1e-05, "max_position_embeddings": 131072, "bos_token_id": 128000,
    "eos_token_id": 128001, "hidden_act": "silu", "tie_word_embeddings": False,
    "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                     "high_freq_factor": 4.0, "original_max_position_embeddings": 8192},
}  # fmt: skip
MISTRAL: dict[str, Any] = {
    "model_type": "mistral", "architectures": ["MistralForCausalLM"], "hidden_size": 4096,
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
    "intermediate_size": 14336, "vocab_size": 32000, "rope_theta": 10000.0,
    "rms_norm_eps": 1e-05, "max_position_embeddings": 32768, "sliding_window": 4096,
    "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "tie_word_embeddings": False,
}  # fmt: skip


def add_model(
    hub: HubServer,
    repo: str,
    parent: str | list[str] | None = None,
    *,
    relation: str | None = None,
    config: dict[str, Any] | None = None,
    changes: dict[str, Any] | None = None,
    files: Mapping[str, bytes | HubFile] | None = None,
    license: str | None = None,
    **fields: Any,
) -> None:
    """Add a repository whose card names `parent`; `changes` go into its config.json."""
    card: dict[str, Any] = {} if parent is None else {"base_model": parent}
    if relation is not None:
        card["base_model_relation"] = relation
    if license is not None:
        card["license"] = license
    text = json.dumps({**(CONFIG if config is None else config), **(changes or {})})
    hub.add(repo, {"config.json": text.encode(), **(files or {})}, card=card, **fields)
