"""Conversions for other engines whose files do not state a design: they are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree.checkpoint.forms.stand_in import StandIn, Tables

if TYPE_CHECKING:
    from famtree.checkpoint.gathered import Gathered
    from famtree.types.source import CheckpointSource

_ENDINGS = (
    ("openvino_model.xml", "an OpenVINO conversion"),
    (".engine", "a compiled TensorRT engine"),
    (".mlmodelc", "a Core ML conversion"),
    (".tflite", "a LiteRT conversion"),
    (".pte", "an ExecuTorch program"),
)
_ENDINGS_ALONE = tuple(ending for ending, _ in _ENDINGS)
_VOCABULARIES = frozenset({"vocabulary.json", "vocabulary.txt", "shared_vocabulary.json",
                           "shared_vocabulary.txt"})  # fmt: skip


class Conversion(StandIn):
    """What file names tell of engines that keep no config in transformers' terms."""

    def take(self, source: CheckpointSource, found: Gathered, tables: Tables) -> bool:
        """Name the engine."""
        del source, tables
        names = {entry.name.rpartition("/")[2] for entry in found.listing.files}
        found.explanation = self._describe(found, names)
        return found.explanation is not None

    def _describe(self, found: Gathered, names: set[str]) -> str | None:
        if "model.bin" in names and names & _VOCABULARIES:
            return "a CTranslate2 conversion, whose config.json does not state the model's design"
        if found.index.names or found.config:
            return None
        named = [name for name in names if name.endswith(_ENDINGS_ALONE)]
        for ending, what in _ENDINGS:
            if any(name.endswith(ending) for name in named):
                return f"{what} without a config.json that states the model's design"
        if "modules.json" in names:
            return "a sentence-transformers model without the config of a transformer"
        return None
