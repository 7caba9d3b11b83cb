"""What a config class assumes when the file is silent, without importing transformers.

`data/config_defaults.json` is generated from transformers by `scripts/update_config_defaults.py`:
one entry a model_type with normalised default values and the class names that belong to it. It
also answers "does transformers know this architecture?". A model_type that the table lacks is newer
than the table: transformers itself is asked where it is installed, else its config is read without
defaults. The script brings the table up to date.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from famtree.files import load_data
from famtree.fingerprints.config_classes import read_newer_defaults


@cache
def load_defaults() -> dict[str, dict[str, Any]]:
    """Return model_type -> {traits, classes}."""
    table: dict[str, dict[str, Any]] = load_data("fingerprints/data/config_defaults.json")[
        "model_types"
    ]
    return table


@cache
def load_dialects() -> dict[str, Any]:
    """Return model_type -> how its early config deviates from the common meaning of a key."""
    table: dict[str, Any] = load_data("fingerprints/data/dialects.json")
    return table


def known_model_type(model_type: str | None, class_name: str | None = None) -> str | None:
    """Return the model_type transformers knows this by, or None."""
    table = load_defaults()
    if model_type in table:
        return model_type
    if class_name:
        owners = [name for name, entry in table.items() if class_name in entry["classes"]]
        # Designs that reuse another's class list it too; its name tells whose it is.
        named = [
            name for name in owners if class_name.lower().startswith(name.replace("_", "").lower())
        ]
        if owners:
            return max(named, key=len) if named else owners[0]
    return model_type if model_type and read_newer_defaults(model_type) is not None else None


def default_traits(model_type: str | None) -> dict[str, Any]:
    """Return the class defaults of a model_type as normalised traits ({} when unknown)."""
    if model_type is None:
        return {}
    entry = load_defaults().get(model_type)
    if entry is None:
        return read_newer_defaults(model_type) or {}
    traits: dict[str, Any] = entry["traits"]
    return traits
