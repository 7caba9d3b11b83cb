"""Rotary position embedding: three generations of config spelling -> base, type, factor.

`rope_theta` + `rope_scaling` (transformers 4), `rope_parameters` flat or nested a layer type
(transformers 5), and early remote code (`rotary_emb_base`, `rope_ratio`). Names and defaults after
transformers' `modeling_rope_utils.py`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from famtree.fingerprints.aliases import NUMBERS, look_up

if TYPE_CHECKING:
    from famtree.fingerprints.config_traits import ConfigTraits

_GLOBAL = ("full_attention", "main", "global", "default")
_LOCAL = ("sliding_attention", "local")
_TYPE_SYNONYMS = {"su": "longrope", "mrope": "default", "none": "default"}
"""Multimodal rope rotates text tokens exactly as the default type does."""


def read_rope(text: dict[str, Any], config: dict[str, Any], traits: ConfigTraits) -> None:
    """Put rope_theta, rope_type, rope_factor, rope_original_context, partial_rotary, ... ."""
    parameters = text.get("rope_parameters")
    scaling: Any = text.get("rope_scaling")
    if isinstance(parameters, dict):
        for key in _GLOBAL:
            if isinstance(parameters.get(key), dict):
                for local in _LOCAL:
                    inner = parameters.get(local)
                    if isinstance(inner, dict):
                        traits.put("rope_local_theta", _finite(inner.get("rope_theta")))
                parameters = parameters[key]
                break
        traits.put("rope_theta", _finite(parameters.get("rope_theta")))
        traits.put("partial_rotary", _finite(parameters.get("partial_rotary_factor")))
        scaling = parameters
    for name in ("rope_theta", "rope_local_theta", "partial_rotary"):
        for scope in (text, config):
            for key in NUMBERS[name]:
                traits.put(name, _finite(look_up(scope, key)))
    rotary_dim, width = text.get("rotary_dim"), traits.values.get("head_dim")
    if isinstance(rotary_dim, int) and isinstance(width, int) and width > 0:
        traits.put("partial_rotary", rotary_dim / width)
    if isinstance(scaling, dict) and scaling:
        _read_scaling(scaling, traits)
    elif "rope_theta" in traits.values:
        traits.put("rope_type", "default")
    if "rope_theta" in traits.values:
        traits.put("position", "rope")


def _read_scaling(scaling: dict[str, Any], traits: ConfigTraits) -> None:
    kind = scaling.get("rope_type") or scaling.get("type")
    kind = kind if isinstance(kind, str) else "default"
    kind = _TYPE_SYNONYMS.get(kind, kind)[:32]
    traits.put("rope_type", kind)
    if kind != "default":
        traits.put("rope_factor", _finite(scaling.get("factor")))
        original = _finite(scaling.get("original_max_position_embeddings"))
        traits.put("rope_original_context", None if original is None else int(original))


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
