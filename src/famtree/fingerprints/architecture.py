"""Architecture signature: the header's word where there is one, the config's otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from famtree.fingerprints.config_traits import ConfigTraits
from famtree.fingerprints.digest import digest
from famtree.types.fingerprint import Architecture, Disagreement

_SKIPPED = frozenset({"digest", "seen_in", "disagreements"})
FIELDS = tuple(name for name in Architecture.model_fields if name not in _SKIPPED)

DIGESTED = (
    "text_model_type", "layers", "hidden_size", "heads", "kv_heads", "head_dim", "ffn", "experts",
    "experts_per_token", "expert_ffn", "vocab_rows", "kv_lora_rank", "q_lora_rank",
    "qk_rope_head_dim", "state_size", "linear_heads", "encoder_layers", "decoder_layers",
    "vision_layers", "vision_hidden_size",
)  # fmt: skip
"""Traits every honest source can give, so that one checkpoint has one digest whether or not its
header was read; header-only traits (biases, norms) are evidence, not identity."""

_NOT_COMPARED = frozenset(
    {"tied", "ffn", "qkv_bias", "kv_lora_rank", "head_dim", "vision_hidden_size"}
)
"""Traits where config and header may differ without either being wrong: lm_head is often saved
although tied, dense and shared-expert widths mix in MoE layers, `attention_bias` means different
projections in different classes, and a packed MLA or vision tower hides its widths."""


def build_architecture(traits: ConfigTraits, observed: Mapping[str, Any]) -> Architecture:
    """Merge what the header shows with what the config says.

    `observed` holds non-None values by field name, read from tensor names and shapes. The header
    is believed; every differing config value is kept as a `Disagreement`.
    """
    values: dict[str, Any] = {}
    seen_in: dict[str, list[str]] = {}
    disagreements: list[Disagreement] = []
    for name in FIELDS:
        stated = traits.values.get(name)
        stated_from = traits.source.get(name, "config")
        seen = observed.get(name)
        if name == "tied" and seen is False and stated is True and stated_from == "config":
            seen = None  # lm_head was saved although it is tied: the config knows better
        if seen is None and stated is None:
            continue
        values[name] = stated if seen is None else seen
        seen_in[name] = ([] if seen is None else ["header"]) + (
            [stated_from] if stated is not None and seen in (None, stated) else []
        )
        conflict = seen is not None and stated is not None and seen != stated
        if conflict and stated_from == "config" and name not in _NOT_COMPARED:
            disagreements.append(
                Disagreement.model_construct(
                    trait=f"architecture.{name}",
                    believed=str(seen),
                    believed_from="header",
                    other=str(stated),
                    other_from=stated_from,
                )
            )
    _complete(values, seen_in)
    return Architecture.model_construct(
        digest=digest({name: values.get(name) for name in DIGESTED}),
        seen_in=seen_in,
        disagreements=disagreements,
        **values,
    )


def _complete(values: dict[str, Any], seen_in: dict[str, list[str]]) -> None:
    """Fill head_dim and kv_heads where arithmetic leaves one possibility."""
    heads, hidden = values.get("heads"), values.get("hidden_size")
    latent = "kv_lora_rank" in values
    if "head_dim" not in values and not latent and heads and hidden and hidden % heads == 0:
        values["head_dim"] = hidden // heads
        seen_in["head_dim"] = ["default"]
    if "kv_heads" not in values and heads:
        values["kv_heads"] = heads
        seen_in["kv_heads"] = ["default"]
