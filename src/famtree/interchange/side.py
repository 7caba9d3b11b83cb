"""What the interchange questions are answered from: two checkpoints, an engine, a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from famtree.fingerprints.vocabulary import Vocabulary
from famtree.types.checkpoint import FileEntry, Listing, TensorIndex
from famtree.types.fingerprint import Architecture, Recipe, Tokenizer
from famtree.types.identification import Identification


class Side(Struct, frozen=True):
    """One checkpoint of the pair, as far as it was read."""

    identification: Identification
    config: dict[str, Any] = {}
    """config.json as decoded; a GGUF header's terms in its place."""
    side_files: dict[str, Any] = {}
    """Decoded JSON, or text, of the other small files by name."""
    index: TensorIndex = field(default_factory=TensorIndex)
    metadata: Mapping[str, Any] = {}
    """Key-value pairs of the file's own header (GGUF), as far as they were read."""
    listing: Listing = field(default_factory=lambda: Listing(()))
    weight_files: tuple[FileEntry, ...] = ()
    """The listed files of the one model that is described."""
    missing_files: int = 0
    """Weight files that the names of the others promise and the listing lacks."""
    vocabulary: Vocabulary | None = None
    """All tokens and merges, where they had to be read to answer."""

    @property
    def architecture(self) -> Architecture:
        """Shortcut to the architecture signature."""
        return self.identification.fingerprint.architecture

    @property
    def recipe(self) -> Recipe:
        """Shortcut to the recipe signature."""
        return self.identification.fingerprint.recipe

    @property
    def tokenizer(self) -> Tokenizer | None:
        """Shortcut to the tokenizer signature."""
        return self.identification.fingerprint.tokenizer


class Plan(Struct, frozen=True):
    """What the operator wants to run; None where not said."""

    context: int | None = None
    """Tokens a sequence may have."""
    batch: int | None = None
    """Sequences at once."""
    gpu_memory: float | None = None
    """GB (10**9 bytes) of one accelerator."""
    cache_type: str | None = None
    """Type of keys and values: bfloat16, fp8, int8, nvfp4, q8_0."""
    capability: int | None = None
    """CUDA compute capability of the accelerator times ten: 90 for 9.0."""
    gpu_name: str | None = None
    """Name of the accelerator, where one was named."""
    vendor: str | None = None
    """Whose accelerator it is, where one was named: `nvidia`, `amd`, `cpu`, ..."""
