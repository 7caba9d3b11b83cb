"""CycloneDX's modelCard, as plain data: the library has no class for it yet.

Fields as in the JSON schema of CycloneDX 1.6, definition `modelCard`.
"""

from __future__ import annotations

from typing import Any

from famtree.bom.properties import make_properties
from famtree.types.checkpoint import Listing
from famtree.types.identification import Identification

_LONGEST_TASK = 100


def make_model_card(result: Identification, listing: Listing) -> dict[str, Any]:
    """Return the model card of an identified checkpoint; unknown fields are left out."""
    architecture = result.fingerprint.architecture
    parameters = {
        "task": _read_task(listing),
        "architectureFamily": result.family.name if result.family else None,
        "modelArchitecture": architecture.class_name or architecture.model_type,
    }
    card: dict[str, Any] = {
        "modelParameters": {name: text for name, text in parameters.items() if text},
        "properties": [
            {"name": one.name, "value": one.value}
            for one in make_properties(_list_measures(result))
        ],
    }
    return {name: value for name, value in card.items() if value}


def _list_measures(result: Identification) -> dict[str, object]:
    packed = result.quantization
    measures: dict[str, object] = {
        "parameters": result.parameters,
        "architecture-digest": result.fingerprint.architecture.digest,
        "tokenizer-digest": (
            result.fingerprint.tokenizer.digest if result.fingerprint.tokenizer else None
        ),
        "recipe-digest": result.fingerprint.recipe.digest,
    }
    if packed is not None:
        measures |= {
            "quantization:method": packed.method,
            "quantization:bits": packed.bits,
            "quantization:group-size": packed.group_size,
            "quantization:scheme": packed.scheme,
            "quantization:effective-bits-per-weight": packed.effective_bits_per_weight,
            "quantization:source": packed.source,
        }
    return measures


def _read_task(listing: Listing) -> str | None:
    task = listing.card.get("pipeline_tag")
    return task.strip()[:_LONGEST_TASK] if isinstance(task, str) else None
