"""config.json in any of its dialects -> one flat set of traits, each with where it was seen.

The raw file is the source. A config class's defaults (`famtree.fingerprints.defaults`) fill only
what the file is silent about, and are marked `default`: released files of old transformers
versions leave out `rope_theta`, `tie_word_embeddings` and whole language towers.
"""

from __future__ import annotations

import math
from typing import Any

from famtree.fingerprints.aliases import (
    ACTIVATION_SYNONYMS,
    FLAGS,
    INTEGERS,
    NESTED_TEXT,
    NESTED_VISION,
    NUMBERS,
    WORDS,
    look_up,
)
from famtree.fingerprints.config_traits import ConfigTraits
from famtree.fingerprints.denoiser import apply_denoiser
from famtree.fingerprints.rope import read_rope

MAX_INTEGER = 2**53
"""Larger integers cannot be exact in every JSON reader and occur in no released config."""
MAX_PATTERN = 4096
"""Longest list of layer kinds that is looked at; the deepest released stack has some 130 layers,
and finding a period takes the square of the length."""
MAX_WORD = 256
"""Longest word (model_type, class name) that is kept; released ones stay under 70."""


def normalise_config(config: dict[str, Any], dialects: dict[str, Any]) -> ConfigTraits:
    """Return the traits the file itself states.

    `dialects` is the table of `famtree.fingerprints.defaults.load_dialects`: how a few
    model_types deviate (doubled intermediate_size, rope as a ratio, a tower under another key).
    """
    traits = ConfigTraits()
    outer_type = _word(config.get("model_type")) or _find_signs(config, dialects)
    dialect = dialects.get(outer_type or "", {})
    tower = look_up(config, dialect.get("tower", ""))
    text = tower if isinstance(tower, dict) and tower else find_text_config(config)
    inner_type = _word(text.get("model_type")) or outer_type
    beside = _word(look_up(config, f"{dialect.get('beside', '')}.model_type"))
    if beside is not None:
        inner_type = f"{beside}+{inner_type}"  # neither of the two names the design alone
    traits.put("model_type", outer_type)
    traits.put("text_model_type", inner_type)
    if text is not config:
        traits.put("wrapper", outer_type)
    classes = config.get("architectures")
    if isinstance(classes, list) and classes:
        traits.put("class_name", _word(classes[0]))
    elif isinstance(classes, str):
        traits.put("class_name", _word(classes))
    for scope in (text, config) if text is not config else (config,):
        _read_plain(scope, traits, outermost=scope is config and text is not config)
    _read_attention(text, traits)
    read_rope(text, config, traits)
    _read_layers(text, traits)
    _read_eos(text, config, traits)
    _read_vision(config, traits)
    _apply_dialect(text, traits, dialects.get(inner_type or "", {}))
    apply_denoiser(config, traits)
    return traits


def _find_signs(config: dict[str, Any], dialects: dict[str, Any]) -> str | None:
    """Return the model_type of a config that names none and has another library's keys."""
    return next(
        (
            name
            for name, dialect in dialects.items()
            if "signs" in dialect and all(sign in config for sign in dialect["signs"])
        ),
        None,
    )


def find_text_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return the language tower's own config: a nested table, or the config itself."""
    for key in NESTED_TEXT:
        nested = look_up(config, key)
        if isinstance(nested, dict) and nested:
            return nested
    return config


_OUTER_ONLY = frozenset({"tied", "bos_id", "pad_id", "vocab_rows", "dtype", "context"})
"""What a wrapper may state for its language tower; its other keys may describe vision."""


def _read_plain(scope: dict[str, Any], traits: ConfigTraits, *, outermost: bool) -> None:
    for name, keys in INTEGERS.items():
        if not outermost or name in _OUTER_ONLY:
            traits.put(name, _first(scope, keys, _integer))
    for name, keys in NUMBERS.items():
        if not outermost and name not in ("rope_theta", "rope_local_theta", "partial_rotary"):
            traits.put(name, _first(scope, keys, _number))
    for name, keys in FLAGS.items():
        if not outermost or name in _OUTER_ONLY:
            traits.put(name, _first(scope, keys, _flag))
    for name, keys in WORDS.items():
        if not outermost or name in _OUTER_ONLY:
            word = _first(scope, keys, _word)
            if word is not None:
                word = word.removeprefix("torch.")
                traits.put(name, ACTIVATION_SYNONYMS.get(word, word))


def _read_attention(text: dict[str, Any], traits: ConfigTraits) -> None:
    """Key-value heads in the spellings that are flags rather than counts."""
    groups = _integer(text.get("multi_query_group_num"))
    heads = traits.values.get("heads")
    if groups is not None:
        traits.values["kv_heads"] = groups if text.get("multi_query_attention") else heads or groups
        traits.source["kv_heads"] = "config"
    elif text.get("multi_query") is True and text.get("new_decoder_architecture") is not True:
        traits.values["kv_heads"] = 1
        traits.source["kv_heads"] = "config"
    if text.get("use_sliding_window") is False:
        traits.values.pop("sliding_window", None)
    if "shared_experts" not in traits.values and _integer(
        text.get("shared_expert_intermediate_size")
    ):
        traits.put("shared_experts", 1)
    if text.get("alibi") is True or look_up(text, "attn_config.alibi") is True:
        traits.put("position", "alibi")


