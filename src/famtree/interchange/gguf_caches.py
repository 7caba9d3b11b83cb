"""What a GGUF model keeps of the tokens it has read, from its header as llama.cpp reads it.

Key-value heads may be listed layer by layer, none of them meaning a recurrence; widths may differ
in layers with a window; a stored pattern says which these are. What the header leaves to the
architecture is in `data/gguf_caches.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from famtree.files import load_data
from famtree.interchange.cache_compressed import read_compressed, read_ratios
from famtree.interchange.cache_kinds import MOST_LAYERS, UnseenError
from famtree.interchange.cache_layout import KvLayout, LayerCache
from famtree.interchange.cache_numbers import WIDEST, read_size

MOST_STATE = 2**40
"""Larger counts are no sizes of a state."""


@cache
def load_gguf_caches() -> dict[str, Any]:
    """Return `data/gguf_caches.json`."""
    table: dict[str, Any] = load_data("interchange/data/gguf_caches.json")
    return table


def describes_caches(metadata: Mapping[str, Any]) -> bool:
    """Return whether a header is that of a language model whose caches it describes."""
    name = metadata.get("general.architecture")
    return (
        isinstance(name, str)
        and name not in load_gguf_caches()["elsewhere"]
        and metadata.get(f"{name}.block_count") is not None
    )


def read_gguf_layout(
    metadata: Mapping[str, Any], context: int | None, rope: tuple[object, ...]
) -> KvLayout:
    """Return the layout. Raises UnseenError with what the header does not tell."""
    return _Header(metadata, context).read(rope)


class _Header:
    def __init__(self, metadata: Mapping[str, Any], context: int | None) -> None:
        self._name: str = metadata["general.architecture"]
        self._metadata = metadata
        self._context = context
        self._table = load_gguf_caches()
        blocks = self._number("block_count")
        extra = self._number("nextn_predict_layers") or 0
        if blocks is None or not 0 <= extra < blocks <= MOST_LAYERS:
            raise UnseenError("the number of layers")
        self._layers = blocks - extra

    def read(self, rope: tuple[object, ...]) -> KvLayout:
        if self._name in self._table["encoders"]:
            return KvLayout(())
        ratios = self._get("attention.compress_ratios")
        if ratios is not None:
            return self._read_compressed(ratios, rope)
        heads, recurrent = self._list_heads(), self._list_recurrent()
        windows = self._list_windows()
        state = self._state() if any(recurrent) else LayerCache()
        found: list[LayerCache] = []
        for at in range(self._kept()):
            if recurrent[at]:
                found.append(state)
            if heads[at] and not (recurrent[at] and not self._both()):
                found += self._attention(at, heads[at], windows[at])
        return KvLayout(tuple(found), rope=rope, mixer="gguf" if any(recurrent) else None)

    def _read_compressed(self, ratios: Any, rope: tuple[object, ...]) -> KvLayout:
        text = {
            "compress_ratios": ratios,
            "index_head_dim": self._number("attention.indexer.key_length"),
        }
        found = read_ratios(text, self._layers)
        width = read_size(self._number("attention.key_length"), "the width of its heads")
        rotary = self._number("rope.dimension_count") or 0
        window = self._number("attention.sliding_window")
        parts = read_compressed(text, found or [], width, rotary, window)
        return KvLayout(tuple(part for layer in parts for part in layer), rope=rope)

    def _attention(self, at: int, heads: int, window: int | None) -> list[LayerCache]:
        key = self._number("attention.key_length") or self._derived_width()
        value = self._number("attention.value_length") or self._derived_width()
        if window is not None:
            key = self._number("attention.key_length_swa") or key
            value = self._number("attention.value_length_swa") or value
            if self._context is not None and window >= self._context:
                window = None
        if self._number("attention.key_length_mla") is not None:
            # Latent and rotary numbers are one key, and values are read out of it.
            heads, value = 1, 0
        key = read_size(key, "the width of its heads")
        parts = [LayerCache(heads, key, value or 0, window)]
        index = self._number("attention.indexer.key_length")
        if index is not None and at >= (0 if value == 0 else self._leading()):
            parts.append(LayerCache(1, index, 0))
        return parts

    def _leading(self) -> int:
        return self._number("leading_dense_block_count") or 0

    def _derived_width(self) -> int | None:
        hidden, heads = self._number("embedding_length"), self._number("attention.head_count")
        return hidden // heads if hidden and heads else None

    def _kept(self) -> int:
        """Layers behind these read the cache of an earlier one."""
        shared = self._number("attention.shared_kv_layers") or 0
        start: int = self._table["kept_from_start"].get(self._name, self._layers - shared)
        return max(0, min(self._layers, start))

    def _list_heads(self) -> list[int]:
        stated = self._get("attention.head_count_kv")
        if stated is None:
            stated = self._get("attention.head_count")
        if stated is None and self._name in self._table["recurrent"]:
            stated = 0
        return self._spread(stated, "its key-value heads")

    def _list_recurrent(self) -> list[bool]:
        if self._name in self._table["recurrent"] or self._both():
            return [True] * self._layers
        listed = self._get("attention.recurrent_layers")
        if listed is not None:
            return [bool(one) for one in self._spread(listed, "which layers are recurrent")]
        period = self._number("full_attention_interval") or self._table["intervals"].get(self._name)
        if period:
            return [(at + 1) % period != 0 for at in range(self._layers)]
        if not any(self._number(key) for key in ("ssm.state_size", "shortconv.l_cache",
                                                 "kda.head_dim", "wkv.head_size")):  # fmt: skip
            return [False] * self._layers
        # Layers that neither attend nor recur have an MLP and nothing else.
        wide = self._get("feed_forward_length")
        alone = wide if isinstance(wide, list) and len(wide) >= self._layers else None
        if alone is not None and 0 not in alone:
            alone = None
        heads = self._list_heads()
        return [
            not count and not (alone is not None and alone[at]) for at, count in enumerate(heads)
        ]

    def _both(self) -> bool:
        return self._name in self._table["both"]

    def _list_windows(self) -> list[int | None]:
        rule = self._table["windows"].get(self._name)
        none: list[int | None] = [None] * self._layers
        if rule is None:
            return none
        stated = self._get("attention.sliding_window")
        window = self._number("attention.sliding_window")
        if stated == 0 or (window is None and "window" not in rule):
            return none
        if window is None or rule.get("fixed"):
            window = rule.get("window")
        pattern = self._get("attention.sliding_window_pattern")
        if isinstance(pattern, list):
            flags = [bool(one) for one in self._spread(pattern, "which layers have the window")]
            return [window if flag else None for flag in flags]
        period = pattern if type(pattern) is int and pattern > 0 else rule["period"]
        if not period:
            raise UnseenError("which layers have the sliding window")
        full = 0 if rule.get("first") else period - 1
        return [None if at % period == full else window for at in range(self._layers)]

    def _state(self) -> LayerCache:
        hidden = self._number("embedding_length") or 0
        kernel = max(0, (self._number("ssm.conv_kernel") or 1) - 1)
        wkv, short = self._number("wkv.head_size"), self._number("shortconv.l_cache")
        kda, heads = self._number("kda.head_dim"), self._number("attention.head_count")
        if wkv:
            shifts = self._number("token_shift_count") or 2
            found = shifts * hidden, hidden * wkv
        elif short:
            found = hidden * (short - 1), 0
        elif kda and heads:
            found = 3 * (kernel or 3) * heads * kda, kda * kda * heads
        else:
            inner, state = self._number("ssm.inner_size"), self._number("ssm.state_size")
            if inner is None or state is None:
                raise UnseenError("the size of the recurrent state")
            groups = self._number("ssm.group_count") or 0
            found = kernel * (inner + 2 * groups * state), state * inner
        if max(found) > MOST_STATE or not any(found):
            raise UnseenError("the size of the recurrent state")
        return LayerCache(convolution=found[0], recurrent=found[1])

    def _spread(self, value: Any, what: str) -> list[int]:
        """Return one number a layer, of a list or of a number for all."""
        if isinstance(value, list):
            if len(value) < self._layers:
                raise UnseenError(what)
            found = value[: self._layers]
        else:
            found = [value] * self._layers
        if not all(isinstance(one, int) and 0 <= one <= WIDEST for one in found):
            raise UnseenError(what)
        return found

    def _get(self, key: str) -> Any:
        return self._metadata.get(f"{self._name}.{key}")

    def _number(self, key: str) -> int | None:
        """Return a size; of a list the one that all layers have which have any."""
        value = self._get(key)
        if isinstance(value, list):
            distinct = {one for one in value if type(one) is int and one}
            value = distinct.pop() if len(distinct) == 1 else None
        return value if type(value) is int and 0 < value <= WIDEST else None
