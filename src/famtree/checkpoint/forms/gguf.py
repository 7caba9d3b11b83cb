"""GGUF: one file, or the parts of one, whose header holds design, vocabulary and tensors.

What reads it stands in `famtree.checkpoint.gguf`, whose imports others need not pay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from famtree.checkpoint.forms.form import FileForm
from famtree.types.checkpoint import FileEntry, Listing

if TYPE_CHECKING:
    from famtree.checkpoint.gathered import Gathered, OnProgress
    from famtree.checkpoint.gguf import GgufReading
    from famtree.fingerprints.vocabulary import Vocabulary
    from famtree.matchers.classify import Classification
    from famtree.matchers.observation import Observation
    from famtree.registry.registry import Registry
    from famtree.types.fingerprint import Disagreement
    from famtree.types.quantization import Quantization
    from famtree.weights.open import Weights


class Gguf(FileForm):
    """A GGUF model of one or several parts; `reading` is the header as far as it was read."""

    name = "gguf"
    suffixes = (".gguf",)
    alone = True
    reading: GgufReading

    @classmethod
    def recognises(cls, listing: Listing) -> bool:
        """Return whether there is a GGUF file anywhere."""
        return any(entry.name.lower().endswith(cls.suffixes) for entry in listing.files)

    def gather(self, listing: Listing, report: Callable[[str], None], *, headers: bool) -> Gathered:
        """Read the header as far as architecture and hyperparameters; on a disk whole."""
        del headers  # the first bytes of a GGUF tell what config.json tells
        from famtree.checkpoint.gguf import gather_gguf

        found, self.reading = gather_gguf(self.source, listing, report, self)
        return found

    def weigh(
        self,
        found: Gathered,
        registry: Registry,
        on_progress: OnProgress | None,
        *,
        briefly: bool,
    ) -> tuple[Observation, Classification]:
        """Classify; vocabulary and tensor names are read first where they could matter."""
        from famtree.checkpoint.gguf import weigh_gguf

        return weigh_gguf(found, self.reading, registry, on_progress, briefly=briefly)

    def read_quantization(self, found: Gathered) -> tuple[Quantization | None, list[Disagreement]]:
        """Return what file type and tensors of the header say."""
        del found
        return self.reading.quantization, self.reading.conflicts

    def list_tokens(self, found: Gathered) -> Vocabulary | None:
        """Read the arrays of the header, as far as needed."""
        from famtree.checkpoint.gguf import list_gguf_tokens

        return list_gguf_tokens(found, self.reading)

    def open_weights(self, found: Gathered, on_progress: OnProgress | None = None) -> Weights:
        """Open the parts by their headers, which are completed where they were read in part."""
        del on_progress
        from famtree.checkpoint.gguf import complete_headers
        from famtree.weights.open import open_gguf_weights

        readers = complete_headers(found, self.reading)
        return open_gguf_weights(self.source, found.listing, readers)

    def is_whole(self, found: Gathered) -> bool:
        """Return whether the headers of all parts were read to their end."""
        del found
        return self.reading.complete

    def holds_vocabulary(self, found: Gathered) -> bool:
        """Return whether a vocabulary may stand in what was not read."""
        return not self.is_whole(found)

    def list_metadata(self) -> Mapping[str, Any]:
        """Return the key-value pairs read so far."""
        return dict(self.reading.reader.header.metadata)

    def list_weight_files(self, found: Gathered) -> list[FileEntry]:
        """Return the parts of the one model of a repository of many that was examined."""
        del found
        names = {entry.name for entry in self.reading.files.files}
        return [entry for entry in self.source.list_files().files if entry.name in names]

    def is_adapter(self, found: Gathered) -> bool:
        """Return whether the header says so, or names of its tensors do."""
        return self.reading.design.kind == "adapter" or super().is_adapter(found)

    def describe_unread(self, first: str) -> str:
        """Return that nothing of the file was read."""
        return f"the weights are GGUF ({first}), of which nothing was read"
