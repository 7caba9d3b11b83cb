"""Small Hubs to walk through: repositories with a config and a card."""

from __future__ import annotations

import json
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


def add_model(
    hub: HubServer,
    repo: str,
    parent: str | list[str] | None = None,
    *,
    relation: str | None = None,
    files: dict[str, bytes | HubFile] | None = None,
    changes: dict[str, Any] | None = None,
    **fields: Any,
) -> None:
    """Add a repository whose card names `parent`; `changes` go into its config.json."""
    config = {**CONFIG, **(changes or {})}
    card: dict[str, Any] = {} if parent is None else {"base_model": parent}
    if relation is not None:
        card["base_model_relation"] = relation
    held = {"config.json": json.dumps(config).encode(), **(files or {})}
    hub.add(repo, held, card=card, **fields)
