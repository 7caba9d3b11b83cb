"""What was read of one checkpoint, before anything is concluded from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from famtree.errors import UnreadableError
from famtree.sources.header_plan import HeaderPlan
from famtree.sources.weight_files import WEIGHT_SUFFIXES
from famtree.types.checkpoint import Listing, TensorIndex
from famtree.types.identification import Component, Kind, Notice, PickledWeights

if TYPE_CHECKING:
    from famtree.checkpoint.forms.form import FileForm
    from famtree.fingerprints.vocabulary import Vocabulary

MAX_SMALL_FILE = 4 << 20
"""Longest small file that is read, bytes; released tokenizer_config.json reach 1.2 MB."""
CONFIG = "config.json"
OnProgress = Callable[[str], None]


class Gathered(Struct):
    """Decoded small files, tensor names and shapes of one checkpoint."""

    listing: Listing
    plan: HeaderPlan
    form: FileForm
    """The file format, with what only it knows of the checkpoint."""
    config: dict[str, Any] = {}
    side_files: dict[str, Any] = {}
    """Decoded JSON, or text, of the other small files by name."""
    raw: dict[str, bytes] = {}
    """Bytes of every small file read, for the tokenizer's own parsers."""
    index: TensorIndex = field(default_factory=TensorIndex)
    notices: list[Notice] = []
    pickled: PickledWeights | None = None
    kind: Kind = "model"
    """What the files are, where the form or what stands in for config.json tells."""
    layout: str | None = None
    """Whose names the tensors of an image model's adapter have."""
    parts: dict[str, dict[str, Any]] = {}
    """Configs of the parts of a pipeline, by role."""
    components: list[Component] = []
    """The same as they are published."""
    explanation: str | None = None
    """What the checkpoint is instead, where it is no model by itself."""
    keeps_vocabulary: bool = False
    """Some ten megabytes of tokens and merges are kept for who compares them."""
    vocabulary: Vocabulary | None = None

    def keep(self, vocabulary: Vocabulary | None) -> None:
        """Keep what was read of the vocabulary, if anybody wants it."""
        if self.keeps_vocabulary:
            self.vocabulary = vocabulary


def require_anything(found: Gathered, reference: str) -> None:
    """Raise UnreadableError for what is no checkpoint: nothing was read, and nothing has weights.

    A repository of pickle or GGUF files alone is one, though little can be said about it.
    """
    if found.config or found.index.names or found.raw or found.explanation:
        return
    if found.kind != "model":
        return
    if not any(entry.name.lower().endswith(WEIGHT_SUFFIXES) for entry in found.listing.files):
        raise UnreadableError(
            f"{reference} has no config.json, no weights and no tokenizer",
            hint="famtree reads config.json, *.safetensors headers and tokenizer files",
            code="nothing-readable",
        )
