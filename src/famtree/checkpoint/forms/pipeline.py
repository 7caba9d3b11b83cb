"""Diffusers pipelines: several models, named in model_index.json."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from famtree.checkpoint.forms.stand_in import StandIn, Tables

if TYPE_CHECKING:
    from famtree.checkpoint.gathered import Gathered
    from famtree.types.source import CheckpointSource

_INDEX = "model_index.json"
_MAX_ENCODERS = 64


class Pipeline(StandIn):
    """A diffusers pipeline, which is not one language model."""

    def choose_files(self, found: Gathered, names: frozenset[str]) -> Iterable[str]:
        """Return model_index.json, if it is there."""
        del found
        return [_INDEX] if _INDEX in names else []

    def take(self, source: CheckpointSource, found: Gathered, tables: Tables) -> bool:
        """Say what the pipeline is."""
        if _INDEX not in tables:
            return False
        found.explanation = describe_pipeline(tables[_INDEX], source.ref.text)
        return True


def describe_pipeline(index: dict[str, Any], reference: str) -> str:
    """Return one sentence about a diffusers pipeline: its class and its text encoders."""
    class_name = index.get("_class_name")
    encoders = [
        f"{name} ({value[1]})"
        for name, value in sorted(index.items())
        if name.startswith("text_encoder")
        and isinstance(value, list)
        and len(value) == 2
        and isinstance(value[1], str)
    ][:_MAX_ENCODERS]
    kind = class_name[:80] if isinstance(class_name, str) else "of an unnamed class"
    told = f"a diffusers pipeline ({kind}) of several models, not one language model"
    if not encoders:
        return told
    return (
        f"{told}; its text encoders: {', '.join(encoders)[:300]}, each in a folder of {reference}"
    )
