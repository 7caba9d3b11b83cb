"""The metadata of a GGUF file in the terms of config.json.

Which key means what, and which classes of transformers an architecture is converted from, is data
(`data/gguf.json`). An architecture that covers several classes leaves `model_type` unknown.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from famtree.files import load_data

MAX_WORD = 256
_NO_MODELS = ("mmproj", "imatrix")
"""Kinds of file whose architecture word names no language model."""


class GgufDesign(Struct, frozen=True):
    """What the key-value pairs say about the model."""

    config: dict[str, Any] = {}
    """config.json as transformers would spell it, as far as the file tells."""
    architecture: str | None = None
    """`general.architecture`, the converter's own word."""
    model_types: tuple[str, ...] = ()
    """Every transformers model_type this architecture is converted from."""
    chat_template: str | None = None
    kind: str = "model"
    """`general.type`: model, adapter, mmproj, imatrix, ..."""


@cache
def load_table() -> dict[str, Any]:
    """Return `data/gguf.json`."""
    table: dict[str, Any] = load_data("fingerprints/data/gguf.json")
    return table


def read_gguf_design(
    metadata: Mapping[str, Any], *, tokens: int | None = None, tensor_names: frozenset[str]
) -> GgufDesign:
    """Return the design that decoded key-value pairs describe; odd values are left out.

    `tokens` is the length of the vocabulary where it was counted; `tensor_names` are the names
    read so far (rope scaling may be baked into a tensor, with no key that says so).
    """
    architecture = _word(metadata.get("general.architecture"))
    kind = _word(metadata.get("general.type")) or "model"
    kind = load_table()["kinds"].get(architecture, kind)
    if architecture is None or kind in _NO_MODELS:
        return GgufDesign(architecture=architecture, kind=kind)
    entry: dict[str, Any] = load_table()["architectures"].get(architecture, {})
    own = _Scope(metadata, architecture)
    config = _read_plain(own, entry)
    types = tuple(entry.get("types") or (architecture.replace("-", "_"),))
    if config.get("num_experts"):
        types = tuple(entry.get("types_with_experts") or types)
    if len(types) == 1:
        config["model_type"] = types[0]
    _read_depth(own, config)
    _read_attention(own, config, entry)
    _read_rope(own, config, tensor_names)
    if "vocab_size" not in config and tokens:
        config["vocab_size"] = tokens
    for role in ("bos", "eos", "padding"):
        token = metadata.get(f"tokenizer.ggml.{role}_token_id")
        if type(token) is int:
            config["pad_token_id" if role == "padding" else f"{role}_token_id"] = token
    template = metadata.get("tokenizer.chat_template")
    return GgufDesign(
        config=config,
        architecture=architecture,
        model_types=types,
        chat_template=template if isinstance(template, str) and template else None,
        kind=kind,
    )


class _Scope:
    """Values under the architecture's own prefix."""

    def __init__(self, metadata: Mapping[str, Any], architecture: str) -> None:
        self._metadata, self._prefix = metadata, architecture

    def get(self, key: str) -> Any:
        """Return one value; floats as the shortest decimal that is the same 32-bit number."""
        value = self._metadata.get(f"{self._prefix}.{key}")
        return shorten(value) if isinstance(value, float) else value

    def number(self, key: str) -> int | float | None:
        """Return a number; of a list (one value a layer) the only one that is not zero."""
        value = self.get(key)
        if isinstance(value, list):
            distinct = {item for item in value if type(item) is int and item}
            value = distinct.pop() if len(distinct) == 1 else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return value if math.isfinite(value) else None

    def number_with_window(self, key: str) -> int | float | None:
        """Return the number that all layers with a sliding window have, of one value a layer."""
        value, pattern = self.get(key), self.get("attention.sliding_window_pattern")
        if not (isinstance(value, list) and isinstance(pattern, list)):
            return self.number(key)
        pairs = zip(value, pattern, strict=False)
        inside = {one for one, windowed in pairs if windowed is True and type(one) is int}
        whole = len(value) == len(pattern) and len(inside) == 1
        return inside.pop() if whole else self.number(key)


def _read_plain(own: _Scope, entry: Mapping[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = dict(entry.get("assumed", {}))
    keys = {**load_table()["keys"], **entry.get("keys", {})}
    for key, name in keys.items():
        windowed = key in entry.get("by_window", ())
        value = own.number_with_window(key) if windowed else own.number(key)
        if value is not None and key not in entry.get("dropped", ()):
            config[name] = value
    for name in ("num_experts", "num_nextn_predict_layers", "n_shared_experts", "sliding_window"):
        if config.get(name) == 0:
            del config[name]
    return config


def _read_depth(own: _Scope, config: dict[str, Any]) -> None:
    """Prediction blocks are counted with the others; hybrids have no heads in some layers."""
    layers, extra = config.get("num_hidden_layers"), config.get("num_nextn_predict_layers", 0)
    if isinstance(layers, int) and isinstance(extra, int) and 0 < extra < layers:
        config["num_hidden_layers"] = layers - extra
    heads = own.get("attention.head_count_kv")
    if isinstance(heads, list) and 0 in heads and any(heads):
        config["layer_types"] = ["attention" if count else "recurrent" for count in heads]


def _read_attention(own: _Scope, config: dict[str, Any], entry: Mapping[str, Any]) -> None:
    if "kv_lora_rank" in config:
        # Stored as multi-query attention over the compressed vector.
        for name in ("head_dim", "num_key_value_heads"):
            config.pop(name, None)
        heads, rotary = config.get("num_attention_heads"), own.number("rope.dimension_count")
        if heads:
            config["num_key_value_heads"] = heads
        if rotary:
            config["qk_rope_head_dim"] = rotary
        return
    heads, hidden = config.get("num_attention_heads"), config.get("hidden_size")
    width = config.get("head_dim")
    if not width and heads and hidden and hidden % heads == 0:
        width = hidden // heads
    rotary = own.number("rope.dimension_count")
    dropped = "rope.dimension_count" in entry.get("dropped", ())
    if width and rotary and rotary < width and not dropped:
        config["partial_rotary_factor"] = rotary / width


def _read_rope(own: _Scope, config: dict[str, Any], tensor_names: frozenset[str]) -> None:
    kind = own.get("rope.scaling.type")
    scaling: dict[str, Any] = {}
    if isinstance(kind, str) and kind not in ("", "none"):
        scaling["rope_type"] = kind[:MAX_WORD]
        for key, name in (
            ("factor", "factor"),
            ("original_context_length", "original_max_position_embeddings"),
        ):
            value = own.number(f"rope.scaling.{key}")
            if value is not None:
                scaling[name] = value
    else:
        for tensor, baked in load_table()["rope_tables"].items():
            if f"{tensor}.weight" in tensor_names:
                scaling.setdefault("rope_type", baked)
        original = own.number("rope.scaling.original_context_length")
        if scaling and original is not None:
            scaling["original_max_position_embeddings"] = original
    if scaling:
        config["rope_scaling"] = scaling


def shorten(value: float) -> float:
    """Return the shortest decimal that is the same 32-bit float.

    Values are stored in 32 bits: 1e-05 comes back as 9.999999747378752e-06.
    """
    if not math.isfinite(value) or value.is_integer():
        return value
    for digits in range(6, 10):
        short = float(f"{value:.{digits}g}")
        try:
            if struct.pack("<f", short) == struct.pack("<f", value):
                return short
        except OverflowError:
            return value
    return value


def _word(value: Any) -> str | None:
    return value[:MAX_WORD] if isinstance(value, str) and value else None
