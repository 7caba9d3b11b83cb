"""Checkpoints whose root says nothing in transformers' terms: find what they are instead.

Reads at most one more wave, and only where the root has no config.json or one without a design.
"""

from __future__ import annotations

from typing import Any

from famtree.checkpoint.forms.conversions import Conversion
from famtree.checkpoint.forms.engine import EngineConfig
from famtree.checkpoint.forms.onnx import Onnx
from famtree.checkpoint.forms.params import Params
from famtree.checkpoint.forms.sentence_transformers import SentenceTransformer
from famtree.checkpoint.forms.stand_in import StandIn
from famtree.checkpoint.gathered import MAX_SMALL_FILE, Gathered
from famtree.errors import ConfigError
from famtree.fingerprints.json_text import decode_object
from famtree.types.identification import Notice
from famtree.types.source import CheckpointSource

STAND_INS: list[StandIn] = [
    EngineConfig(), Params(), SentenceTransformer(), Conversion(), Onnx(),
]  # fmt: skip
"""In the order in which they are asked; the first one that takes it ends the search."""
_DESIGN = ("architectures", "hidden_size", "num_hidden_layers", "n_layer", "d_model",
           "text_config")  # fmt: skip
_LISTS = frozenset({"modules.json"})
"""Lists: that they are there is all that counts."""


def look_closer(source: CheckpointSource, found: Gathered) -> None:
    """Fill `found.config` from another config, or `found.explanation` with what this is."""
    if any(one.take(source, found, {}) for one in STAND_INS if one.even_with_config):
        return
    if any(key in found.config for key in _DESIGN):
        return
    names = frozenset(entry.name for entry in found.listing.files)
    asked = [one for one in STAND_INS if not one.even_with_config]
    wanted = list(dict.fromkeys(name for one in asked for name in one.choose_files(found, names)))
    tables = _read(source, found, wanted)
    any(one.take(source, found, tables) for one in asked)


def _read(source: CheckpointSource, found: Gathered, names: list[str]) -> dict[str, dict[str, Any]]:
    if not names:
        return {}
    tables: dict[str, dict[str, Any]] = {}
    for name, data in source.read_wave(names, {}, limit=MAX_SMALL_FILE).items():
        if not isinstance(data, bytes):
            continue
        if name in _LISTS:
            tables[name] = {}
            continue
        try:
            tables[name] = decode_object(data, name)
        except ConfigError as fault:
            found.notices.append(
                Notice.model_construct(code="side-file-unreadable", message=fault.message)
            )
    return tables
