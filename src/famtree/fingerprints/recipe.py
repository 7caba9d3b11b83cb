"""Recipe signature: what training fixed besides the shapes."""

from __future__ import annotations

import math
from typing import Any

from famtree.fingerprints.chat_template import digest_template, find_markers, find_template
from famtree.fingerprints.config import id_list
from famtree.fingerprints.config_traits import ConfigTraits
from famtree.fingerprints.digest import digest
from famtree.types.fingerprint import Recipe

_NOT_FROM_CONFIG = frozenset({"digest", "seen_in", "chat_template", "chat_markers", "generation"})
FIELDS = tuple(name for name in Recipe.model_fields if name not in _NOT_FROM_CONFIG)

DIGESTED = (
    "rope_theta", "rope_type", "rope_factor", "rope_original_context", "rope_local_theta",
    "partial_rotary", "norm_eps", "activation", "context", "sliding_window", "layer_pattern",
    "logit_cap", "attention_cap", "embedding_scale", "residual_scale", "logit_scale", "bos_id",
)  # fmt: skip
"""Left out: dtype and pad id (conversion choices), eos and chat template (fine-tuning choices)."""


def build_recipe(traits: ConfigTraits, side_files: dict[str, Any]) -> Recipe:
    """Build the recipe from normalised config traits and the decoded side files.

    `side_files` maps file name to decoded JSON (or template text): generation_config.json,
    tokenizer_config.json, chat_template.jinja, chat_template.json.
    """
    values: dict[str, Any] = {}
    seen_in: dict[str, list[str]] = {}
    for name in FIELDS:
        if name in traits.values:
            values[name] = traits.values[name]
            seen_in[name] = [traits.source[name]]
    generation = side_files.get("generation_config.json")
    if isinstance(generation, dict):
        _read_generation(generation, values, seen_in)
    template = find_template(side_files)
    if template:
        values["chat_template"] = digest_template(template)
        values["chat_markers"] = find_markers(template)
    return Recipe.model_construct(
        digest=digest({name: values.get(name) for name in DIGESTED}), seen_in=seen_in, **values
    )


def _read_generation(
    generation: dict[str, Any], values: dict[str, Any], seen_in: dict[str, list[str]]
) -> None:
    """Engines stop at the union of both files' eos ids; keep config's first."""
    ids = id_list(generation.get("eos_token_id"))
    known: list[int] = list(values.get("eos_ids", []))
    extra = [token for token in ids if token not in known]
    if extra:
        values["eos_ids"] = known + extra
        seen_in.setdefault("eos_ids", []).append("generation_config")
    bos = generation.get("bos_token_id")
    if "bos_id" not in values and isinstance(bos, int) and not isinstance(bos, bool):
        values["bos_id"] = bos
        seen_in["bos_id"] = ["generation_config"]
    values["generation"] = {
        key[:64]: float(value)
        for key, value in sorted(generation.items())[:64]
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and not key.endswith("_token_id")
        and abs(value) < 1e18
        and math.isfinite(value)
    }
