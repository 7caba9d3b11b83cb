"""What a file format has to offer to be read as a checkpoint."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from famtree.errors import UnreadableError
from famtree.sources.weight_files import list_weight_files
from famtree.types.checkpoint import CheckpointFormat, FileEntry, Listing

if TYPE_CHECKING:
    from famtree.checkpoint.gathered import Gathered, OnProgress
    from famtree.fingerprints.vocabulary import Vocabulary
    from famtree.matchers.classify import Classification
    from famtree.matchers.observation import Observation
    from famtree.registry.registry import Registry
    from famtree.types.fingerprint import Disagreement
    from famtree.types.quantization import Quantization
    from famtree.types.source import CheckpointSource
    from famtree.weights.open import Weights


class FileForm(ABC):
    """How checkpoints of one file format are recognised, gathered, weighed and opened.

    A form is the class's, what was read of one checkpoint is the instance's. The defaults are
    those of a folder in transformers' terms; `famtree.checkpoint.forms.table` lists all forms.
    """

    name: ClassVar[CheckpointFormat]
    """The document's `checkpoint.format`."""
    suffixes: ClassVar[tuple[str, ...]] = ()
    """Endings of its weight files, in lower case."""
    alone: ClassVar[bool] = False
    """Whether a file of it is a checkpoint by itself, whatever lies beside it."""
    unread: ClassVar[str | None] = None
    """Why names and shapes are never read, where they are not."""

    def __init__(self, source: CheckpointSource) -> None:
        self.source = source

    @classmethod
    @abstractmethod
    def recognises(cls, listing: Listing) -> bool:
        """Return whether the files of a listing make a checkpoint of this form."""

    @abstractmethod
    def gather(self, listing: Listing, report: Callable[[str], None], *, headers: bool) -> Gathered:
        """Read what a first answer needs; tensor headers only if told to.

        Raises FetchError and UnreadableError kin.
        """

    @abstractmethod
    def weigh(
        self,
        found: Gathered,
        registry: Registry,
        on_progress: OnProgress | None,
        *,
        briefly: bool,
    ) -> tuple[Observation, Classification]:
        """Classify what was gathered; reads more only where it could change the answer.

        `briefly` reads no more than was gathered.
        """

    @abstractmethod
    def read_quantization(self, found: Gathered) -> tuple[Quantization | None, list[Disagreement]]:
        """Return how the weights are stored, and where files disagree about it."""

    @abstractmethod
    def list_tokens(self, found: Gathered) -> Vocabulary | None:
        """Read every token and merge; None where there is no vocabulary, or it cannot be read.

        Raises TokenizerError for an unreadable one.
        """

    def open_weights(self, found: Gathered, on_progress: OnProgress | None = None) -> Weights:
        """Open the weights for sampling; no weight byte is read by opening.

        Raises UnreadableError (code `no-weights`) where none can be read by range.
        """
        del found, on_progress
        raise UnreadableError(
            f"{self.source.ref.text} has no weights that can be read by range",
            hint="weights are read from *.safetensors and *.gguf files",
            code="no-weights",
        )

    def is_whole(self, found: Gathered) -> bool:
        """Return whether all that the files hold of names, shapes and tokens has been read."""
        del found
        return True

    @abstractmethod
    def holds_vocabulary(self, found: Gathered) -> bool:
        """Return whether there are files of a vocabulary, read or not."""

    def list_metadata(self) -> Mapping[str, Any]:
        """Return the key-value pairs of the file's own header, as far as they were read."""
        return {}

    def list_weight_files(self, found: Gathered) -> list[FileEntry]:
        """Return the listing's files that hold the weights of this one checkpoint."""
        del found
        return list_weight_files(self.source.list_files())

    def is_adapter(self, found: Gathered) -> bool:
        """Return whether anything says that this is an adapter, not a model."""
        return found.layout is not None or any(".lora_" in name for name in found.index.tensors)

    def describe_unread(self, first: str) -> str:
        """Return why weight files, `first` among them, told nothing."""
        del first
        return "what else was read settles nothing"
