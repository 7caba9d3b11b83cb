"""The cache layout of a checkpoint, read off its config; see `cache_layout` for what it holds.

Nothing is guessed: a config that leaves out what the size depends on gives `UnknownLayout` with
the missing facts. Only what the class itself fills in (transformers' own defaults) is filled in.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from famtree.fingerprints.aliases import INTEGERS, look_up
from famtree.fingerprints.config import find_text_config
from famtree.fingerprints.defaults import default_traits
from famtree.interchange.cache_compressed import (
    measure_mixed,
    read_compressed,
    read_ratios,
    scale_index,
)
from famtree.interchange.cache_encoder import (
    is_encoder_decoder,
    read_encoder_decoder,
    read_images,
)
from famtree.interchange.cache_kinds import UnseenError, load_caches, read_kinds
from famtree.interchange.cache_layout import CrossCache, KvLayout, LayerCache
from famtree.interchange.cache_numbers import read_integer, read_size
from famtree.interchange.cache_state import State, read_state
from famtree.interchange.gguf_caches import describes_caches, read_gguf_layout
from famtree.interchange.side import Side
from famtree.types.fingerprint import Architecture, Recipe


class UnknownLayout(Struct, frozen=True):
    """The layout cannot be told; `missing` completes `cannot be told without knowing ...`."""

    missing: str


def list_rope(recipe: Recipe) -> tuple[object, ...]:
    """Return what is baked into stored keys: how they were rotated."""
    r = recipe
    return (
        r.position, r.rope_theta, r.rope_type, r.rope_factor, r.rope_original_context,
        r.rope_local_theta, r.partial_rotary,
    )  # fmt: skip


def find_layout(side: Side) -> KvLayout | UnknownLayout:
    """Return the layout of a checkpoint, or what is missing to tell it."""
    if side.identification.checkpoint.format == "gguf" and describes_caches(side.metadata):
        try:
            return read_gguf_layout(side.metadata, side.recipe.context, list_rope(side.recipe))
        except UnseenError as unseen:
            return UnknownLayout(str(unseen))
    return find_kv_layout(side.config, side.architecture, side.recipe)


def read_layout(side: Side) -> KvLayout | None:
    """Return the layout of a checkpoint, or None where it cannot be told."""
    found = find_layout(side)
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
        self._mixer: State | None = None

    def read(self) -> KvLayout:
        """Return the layout. Raises UnseenError."""
        if is_encoder_decoder(self._config, self._architecture):
            return read_encoder_decoder(self._text, self._architecture, list_rope(self._recipe))
        window = self._window()
        ratios = read_ratios(self._text, self._architecture.layers)
        if ratios is not None:
            rotary = self._architecture.qk_rope_head_dim or 0
            parts = read_compressed(self._text, ratios, self._head_dim(), rotary, window)
        else:
            parts = self._read_layers(window)
        parts = [[self._settle(part) for part in layer] for layer in self._share(parts)]
        state = self._mixer
        return KvLayout(
            tuple(part for layer in parts for part in layer),
            cross=self._read_images(),
            rope=list_rope(self._recipe),
            mixer=state.mixer if state is not None else None,
        )

    def _read_layers(self, window: int | None) -> list[list[LayerCache]]:
        """Return what each layer keeps, a sparse index as a part of its own."""
        kinds = read_kinds(
            self._text, self._architecture.text_model_type, self._count_caches(), window
        )
        index = self._index(len(kinds))
        found = []
        for at, kind in enumerate(kinds):
            layer = self._layer(kind, at, window)
            own = index[at]
            found.append([layer, own] if own is not None and layer.heads else [layer])
        images = self._text.get(self._table["images"]["layers"])
        if isinstance(images, list):
            keep = {one for one in images if type(one) is int}
            found = [[] if at in keep else layer for at, layer in enumerate(found)]
        return found

    def _count_caches(self) -> int | None:
        """Return the number of attentions, which is that of the layers but in a few designs."""
        layers = self._architecture.layers
        twofold = self._table["twofold"]
        stated = read_integer(self._text, [twofold["key"]])
        if stated is not None and self._architecture.text_model_type in twofold["types"]:
            return 2 * stated
        return layers

    def _index(self, layers: int) -> list[LayerCache | None]:
        """Return the keys of a sparse index, layer by layer."""
        stated = look_up(self._text, self._table["block_index"]["scope"])
        if isinstance(stated, dict):
            keys = self._table["block_index"]
            width = read_size(stated.get(keys["width"]), "the width of its sparse index")
            where = stated.get(keys["layers"])
            if not isinstance(where, list) or len(where) != layers:
                raise UnseenError("which layers have its sparse index")
            one = LayerCache(1, width, 0, cell=keys["cell"])
            return [one if flag else None for flag in where]
        key = self._table["index"]["key"]
        if look_up(self._text, key) is None:
            return [None] * layers
        if not self._latent():
            raise UnseenError("how the keys of its sparse index are stored")
        return [scale_index(read_size(look_up(self._text, key), "its sparse index"))] * layers

    def _settle(self, layer: LayerCache) -> LayerCache:
        """A window as long as any text is none."""
        context = self._recipe.context
        if layer.window is not None and context is not None and 0 < context <= layer.window:
            return replace(layer, window=None)
        return layer

    def _read_images(self) -> CrossCache | None:
        vision = self._config.get("vision_config")
        read = read_images(self._text, vision if isinstance(vision, dict) else {})
        if read is None:
            return None
        layers, tokens = read
        heads = read_size(self._kv_heads(), "its key-value heads")
        return CrossCache(layers, heads, self._head_dim(), tokens)

    def _window(self) -> int | None:
        """Return the sliding window: the recipe's, which already heeds the flags of the config.

        A config that does not name one at all gets its class's; one that says null has none.
        """
        window = self._recipe.sliding_window
        if window is None:
            window = read_integer(self._text, self._table["windows"])
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
        if self._mixer is None:
            a = self._architecture
            self._mixer = read_state(self._text, a.hidden_size, a.heads, a.head_dim)
        return self._mixer.convolution, self._mixer.recurrent

    def _latent(self) -> bool:
        return self._architecture.kv_lora_rank is not None

    def _latent_layer(self, convolution: int, recurrent: int) -> LayerCache:
        rank = read_size(self._architecture.kv_lora_rank, "the width of its latent vector")
        rotary = self._architecture.qk_rope_head_dim
        if rotary is None:
            raise UnseenError("the rotary width beside its latent vector")
        sparse = read_integer(self._text, [self._table["index"]["key"]]) is not None
        return LayerCache(
            1,
            rank + rotary,
            0,
            mixed_bytes=measure_mixed(rank, rotary, self._table["index"]["mixed"])
            if sparse
            else None,
            convolution=convolution,
            recurrent=recurrent,
            expanded=self._expanded(rotary),
        )

    def _expanded(self, rotary: int) -> tuple[int, int, int] | None:
        plain = read_integer(self._text, ["qk_nope_head_dim"])
        value = read_integer(self._text, ["v_head_dim"])
        heads = self._architecture.heads
        if plain is None or value is None or heads is None:
            return None
        return heads, plain + rotary, value

    def _widths(self, kind: str, at: int) -> tuple[int, int, int]:
        """Return (heads, key width, value width) of a layer of this kind."""
        keys = self._table["widths"][kind]
        key = read_integer(self._text, keys["key"]) or self._head_dim()
        heads = self._heads_of_block(at)
        if heads is None:
            listed = self._text.get("num_kv_heads")
            if isinstance(listed, list) and at < len(listed) and type(listed[at]) is int:
                heads = listed[at]
        if heads is None:
            heads = read_integer(self._text, keys["heads"]) or self._kv_heads()
        value = read_integer(self._text, keys["value"]) or key
        return read_size(heads, "its key-value heads"), key, value

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
        return read_size(stated, "the width of its heads")

    def _kv_heads(self) -> int | None:
        found = self._architecture.kv_heads or self._defaults.get("kv_heads")
        return found if isinstance(found, int) else None

    def _share(self, layers: list[list[LayerCache]]) -> list[list[LayerCache]]:
        """Empty the layers that read the cache of an earlier one."""
        tail = read_integer(self._text, self._table["shared_tail"]) or 0
        if 0 < tail < len(layers):
            layers = layers[: len(layers) - tail] + [[]] * tail
        factor = self._table["shared_factor"]
        every = read_integer(self._text, [factor["key"]])
        if self._text.get(factor["flag"]) is True and every and every > 1:
            layers = [layer if at % every == 0 else [] for at, layer in enumerate(layers)]
        return layers
