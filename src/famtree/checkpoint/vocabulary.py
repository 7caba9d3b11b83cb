"""Whether to read a tokenizer of many megabytes: only when it could change the answer."""

from __future__ import annotations

from msgspec import Struct

from famtree.checkpoint.gathered import Gathered
from famtree.fingerprints.tokenizer import (
    SIDE_FILES,
    build_tokenizer,
    choose_vocabulary_files,
    list_vocabulary,
    read_tokenizer,
    recognise_tokenizer,
)
from famtree.fingerprints.vocabulary import Vocabulary
from famtree.registry.registry import Registry
from famtree.types.checkpoint import FileEntry, Missing
from famtree.types.family import KnownTokenizer
from famtree.types.fingerprint import Tokenizer
from famtree.types.identification import Notice
from famtree.types.source import CheckpointSource

MAX_LOCAL = 24 << 20
"""Local vocabulary files up to this size are always read: parsing 20 MB takes a quarter second."""
MAX_ANY = 48 << 20


def first_look(found: Gathered, registry: Registry, *, local: bool) -> Tokenizer | None:
    """Return what listing and side files tell: a recognised vocabulary, or a partial signature."""
    chosen = choose_vocabulary_files(entry.name for entry in found.listing.files)
    side = {name: found.raw[name] for name in SIDE_FILES if name in found.raw}
    hashes = _hashes(found, chosen, local=local)
    known = None if local else _recognise(chosen, hashes, registry)
    if known is not None:
        return recognise_tokenizer(known, side, hashes=hashes)
    partial = build_tokenizer(side, hashes=hashes)
    if partial is None or not chosen:
        return partial
    return partial.model_copy(update={"reason": f"{', '.join(chosen)} not read"})


class UnreadVocabulary(Struct, frozen=True):
    """Vocabulary files that were not read yet, and their size in bytes."""

    files: tuple[str, ...]
    size: int

    def cheap(self, *, local: bool) -> bool:
        """Return whether reading costs less than deciding whether to read."""
        return local and self.size <= MAX_LOCAL


def find_unread(found: Gathered, tokenizer: Tokenizer | None) -> UnreadVocabulary:
    """Return what could still be read of the vocabulary; nothing when it is recognised."""
    if tokenizer is not None and tokenizer.status == "recognised":
        return UnreadVocabulary((), 0)
    chosen = choose_vocabulary_files(entry.name for entry in found.listing.files)
    size = sum(_entry(found, name).size or 0 for name in chosen)
    return UnreadVocabulary(chosen if size <= MAX_ANY else (), size)


def warn_of_unread(found: Gathered) -> Notice:
    """Return the warning that a folder's vocabulary is judged by as little as the Hub's."""
    chosen = choose_vocabulary_files(entry.name for entry in found.listing.files)
    size = sum(_entry(found, name).size or 0 for name in chosen)
    told = (
        f"{', '.join(chosen)} ({size / 1e6:.0f} MB) not read: what else was read settles the answer"
    )
    return Notice.model_construct(code="tokenizer-unread", message=told[:300])


def read_vocabulary(
    source: CheckpointSource, found: Gathered, chosen: tuple[str, ...], registry: Registry
) -> Tokenizer | None:
    """Read the vocabulary files and return the full signature.

    Raises TokenizerError for an unreadable file. A file whose bytes are known is recognised and
    not parsed.
    """
    wave = source.read_wave(chosen, {}, limit=MAX_ANY)
    files = {name: data for name, data in wave.items() if isinstance(data, bytes)}
    hashes = _hashes(found, chosen, local=source.near)
    side = {name: found.raw[name] for name in SIDE_FILES if name in found.raw}
    if len(files) == len(chosen) == 1:
        from famtree.sources.hashes import hash_sha256

        (name,) = chosen
        hashes[name] = hash_sha256(files[name])
        known = _recognise(chosen, hashes, registry)
        if known is not None:
            return recognise_tokenizer(known, side, hashes=hashes)
    if len(files) < len(chosen):
        lost = next(data for data in wave.values() if isinstance(data, Missing))
        partial = build_tokenizer(side, hashes=hashes)
        reason = f"{lost.name}: {lost.reason}"
        return None if partial is None else partial.model_copy(update={"reason": reason})
    tokenizer, vocabulary = read_tokenizer({**side, **files}, hashes=hashes)
    found.keep(vocabulary)
    return tokenizer


def list_folder_tokens(source: CheckpointSource, found: Gathered) -> Vocabulary | None:
    """Read every token and merge; None where there is no vocabulary, or it could not be read.

    Raises TokenizerError for an unreadable file.
    """
    chosen = choose_vocabulary_files(entry.name for entry in found.listing.files)
    if not chosen or sum(_entry(found, name).size or 0 for name in chosen) > MAX_ANY:
        return None
    wave = source.read_wave(chosen, {}, limit=MAX_ANY)
    files = {name: data for name, data in wave.items() if isinstance(data, bytes)}
    if len(files) < len(chosen):
        return None
    side = {name: found.raw[name] for name in SIDE_FILES if name in found.raw}
    return list_vocabulary({**side, **files})


def _recognise(
    chosen: tuple[str, ...], hashes: dict[str, str], registry: Registry
) -> KnownTokenizer | None:
    for name in chosen:
        hit = registry.tokenizers_by_file.get(hashes.get(name, ""))
        if hit is not None:
            return hit[1]
    return None


def _hashes(found: Gathered, chosen: tuple[str, ...], *, local: bool) -> dict[str, str]:
    """Return what is known of the files' hashes; of a folder, nothing that it says of itself."""
    names = {*chosen, *(name for name in SIDE_FILES if found.listing.find(name))}
    hashes: dict[str, str] = {}
    for name in sorted(names):
        entry = _entry(found, name)
        if entry.sha256:
            hashes[name] = entry.sha256
        elif entry.blob_id:
            hashes[name] = f"git:{entry.blob_id}"
        elif entry.recorded and not local:
            hashes[name] = entry.stated or f"git:{entry.recorded}"
    return hashes


def _entry(found: Gathered, name: str) -> FileEntry:
    return found.listing.find(name) or FileEntry(name)
