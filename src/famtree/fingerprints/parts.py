"""Parts of a whole: what a pipeline is made of, and configs that describe a part alone.

Which folders hold the denoiser of a pipeline is data (`data/parts.json`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from famtree.files import load_data

INDEX = "model_index.json"
MAX_PARTS = 64
CLASS_NAME = "_class_name"
"""Where diffusers keeps the class of a model or a pipeline."""


@cache
def load_table() -> dict[str, Any]:
    """Return `data/parts.json`."""
    table: dict[str, Any] = load_data("fingerprints/data/parts.json")
    return table


def list_parts(index: Mapping[str, Any]) -> dict[str, str]:
    """Return role to class of the models that a model_index.json lists."""
    beside = re.compile(load_table()["no_models"])
    found = {}
    for role, stated in list(index.items())[: MAX_PARTS * 4]:
        named = isinstance(stated, list) and len(stated) >= 2 and isinstance(stated[1], str)
        if named and not role.startswith("_") and not beside.search(stated[1]):
            found[role[:MAX_PARTS]] = stated[1][:256]
    return dict(list(found.items())[:MAX_PARTS])


def find_denoiser(parts: Mapping[str, str]) -> str | None:
    """Return the role of what a pipeline denoises with, None where it lists nothing of the kind."""
    return next((role for role in load_table()["denoisers"] if role in parts), None)


def translate_part(config: Mapping[str, Any], class_name: str | None = None) -> dict[str, Any]:
    """Return a part's config in transformers' terms: the class where transformers has it."""
    own = config.get(CLASS_NAME)
    name = own if isinstance(own, str) and own else class_name
    if name is None or "architectures" in config:
        return dict(config)
    return {**config, "architectures": [name]}


def is_part(config: Mapping[str, Any]) -> bool:
    """Return whether a config.json describes what is only ever a part of a whole."""
    if isinstance(config.get(CLASS_NAME), str):
        return True
    classes = config.get("architectures")
    return isinstance(classes, list) and any(one in load_table()["classes"] for one in classes)
