"""What a diffusers model says of itself, in diffusers' own keys."""

from __future__ import annotations

from typing import Any

from famtree.fingerprints.config_traits import ConfigTraits

CLASS = "_class_name"
CONTEXT_WIDTHS = (
    "encoder_hid_dim", "caption_channels", "joint_attention_dim", "cross_attention_dim",
    "text_embed_dim", "text_dim", "text_hidden_dim", "cap_feat_dim", "conditioning_dim",
)  # fmt: skip
"""Keys for the width of the text states, those before a projection first."""


def apply_denoiser(config: dict[str, Any], traits: ConfigTraits) -> None:
    """Read a config that diffusers wrote: class, width, depth and the width of its text states."""
    class_name = config.get(CLASS)
    if not isinstance(class_name, str) or not class_name:
        return
    _set(traits, "class_name", class_name[:256])
    channels = config.get("block_out_channels")
    heads = _integer(config.get("num_attention_heads"))
    width = _integer(config.get("attention_head_dim"))
    if isinstance(channels, list) and channels:
        # Of a U-Net `attention_head_dim` is the number of heads, whatever it is called.
        traits.values.pop("head_dim", None)
        _set(traits, "layers", len(channels))
        _set(traits, "hidden_size", _integer(channels[-1]))
    elif heads and width:
        _set(traits, "hidden_size", heads * width)
    for key in CONTEXT_WIDTHS:
        if _integer(config.get(key)):
            _set(traits, "context_width", config[key])
            break
    if "qk_norm" in config:
        _set(traits, "qk_norm", bool(config["qk_norm"]))


def _set(traits: ConfigTraits, name: str, value: Any) -> None:
    if value is not None:
        traits.values[name] = value
        traits.source[name] = "config"


def _integer(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 < value <= 2**53 else None
