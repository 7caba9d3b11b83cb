"""The cache layout of a checkpoint, read off its config; see `cache_layout` for what it holds.

Nothing is guessed: a config that leaves out what the size depends on gives `UnknownLayout` with
the missing facts. Only what the class itself fills in (transformers' own defaults) is filled in.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from famtree.fingerprints.aliases import INTEGERS, look_up
from famtree.fingerprints.config import find_text_config
from famtree.fingerprints.defaults import default_traits
from famtree.interchange.cache_kinds import UnseenError, load_caches, read_kinds
from famtree.interchange.cache_layout import CrossCache, KvLayout, LayerCache
from famtree.interchange.cache_state import read_state
from famtree.types.fingerprint import Architecture, Recipe

WIDEST = 2**24
"""Larger widths and head counts occur in no released config."""


class UnknownLayout(Struct, frozen=True):
    """The layout cannot be told; `missing` completes `cannot be told without knowing ...`."""

    missing: str


def read_kv_layout(
    config: dict[str, Any], architecture: Architecture, recipe: Recipe
) -> KvLayout | None:
    """Return the layout, or None where it cannot be told."""
    found = find_kv_layout(config, architecture, recipe)
    return found if isinstance(found, KvLayout) else None


def find_kv_layout(
    config: dict[str, Any], architecture: Architecture, recipe: Recipe
) -> KvLayout | UnknownLayout:
    """Return the layout, or what is missing to tell it.

    `config` is config.json as decoded (a GGUF header in its terms), `architecture` and `recipe`
    the signatures of the same checkpoint: what its header showed is in them.
    """
    if not config:
        return UnknownLayout("its config.json")
    text = find_text_config(config)
    table = load_caches()
    types = {architecture.model_type, architecture.text_model_type} - {None}
    if types & set(table["encoders"]) and text.get("is_decoder") is not True:
        return KvLayout(())
    for key in table["not_described"]:
        if text.get(key) is not None:
            return UnknownLayout(f"what a cache with {key} holds")
    try:
        return _Reader(text, config, architecture, recipe).read()
    except UnseenError as unseen:
        return UnknownLayout(str(unseen))


class _Reader:
    """One config being read."""

    def __init__(
        self,
        text: dict[str, Any],
        config: dict[str, Any],
        architecture: Architecture,
        recipe: Recipe,
    ) -> None:
        self._text = text
        self._config = config
        self._architecture = architecture
        self._recipe = recipe
        self._defaults = default_traits(architecture.text_model_type)
        self._table = load_caches()

    def read(self) -> KvLayout:
        """Return the layout. Raises UnseenError."""
        if self._is_encoder_decoder():
            return self._read_encoder_decoder()
        if look_up(self._text, self._table["index"]["key"]) is not None and not self._latent():
            raise UnseenError("how the keys of its sparse index are stored")
        window = self._window()
        kinds = read_kinds(
            self._text, self._architecture.text_model_type, self._architecture.layers, window
        )
        layers = [self._layer(kind, at, window) for at, kind in enumerate(kinds)]
        return KvLayout(tuple(self._share(layers)), rope=self._rope())

    def _rope(self) -> tuple[object, ...]:
        r = self._recipe
        return (
            r.position, r.rope_theta, r.rope_type, r.rope_factor, r.rope_original_context,
            r.rope_local_theta, r.partial_rotary,
        )  # fmt: skip

    def _window(self) -> int | None:
        """Return the sliding window: the recipe's, which already heeds the flags of the config.

        A config that does not name one at all gets its class's; one that says null has none.
        """
        window = self._recipe.sliding_window
        if window is None:
            window = self._integer(self._text, self._table["windows"])
        if window is None and not any(key in self._text for key in INTEGERS["sliding_window"]):
            stated = self._defaults.get("sliding_window")
            window = stated if type(stated) is int else None
        return window if window and window > 0 else None

    def _layer(self, kind: str, at: int, window: int | None) -> LayerCache:
        if kind == "none":
            return LayerCache()
        convolution, recurrent = self._state() if kind in ("state", "both") else (0, 0)
        if kind == "state":
            return LayerCache(convolution=convolution, recurrent=recurrent)
        if self._latent():
            return self._latent_layer(convolution, recurrent)
        name = "full" if kind == "both" else kind
        heads, key, value = self._widths(name, at)
        limit = None
        if kind == "window":
            limit = window
        elif kind == "chunk":
            limit = look_up(self._text, self._table["chunk"])
        if kind in ("window", "chunk") and (type(limit) is not int or limit <= 0):
            raise UnseenError("the length of its sliding window")
        return LayerCache(heads, key, value, limit, convolution=convolution, recurrent=recurrent)

    def _state(self) -> tuple[int, int]:
        a = self._architecture
        return read_state(self._text, a.hidden_size, a.heads, a.head_dim)

    def _latent(self) -> bool:
        return self._architecture.kv_lora_rank is not None

    def _latent_layer(self, convolution: int, recurrent: int) -> LayerCache:
        rank = _sized(self._architecture.kv_lora_rank, "the width of its latent vector")
        rotary = self._architecture.qk_rope_head_dim
        if rotary is None:
            raise UnseenError("the rotary width beside its latent vector")
        index = self._integer(self._text, [self._table["index"]["key"]])
        return LayerCache(
            1,
            rank + rotary,
            0,
            index_width=index or 0,
            convolution=convolution,
            recurrent=recurrent,
            expanded=self._expanded(rotary),
        )

    def _expanded(self, rotary: int) -> tuple[int, int, int] | None:
        plain = self._integer(self._text, ["qk_nope_head_dim"])
        value = self._integer(self._text, ["v_head_dim"])
        heads = self._architecture.heads
        if plain is None or value is None or heads is None:
            return None
        return heads, plain + rotary, value

    def _widths(self, kind: str, at: int) -> tuple[int, int, int]:
        """Return (heads, key width, value width) of a layer of this kind."""
        keys = self._table["widths"][kind]
        key = self._integer(self._text, keys["key"]) or self._head_dim()
        heads = self._heads_of_block(at)
        if heads is None:
            listed = self._text.get("num_kv_heads")
            if isinstance(listed, list) and at < len(listed) and type(listed[at]) is int:
                heads = listed[at]
        if heads is None:
            heads = self._integer(self._text, keys["heads"]) or self._kv_heads()
        value = self._integer(self._text, keys["value"]) or key
        return _sized(heads, "its key-value heads"), key, value

    def _heads_of_block(self, at: int) -> int | None:
        blocks = self._text.get("block_configs")
        if not isinstance(blocks, list) or at >= len(blocks):
            return None
        group = look_up(blocks[at], "attention.n_heads_in_group") if blocks[at] else None
        own = look_up(blocks[at], "attention.num_key_value_heads") if blocks[at] else None
        if type(own) is int and own > 0:
            return own
        heads = self._architecture.heads
        if type(group) is not int or group <= 0 or heads is None or heads % group:
            raise UnseenError("the key-value heads of each block")
        return heads // group

    def _head_dim(self) -> int:
        stated = self._architecture.head_dim or self._defaults.get("head_dim")
        return _sized(stated, "the width of its heads")

    def _kv_heads(self) -> int | None:
        found = self._architecture.kv_heads or self._defaults.get("kv_heads")
        return found if isinstance(found, int) else None

    def _share(self, layers: list[LayerCache]) -> list[LayerCache]:
        """Empty the layers that read the cache of an earlier one."""
        tail = self._integer(self._text, self._table["shared_tail"]) or 0
        if 0 < tail < len(layers):
            layers = layers[: len(layers) - tail] + [LayerCache()] * tail
        factor = self._table["shared_factor"]
        every = self._integer(self._text, [factor["key"]])
        if self._text.get(factor["flag"]) is True and every and every > 1:
            layers = [layer if at % every == 0 else LayerCache() for at, layer in enumerate(layers)]
        return layers

    def _is_encoder_decoder(self) -> bool:
        stated = self._config.get("is_encoder_decoder")
        if isinstance(stated, bool):
            return stated
        return self._architecture.model_type in self._table["encoder_decoder"]

    def _read_encoder_decoder(self) -> KvLayout:
        a = self._architecture
        count = _sized(a.decoder_layers or a.layers, "the number of decoder layers")
        heads = self._integer(self._text, ["decoder_attention_heads"]) or a.heads
        heads = _sized(heads, "its heads")
        width = self._integer(self._text, ["d_kv", "head_dim"])
        if width is None:
            hidden = _sized(a.hidden_size, "its hidden size")
            if hidden % heads:
                raise UnseenError("the width of its heads")
            width = hidden // heads
        kv_heads = self._integer(self._text, ["num_key_value_heads"]) or heads
        tokens = self._integer(self._text, self._table["encoder_tokens"])
        layer = LayerCache(kv_heads, width, width)
        return KvLayout((layer,) * count, CrossCache(count, kv_heads, width, tokens), self._rope())

    @staticmethod
    def _integer(scope: dict[str, Any], keys: list[str]) -> int | None:
        for key in keys:
            value = look_up(scope, key)
            if type(value) is int and 0 < value <= WIDEST:
                return value
        return None


def _sized(value: Any, what: str) -> int:
    if type(value) is not int or not 0 < value <= WIDEST:
        raise UnseenError(what)
    return value
