"""Models put together from a language model and towers: what config.json says of the parts.

A part that began as a checkpoint of its own is a parent with a role; such a model is no merge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from famtree.checkpoint.references import read_reference
from famtree.fingerprints.aliases import NESTED_TEXT, NESTED_VISION, look_up
from famtree.types.claim import Claim, Role

_NAMED: dict[Role, tuple[str, ...]] = {
    "language model": ("text_model_id", "text_model_name_or_path", "llm_model_id", "llm_path"),
    "vision tower": (
        "vision_model_id", "vision_model_name_or_path", "mm_vision_tower", "vision_tower",
    ),
    "audio tower": (
        "audio_model_id", "audio_model_name_or_path", "mm_audio_tower", "audio_tower",
        "speech_encoder", "speech_model_id",
    ),
}  # fmt: skip
"""Keys that hold a checkpoint's name: ultravox's `*_model_id`, LLaVA's `mm_*_tower`."""
_TABLES: dict[Role, tuple[str, ...]] = {
    "language model": NESTED_TEXT,
    "vision tower": NESTED_VISION,
    "audio tower": (
        "audio_config", "audio_encoder_config", "speech_config", "thinker_config.audio_config",
    ),
}  # fmt: skip
"""Nested configs, which transformers saves with the `_name_or_path` they were loaded from."""
TOWERS: tuple[Role, ...] = ("vision tower", "audio tower")


def list_parts(config: Mapping[str, Any]) -> Iterator[Claim]:
    """Yield the checkpoints that a composition's config names as sources of its parts."""
    whole = dict(config)
    for role, keys in _NAMED.items():
        texts = [config.get(key) for key in keys]
        for key in _TABLES[role]:
            nested = look_up(whole, key)
            texts.append(nested.get("_name_or_path") if isinstance(nested, dict) else None)
        for text in texts:
            read = read_reference(text)
            if read is not None and read.resolvable:
                yield Claim(read.parent, "config", None, read.revision, role=role)


def list_towers(config: Mapping[str, Any]) -> dict[Role, str]:
    """Return the `model_type` of each tower that the config nests; empty where it names none."""
    found: dict[Role, str] = {}
    for role in TOWERS:
        for key in _TABLES[role]:
            nested = look_up(dict(config), key)
            if isinstance(nested, dict):
                stated = nested.get("model_type")
                found.setdefault(role, stated if isinstance(stated, str) else "")
    return found
