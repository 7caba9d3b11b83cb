"""What the checks see of a checkpoint, and what a check says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from famtree.files import load_data
from famtree.fingerprints.config import find_text_config
from famtree.fingerprints.tensor_names import Layout, organise

if TYPE_CHECKING:
    from famtree.checkpoint.findings import Findings
    from famtree.checkpoint.gathered import Gathered
    from famtree.types.checkpoint import TensorIndex
    from famtree.types.fingerprint import Architecture, Fingerprint, Tokenizer

Part = Literal["index", "headers", "tokenizer"]
"""What may stay unread over a network."""
MAX_NAMED = 4
"""Names that a message lists; of more the number is told."""


@cache
def load_loaders() -> dict[str, str]:
    """Return `data/loaders.json`: which engine takes what."""
    table: dict[str, str] = load_data("checkpoint/consistency/data/loaders.json")
    return table


class Contradiction(Struct, frozen=True):
    """Two files that do not go together."""

    message: str
    expected: str
    """What one of them demands."""
    seen: str
    """What the other shows."""


class Check(Struct, frozen=True):
    """One warning code and the function that finds what it warns of."""

    code: str
    find: Callable[[Examined], Iterator[Contradiction]]
    needs: tuple[Part, ...] = ()
    """Parts without which it finds nothing."""
    kinds: tuple[str, ...] = ("model",)
    """Kinds of checkpoints it is right for."""


class Examined:
    """One checkpoint, read and identified; nothing further is read for a check."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.found: Gathered = findings.found
        self.index: TensorIndex = findings.found.index
        self.fingerprint: Fingerprint = findings.fingerprint
        self.architecture: Architecture = findings.fingerprint.architecture
        self.tokenizer: Tokenizer | None = findings.fingerprint.tokenizer
        self.is_gguf = findings.found.form.name == "gguf"

    @cached_property
    def layout(self) -> Layout:
        """The tensors by towers, blocks and roles."""
        return organise(self.index)

    @cached_property
    def text_config(self) -> dict[str, Any]:
        """The language tower's part of config.json."""
        return find_text_config(self.found.config)

    def side_file(self, name: str) -> Mapping[str, Any]:
        """Return a decoded JSON file; an empty table for one that is absent or no table."""
        table = self.found.side_files.get(name)
        return table if isinstance(table, Mapping) else {}

    def is_from_header(self, trait: str) -> bool:
        """Return whether tensors show this trait of the architecture."""
        return "header" in self.architecture.seen_in.get(trait, ())

    def is_stated(self, trait: str) -> bool:
        """Return whether config.json itself states this trait of the architecture."""
        return "config" in self.architecture.seen_in.get(trait, ())

    @cached_property
    def added_ids(self) -> dict[str, int]:
        """Added tokens by text, as the small files beside the vocabulary list them."""
        listed = self.side_file("added_tokens.json").items()
        found: dict[str, int] = {text: number for text, number in listed if type(number) is int}
        decoder = self.side_file("tokenizer_config.json").get("added_tokens_decoder")
        for number, entry in decoder.items() if isinstance(decoder, dict) else ():
            text: Any = entry.get("content") if isinstance(entry, dict) else None
            if isinstance(text, str) and number.isdecimal() and len(number) < MAX_DIGITS:
                found[text] = int(number)
        return found


MAX_DIGITS = 10


def join(names: Iterable[object], most: int = MAX_NAMED) -> str:
    """Return names as a list of words, cut after `most`."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(str(name)[:120] for name in listed[:most]) + more
