"""What decoders keep of an encoder: its output in encoder-decoder models, images elsewhere."""

from __future__ import annotations

from typing import Any

from famtree.interchange.cache_kinds import UnseenError, load_caches
from famtree.interchange.cache_layout import CrossCache, KvLayout, LayerCache
from famtree.interchange.cache_numbers import WIDEST, read_integer, read_size
from famtree.types.fingerprint import Architecture


def is_encoder_decoder(config: dict[str, Any], architecture: Architecture) -> bool:
    """Return whether every layer reads an encoder's output, as stated or as its class has it."""
    stated = config.get("is_encoder_decoder")
    if isinstance(stated, bool):
        return stated
    return architecture.model_type in load_caches()["encoder_decoder"]


def read_encoder_decoder(
    text: dict[str, Any], architecture: Architecture, rope: tuple[object, ...]
) -> KvLayout:
    """Return the layout of an encoder-decoder. Raises UnseenError."""
    a = architecture
    count = read_size(a.decoder_layers or a.layers, "the number of decoder layers")
    heads = read_integer(text, ["decoder_attention_heads"]) or a.heads
    heads = read_size(heads, "its heads")
    width = read_integer(text, ["d_kv", "head_dim"])
    if width is None:
        hidden = read_size(a.hidden_size, "its hidden size")
        if hidden % heads:
            raise UnseenError("the width of its heads")
        width = hidden // heads
    kv_heads = read_integer(text, ["num_key_value_heads"]) or heads
    tokens = read_integer(text, load_caches()["encoder_tokens"])
    layer = LayerCache(kv_heads, width, width)
    return KvLayout((layer,) * count, CrossCache(count, kv_heads, width, tokens), rope)


def read_images(text: dict[str, Any], vision: dict[str, Any]) -> tuple[int, int] | None:
    """Return (layers that attend to an image, tokens of one image of all its tiles), or None.

    Raises UnseenError where there are such layers and the size of an image is not stated.
    """
    table = load_caches()["images"]
    where = text.get(table["layers"])
    if not isinstance(where, list) or not where:
        return None
    side, patch = (read_integer(vision, [table[key]]) for key in ("side", "patch"))
    if side is None or patch is None:
        raise UnseenError("the size of its images")
    tokens = ((side // patch) ** 2 + 1) * (read_integer(vision, [table["tiles"]]) or 1)
    if tokens > WIDEST:
        raise UnseenError("the size of its images")
    return len(where), tokens
