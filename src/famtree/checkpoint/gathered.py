"""What was read of one checkpoint, before anything is concluded from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from famtree.errors import UnreadableError
from famtree.sources.header_plan import HeaderPlan
from famtree.types.checkpoint import Listing, TensorIndex, TensorInfo
from famtree.types.fingerprint import Disagreement, Tokenizer
from famtree.types.identification import Notice, PickledWeights
from famtree.types.quantization import Quantization

if TYPE_CHECKING:
    from famtree.fingerprints.gguf import GgufDesign
    from famtree.sources.gguf_files import GgufSet
    from famtree.sources.gguf_header import GgufReader

MAX_SMALL_FILE = 4 << 20
"""Longest small file that is read, bytes; released tokenizer_config.json reach 1.2 MB."""
CONFIG = "config.json"
_WEIGHTS = (
    ".safetensors", ".gguf", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx",
)  # fmt: skip
OnProgress = Callable[[str], None]


class GgufForm(Struct):
    """The header being read, and what it has told so far."""

    reader: GgufReader
    files: GgufSet
    design: GgufDesign
    local: bool
    config: dict[str, Any] = {}
    """A config.json that lies beside the file, if it was asked for with its repository."""
    parts: dict[str, TensorInfo] = {}
    """Tensors of the further files of a split model."""
    tokenizer: Tokenizer | None = None
    quantization: Quantization | None = None
    conflicts: list[Disagreement] = []
    complete: bool = False


class Gathered(Struct):
    """Decoded small files, tensor names and shapes of one checkpoint."""

    listing: Listing
    plan: HeaderPlan
    config: dict[str, Any] = {}
    side_files: dict[str, Any] = {}
    """Decoded JSON, or text, of the other small files by name."""
    raw: dict[str, bytes] = {}
    """Bytes of every small file read, for the tokenizer's own parsers."""
    index: TensorIndex = field(default_factory=TensorIndex)
    notices: list[Notice] = []
    gguf: GgufForm | None = None
    """The header of a GGUF checkpoint; its terms stand in `config`, `side_files` and `index`."""
    pickled: PickledWeights | None = None
    explanation: str | None = None
    """What the checkpoint is instead, where it is no model by itself."""


def may_be_adapter(found: Gathered) -> bool:
    """Return whether anything says that this is an adapter, not a model."""
    if found.gguf is not None and found.gguf.design.kind == "adapter":
        return True
    return found.plan.format == "adapter" or any(".lora_" in name for name in found.index.tensors)


def require_anything(found: Gathered, reference: str) -> None:
    """Raise UnreadableError for what is no checkpoint: nothing was read, and nothing has weights.

    A repository of pickle or GGUF files alone is one, though little can be said about it.
    """
    if found.config or found.index.names or found.raw or found.explanation:
        return
    if not any(entry.name.lower().endswith(_WEIGHTS) for entry in found.listing.files):
        raise UnreadableError(
            f"{reference} has no config.json, no weights and no tokenizer",
            hint="famtree reads config.json, *.safetensors headers and tokenizer files",
            code="nothing-readable",
        )