def _read_layers(text: dict[str, Any], traits: ConfigTraits) -> None:
    """Depth of hybrids and the pattern of their layer kinds."""
    kinds = text.get("layer_types") or text.get("layers_block_type") or text.get("attn_layers")
    pattern = text.get("hybrid_override_pattern")
    blocks = text.get("block_configs")
    if isinstance(pattern, str) and pattern:
        word = pattern
        traits.put("layers", len(pattern))
    elif isinstance(kinds, list) and kinds and all(isinstance(kind, str) for kind in kinds):
        word = "".join(_letter(kind) for kind in kinds)
        traits.put("layers", len(kinds))
    elif isinstance(blocks, list) and blocks:
        traits.put("layers", len(blocks))
        return
    else:
        _read_stages(text, traits)
        return
    if len(word) <= MAX_PATTERN and len(set(word)) > 1:
        traits.put("layer_pattern", compress_pattern(word))


def _read_stages(text: dict[str, Any], traits: ConfigTraits) -> None:
    """Depth and last width of a vision backbone, which is built of stages of several blocks."""
    depths, widths = text.get("depths"), text.get("hidden_sizes")
    blocks = id_list(depths) if isinstance(depths, list) else []
    if blocks and blocks == depths:
        # `num_layers` of such a config counts the stages.
        traits.values["layers"] = sum(blocks)
        traits.source["layers"] = "config"
        if isinstance(widths, list) and widths:
            traits.put("hidden_size", _integer(widths[-1]))


_LETTERS = {
    "full_attention": "F",
    "attention": "F",
    "sliding_attention": "S",
    "chunked_attention": "C",
    "linear_attention": "L",
    "mamba": "M",
    "mamba2": "M",
    "conv": "K",
    "moe": "E",
    "hybrid": "H",
    "recurrent": "R",
}


def _letter(kind: str) -> str:
    return _LETTERS.get(kind, kind[:1].lower() or "?")


def compress_pattern(word: str) -> str:
    """Return the shortest period of the pattern as run lengths, independent of depth.

    `SSSSSFSSSSSF` and `SSSSSFSSSSSFSS` are both `5S1F`; a pattern without a period keeps its
    run lengths, cut at 64 characters.
    """
    for period in range(1, len(word) // 2 + 1):
        if word.startswith(word[period:]):
            word = word[:period]
            break
    runs: list[str] = []
    start = 0
    for i in range(1, len(word) + 1):
        if i == len(word) or word[i] != word[start]:
            runs.append(f"{i - start}{word[start]}")
            start = i
    return "".join(runs)[:64]


def _read_eos(text: dict[str, Any], config: dict[str, Any], traits: ConfigTraits) -> None:
    for scope in (text, config):
        ids = id_list(scope.get("eos_token_id"))
        if ids:
            traits.put("eos_ids", ids)
            return


def id_list(value: Any) -> list[int]:
    """Return token ids given as one integer or a list, in file order; anything else is empty."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items[:32] if _integer(item) is not None]


def _read_vision(config: dict[str, Any], traits: ConfigTraits) -> None:
    for key in NESTED_VISION:
        vision = look_up(config, key)
        if isinstance(vision, dict):
            traits.put(
                "vision_layers",
                _first(vision, ("num_hidden_layers", "depth", "layers", "n_layers"), _integer),
            )
            traits.put(
                "vision_hidden_size",
                _first(vision, ("hidden_size", "embed_dim", "width", "d_model"), _integer),
            )


def count_tower_heads(config: dict[str, Any]) -> int | None:
    """Return the attention heads of an image tower's layers, None where the config states none."""
    for key in NESTED_VISION:
        vision = look_up(config, key)
        if isinstance(vision, dict):
            return _first(vision, ("num_heads", "num_attention_heads"), _integer)  # type: ignore[no-any-return]
    return None


def _apply_dialect(text: dict[str, Any], traits: ConfigTraits, dialect: dict[str, Any]) -> None:
    ratio = dialect.get("ffn_scale")
    if ratio and isinstance(traits.values.get("ffn"), int):
        traits.values["ffn"] = int(traits.values["ffn"] * ratio)
    adjusted = dialect.get("adjusted_ffn")
    stated = traits.values.get("ffn")
    if adjusted and isinstance(stated, int) and traits.source.get("ffn") == "config":
        traits.values["ffn"] = _adjust_width(stated, text, adjusted)
    if dialect.get("rope_ratio"):
        scale = _number(text.get("rope_ratio")) or 1.0
        traits.put("rope_theta", 10000.0 * scale)
    for name, value in dialect.get("fixed", {}).items():
        traits.put(name, value, "default")


def _adjust_width(stated: int, text: dict[str, Any], keys: dict[str, Any]) -> int:
    """Return the width that a class makes of the one in its config, as Meta's gated MLP does."""
    if text.get(keys["flag"]) is False:
        return stated
    factor = _number(text.get(keys["factor"]))
    multiple = _integer(text.get(keys["multiple"])) or keys["default"]
    width = int(2 * stated / 3 * (factor if factor and 0 < factor < 1000 else 1.0))
    return -(-width // multiple) * multiple if multiple > 0 else stated


def _first(scope: dict[str, Any], keys: tuple[str, ...], cast: Any) -> Any:
    for key in keys:
        value = cast(look_up(scope, key))
        if value is not None:
            return value
    return None


def _integer(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        if not value.is_integer():
            return None
        value = int(value)
    return value if abs(value) <= MAX_INTEGER else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)  # 1e-05 is a string in configs written by YAML tools
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _word(value: Any) -> str | None:
    return value[:MAX_WORD] if isinstance(value, str) and value else None
