"""Arbitrary JSON that looks, here and there, like a config.json."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from famtree.fingerprints.aliases import FLAGS, INTEGERS, NESTED_TEXT, NESTED_VISION, NUMBERS, WORDS
from famtree.fingerprints.defaults import load_defaults, load_dialects

_PLAIN = [
    "model_type", "architectures", "eos_token_id", "rope_scaling", "rope_parameters", "rotary_dim",
    "rope_type", "type", "factor", "original_max_position_embeddings", "full_attention",
    "sliding_attention", "layer_types", "hybrid_override_pattern", "block_configs", "rope_ratio",
    "multi_query_group_num", "multi_query_attention", "multi_query", "use_sliding_window", "alibi",
    "shared_expert_intermediate_size", "layers_block_type", "attn_layers", "quantization_config",
]  # fmt: skip
_KNOWN = sorted(
    {
        step
        for table in (INTEGERS, NUMBERS, FLAGS, WORDS)
        for keys in table.values()
        for key in keys
        for step in key.split(".")
    }
    | {step for key in (*NESTED_TEXT, *NESTED_VISION) for step in key.split(".")}
    | set(_PLAIN)
)
KEYS = st.one_of(st.sampled_from(_KNOWN), st.text(max_size=5))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-2, 300),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["1e-05", "nan", "inf", "torch.bfloat16", "yarn", "\ud800"]),
    st.sampled_from([*sorted(load_defaults())[:40], *load_dialects()]),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=6)),
    max_leaves=25,
)
OBJECTS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(KEYS, VALUES, max_size=14)
