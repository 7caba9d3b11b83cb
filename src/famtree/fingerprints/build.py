"""From the files of a checkpoint to its fingerprint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from famtree.fingerprints.architecture import build_architecture
from famtree.fingerprints.config import normalise_config
from famtree.fingerprints.config_traits import ConfigTraits
from famtree.fingerprints.defaults import default_traits, load_dialects
from famtree.fingerprints.recipe import build_recipe
from famtree.types.fingerprint import Fingerprint, Tokenizer

_DECIDING_DEFAULTS = (
    "layers", "hidden_size", "heads", "kv_heads", "head_dim", "ffn", "vocab_rows", "rope_theta",
    "rope_type", "norm_eps", "tied", "activation", "context", "position", "experts", "state_size",
    "encoder_layers", "decoder_layers", "text_model_type",
)  # fmt: skip

_SHAPE_DEFAULTS = frozenset(
    {
        "layers", "hidden_size", "heads", "kv_heads", "head_dim", "ffn", "vocab_rows", "experts",
        "state_size", "encoder_layers", "decoder_layers",
    }
)  # fmt: skip

_WHOLE = ("hidden_size", "heads")
"""What a head's width follows from."""


class CheckpointFacts(Struct):
    """Decoded files of one checkpoint, as far as they were read."""

    config: dict[str, Any] = {}
    side_files: dict[str, Any] = {}
    """Decoded JSON or text of the small files, by name."""
    observed: Mapping[str, Any] = {}
    """What tensor names and shapes show, by Architecture field name."""
    tokenizer: Tokenizer | None = None


def build_fingerprint(facts: CheckpointFacts) -> Fingerprint:
    """Return the three signatures; never raises on odd values, they are left unknown."""
    traits = normalise_config(facts.config, load_dialects())
    if facts.config:
        fill_defaults(traits, facts.observed)
    return Fingerprint.model_construct(
        architecture=build_architecture(traits, facts.observed),
        tokenizer=facts.tokenizer,
        recipe=build_recipe(traits, facts.side_files),
    )


def fill_defaults(traits: ConfigTraits, observed: Mapping[str, Any]) -> None:
    """Complete a silent config by its class's defaults, marked `default`.

    The language tower's class counts, then the wrapper's. Shape defaults fill a config that states
    no shape at all, and what a nested one leaves out and no tensor shows: transformers writes of
    those only what differs from their class (`PretrainedConfig.to_diff_dict`). A config of its own
    that states some shapes and lacks others is damaged, and guessing would invent a model.
    """
    own = default_traits(_text(traits, "text_model_type"))
    outer = default_traits(_text(traits, "model_type"))
    stated = frozenset(name for name in _SHAPE_DEFAULTS if name in traits.values)
    shaped = not stated.isdisjoint(("layers", "hidden_size", "ffn"))
    nested = "wrapper" in traits.values
    for name in _DECIDING_DEFAULTS:
        if name in traits.values:
            continue
        value = own.get(name, outer.get(name))
        if shaped and name in _SHAPE_DEFAULTS:
            silent = nested and name not in observed and not _is_derived(name, own, stated)
            value = own.get(name) if silent else None
        traits.put(name, value, "default")


def _is_derived(name: str, defaults: Mapping[str, Any], stated: frozenset[str]) -> bool:
    """Return whether a class works a width out of another one, which the config states itself."""
    if name == "kv_heads":
        return "heads" in stated and defaults.get("kv_heads") == defaults.get("heads")
    if name == "head_dim":
        whole = defaults.get("head_dim", 0) * defaults.get("heads", 0)
        return whole == defaults.get("hidden_size") and not stated.isdisjoint(_WHOLE)
    return name == "ffn" and "hidden_size" in stated


def _text(traits: ConfigTraits, name: str) -> str | None:
    value = traits.values.get(name)
    return value if isinstance(value, str) else None
