"""One table from the many spellings of config.json to transformers' current names.

Each trait lists its keys in order of trust; the first one present and of the right type wins.
A dot walks into a nested table (`attn_config.kv_n_heads`). Spellings are those of released
checkpoints: transformers' own classes, early remote code, Meta's and Mistral's `params.json`.
"""

from __future__ import annotations

from typing import Any

NESTED_TEXT = (
    "text_config",
    "llm_config",
    "language_config",
    "language_model_config",
    "thinker_config.text_config",
    "talker_config.text_config",
    "model_config",
)
"""Where a wrapper keeps the config of its language tower, most common first."""

NESTED_VISION = ("vision_config", "vision_tower_config", "thinker_config.vision_config", "visual")

INTEGERS: dict[str, tuple[str, ...]] = {
    "layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "decoder_layers"),
    "hidden_size": (
        "hidden_size",
        "n_embd",
        "n_embed",
        "d_model",
        "hidden_dim_size",
        "dim",
        "embed_dim",
        "num_features",
    ),
    "heads": (
        "num_attention_heads",
        "n_head",
        "n_heads",
        "num_heads",
        "decoder_attention_heads",
        "encoder_attention_heads",
    ),
    "kv_heads": (
        "num_key_value_heads",
        "num_kv_heads",
        "n_head_kv",
        "n_kv_heads",
        "attn_config.kv_n_heads",
        "num_attention_groups",
    ),
    "head_dim": ("head_dim", "kv_channels", "attention_head_dim", "d_kv", "head_size"),
    "ffn": (
        "block_ff_dim",
        "intermediate_size",
        "ffn_hidden_size",
        "ffn_dim",
        "n_inner",
        "d_ff",
        "ffn_config.ffn_hidden_size",
        "decoder_ffn_dim",
        "encoder_ffn_dim",
        "hidden_dim",
        "intermediate_dim",
    ),
    "experts": (
        "num_local_experts",
        "num_experts",
        "n_routed_experts",
        "moe_num_experts",
        "num_routed_experts",
        "ffn_config.moe_num_experts",
        "moe.num_experts",
    ),
    "experts_per_token": (
        "num_experts_per_tok",
        "num_experts_per_token",
        "moe_topk",
        "moe_top_k",
        "moe_k",
        "top_k_experts",
        "num_selected_experts",
        "ffn_config.moe_top_k",
        "moe.num_experts_per_tok",
    ),
    "expert_ffn": (
        "moe_intermediate_size",
        "expert_intermediate_size",
        "moe_ffn_hidden_size",
        "expert_ffn_hidden_size",
        "expert_dim",
    ),
    "shared_experts": ("n_shared_experts", "num_shared_experts", "moe_num_shared_experts"),
    "vocab_rows": ("vocab_size", "padded_vocab_size", "n_vocab"),
    "kv_lora_rank": ("kv_lora_rank",),
    "q_lora_rank": ("q_lora_rank",),
    "qk_rope_head_dim": ("qk_rope_head_dim",),
    "state_size": ("ssm_state_size", "state_size", "mamba_d_state", "ssm_cfg.d_state", "d_state"),
    "linear_heads": ("linear_num_value_heads", "linear_attn_config.num_heads"),
    "encoder_layers": ("encoder_layers", "num_encoder_layers"),
    "decoder_layers": ("decoder_layers", "num_decoder_layers"),
    "context": (
        "max_position_embeddings",
        "n_positions",
        "max_sequence_length",
        "max_seq_len",
        "seq_length",
        "n_ctx",
        "max_target_positions",
        "context_length",
        "max_seq_length",
    ),
    "sliding_window": ("sliding_window", "sliding_window_size", "local_attention", "window_size"),
    "bos_id": ("bos_token_id",),
    "pad_id": ("pad_token_id",),
}

NUMBERS: dict[str, tuple[str, ...]] = {
    "rope_theta": (
        "rope_theta",
        "rotary_emb_base",
        "rope_base",
        "rotary_base",
        "global_rope_theta",
        "attn_config.rope_theta",
    ),
    "rope_local_theta": ("rope_local_base_freq", "local_rope_theta", "swa_rope_theta"),
    "partial_rotary": ("partial_rotary_factor", "rotary_pct", "rope_pct", "rotary_percent"),
    "norm_eps": (
        "rms_norm_eps",
        "layer_norm_eps",
        "layer_norm_epsilon",
        "layernorm_epsilon",
        "norm_epsilon",
        "norm_eps",
        "layernorm_eps",
        "rms_norm_epsilon",
    ),
    "logit_cap": ("final_logit_softcapping",),
    "attention_cap": ("attn_logit_softcapping",),
    "embedding_scale": ("embedding_multiplier", "scale_emb", "embedding_scale"),
    "residual_scale": ("residual_multiplier", "scale_depth"),
    "logit_scale": ("logits_scaling", "logit_scale", "lm_head_multiplier"),
}

FLAGS: dict[str, tuple[str, ...]] = {
    "tied": ("tie_word_embeddings", "tie_embeddings"),
    "qk_norm": ("qk_layernorm", "use_qk_norm", "qk_norm", "use_qk_layernorm"),
    "qkv_bias": ("qkv_bias", "add_qkv_bias", "attention_bias", "use_qkv_bias"),
    "mlp_bias": ("mlp_bias",),
}

WORDS: dict[str, tuple[str, ...]] = {
    "activation": (
        "hidden_act",
        "hidden_activation",
        "activation_function",
        "mlp_hidden_act",
        "feed_forward_proj",
        "activation_type",
        "hidden_activation_function",
    ),
    "dtype": ("dtype", "torch_dtype"),
}

ACTIVATION_SYNONYMS = {
    "swish": "silu",
    "swiglu": "silu",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_new": "gelu_tanh",
    "gated-gelu": "gelu_tanh",
    "gelu_python": "gelu",
}
"""Different words for one function; gelu's tanh approximations are one function to 1e-3."""


def look_up(config: dict[str, Any], key: str) -> Any:
    """Return the value at a dotted key, or None when a step is absent or not a table."""
    found: Any = config
    for step in key.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(step)
    return found
