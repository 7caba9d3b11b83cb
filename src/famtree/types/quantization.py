"""How the weights are stored, when not as plain floats."""

from __future__ import annotations

from typing import Literal

from famtree.types.model import FrozenModel


class Quantization(FrozenModel):
    """Method and widths of a quantized checkpoint, and which witness said so."""

    method: str
    bits: float | None = None
    group_size: int | None = None
    scheme: str | None = None
    effective_bits_per_weight: float | None = None
    source: Literal["config", "header", "gguf"] = "config"
