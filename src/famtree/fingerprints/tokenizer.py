"""Tokenizer signature: one value for one vocabulary, whichever files carry it.

Reading is lazy: parsers that need msgspec are imported when such a file is there. Which file
carries the vocabulary is decided from names alone, so that a caller can plan what to fetch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import chain
from typing import Any

from famtree.fingerprints.digest import digest, digest_rows
from famtree.fingerprints.special_tokens import SIDE_FILES, SideFacts, find_markers, read_side_files
from famtree.fingerprints.vocabulary import (
    AddedToken,
    Vocabulary,
    digest_merges,
    digest_merges_sorted,
    digest_vocabulary,
)
from famtree.fingerprints.vocabulary_sketch import sketch_tokens
from famtree.types.family import KnownTokenizer
from famtree.types.fingerprint import Digest, Tokenizer

__all__ = [
    "SIDE_FILES",
    "VOCABULARY_FILES",
    "build_gguf_tokenizer",
    "build_tokenizer",
    "choose_vocabulary_files",
    "list_vocabulary",
    "read_tokenizer",
    "recognise_tokenizer",
]

VOCABULARY_FILES: tuple[tuple[str, ...], ...] = (
    ("tokenizer.json",),
    ("tokenizer.model",),
    ("tekken.json",),
    ("*.tiktoken",),
    ("tiktoken.model",),
    ("spiece.model",),
    ("sentencepiece.bpe.model",),
    ("tokenizer.model.v*",),
    ("*.model",),
    ("vocab.json", "merges.txt"),
    ("rwkv_vocab*.txt",),
    ("vocab.txt",),
    ("vocab.json",),
)
"""Names, or patterns of names, that together carry a whole vocabulary; best first. tokenizer.json
leads because it alone has merges, added tokens, normalizer and pre-tokenizer in one place."""

DIGESTED = ("vocabulary", "merges", "added", "pre_tokenizer")


def choose_vocabulary_files(names: Iterable[str]) -> tuple[str, ...]:
    """Return the fewest of `names` that carry a whole vocabulary; empty when none do.

    Of several that fit one pattern the last by name is taken: version suffixes grow.
    """
    return _choose_vocabulary_files(tuple(sorted(name for name in names if "/" not in name)))


@lru_cache(maxsize=64)
def _choose_vocabulary_files(top_level: tuple[str, ...]) -> tuple[str, ...]:
    for patterns in VOCABULARY_FILES:
        found = [_find_fitting(top_level, pattern) for pattern in patterns]
        if all(found):
            return tuple(matching[-1] for matching in found)
    return ()


def _find_fitting(names: tuple[str, ...], pattern: str) -> list[str]:
    """Return the names that fit a pattern of one star at the most."""
    start, star, end = pattern.partition("*")
    if not star:
        return [pattern] if pattern in names else []
    least = len(start) + len(end)
    return [
        name
        for name in names
        if name.endswith(end) and name.startswith(start) and len(name) >= least
    ]


def build_tokenizer(
    files: Mapping[str, bytes], *, hashes: Mapping[str, str] | None = None
) -> Tokenizer | None:
    """Build the signature from the raw bytes of vocabulary and side files.

    `hashes` gives sha256 or `git:<blob id>` of every tokenizer file listed, read or not; it is
    recorded and otherwise unused. Without a vocabulary file the status is `partial`; without any
    tokenizer file at all the result is None. Raises TokenizerError naming an unreadable file.

    `digest` covers the digests of vocabulary, merges, added tokens and pre-tokenizer (each None
    where unknown) and nothing else: not the normalizer, which registry entries do not record,
    and not kind, class or special tokens, which are conversion choices.
    """
    return read_tokenizer(files, hashes=hashes)[0]


def read_tokenizer(
    files: Mapping[str, bytes], *, hashes: Mapping[str, str] | None = None
) -> tuple[Tokenizer | None, Vocabulary | None]:
    """Return the signature as `build_tokenizer` does, and the vocabulary it was built from."""
    chosen = choose_vocabulary_files(files)
    if not chosen and not any(name in files for name in SIDE_FILES):
        return None, None
    side = read_side_files(files)
    if not chosen:
        return _describe_side(side, hashes or {}, "no vocabulary file was read"), None
    vocabulary = _read_whole(chosen, files, side)
    return _describe(vocabulary, side, hashes or {}), vocabulary


def list_vocabulary(files: Mapping[str, bytes]) -> Vocabulary | None:
    """Return every token, merge and added token of the files; None without a vocabulary file.

    Raises TokenizerError naming an unreadable file.
    """
    chosen = choose_vocabulary_files(files)
    return _read_whole(chosen, files, read_side_files(files)) if chosen else None


def build_gguf_tokenizer(vocabulary: Vocabulary | None) -> Tokenizer | None:
    """Build the signature of a GGUF's vocabulary; None without one."""
    return None if vocabulary is None else _describe(vocabulary, SideFacts(), {})


def recognise_tokenizer(
    known: KnownTokenizer,
    files: Mapping[str, bytes],
    *,
    hashes: Mapping[str, str] | None = None,
) -> Tokenizer:
    """Return the signature of a published file known by its hash, without reading it.

    Digests, counts and sketch are the registry's; side files among `files` give class, special
    tokens and markers. The `digest` equals that of the same files read, as far as the entry
    records them. Raises TokenizerError naming an unreadable side file.
    """
    side = read_side_files(files)
    digests: dict[str, Any] = {name: _as_digest(getattr(known, name)) for name in DIGESTED}
    return Tokenizer.model_construct(
        digest=digest(digests),
        status="recognised",
        reason=f"file hash of {known.name}",
        kind=known.kind,
        tokenizer_class=side.tokenizer_class,
        entries=known.entries,
        base_entries=known.base_entries,
        merges_sorted=_as_digest(known.merges_sorted),
        added_count=known.added_count,
        sketch=known.sketch,
        special_tokens=side.special_tokens,
        markers=find_markers(side.added),
        files=dict(sorted((hashes or {}).items())),
        **digests,
    )


def _read_whole(chosen: tuple[str, ...], files: Mapping[str, bytes], side: SideFacts) -> Vocabulary:
    vocabulary = parse_vocabulary(chosen, files)
    if chosen != ("tokenizer.json",):
        _apply_side_files(vocabulary, side)
    return vocabulary


def parse_vocabulary(chosen: tuple[str, ...], files: Mapping[str, bytes]) -> Vocabulary:
    """Read by content where a name is used for several formats."""
    name, data = chosen[0], files[chosen[0]]
    if name == "tokenizer.json":
        from famtree.fingerprints.tokenizer_json import read_tokenizer_json

        return read_tokenizer_json(data, name)
    if name == "tekken.json":
        from famtree.fingerprints.tekken import read_tekken

        return read_tekken(data, name)
    if name.endswith((".json", ".txt")):
        from famtree.fingerprints import vocab_files

        if name.endswith(".json"):
            merges = files[chosen[1]] if len(chosen) > 1 else None
            return vocab_files.read_vocab_json(data, merges, name)
        if name == "vocab.txt":
            return vocab_files.read_vocab_text(data, name)
        return vocab_files.read_rwkv_vocab(data, name)
    from famtree.fingerprints.sentencepiece_model import read_sentencepiece
    from famtree.fingerprints.tiktoken_file import looks_like_tiktoken, read_tiktoken

    return (read_tiktoken if looks_like_tiktoken(data) else read_sentencepiece)(data, name)


def _apply_side_files(vocabulary: Vocabulary, side: SideFacts) -> None:
    """Add what only side files say; a file that lists added tokens itself is not corrected.

    Control tokens that a plain vocabulary lists among the others are known by their role.
    """
    for content, token in side.added.items():
        vocabulary.added.setdefault(content, token)
    for content in side.declared_special:
        if content in vocabulary.tokens:
            found = AddedToken(vocabulary.tokens[content], special=True)
            vocabulary.added.setdefault(content, found)


def _describe(vocabulary: Vocabulary, side: SideFacts, hashes: Mapping[str, str]) -> Tokenizer:
    """Where no file lists added tokens, what depends on them stays unknown.

    Those that are listed are no tokens of the base any more.
    """
    added, base = vocabulary.added, vocabulary.tokens
    for content in added:
        base.pop(content, None)
    merges = vocabulary.merges
    complete = bool(added) or vocabulary.lists_added
    digests: dict[str, Any] = {
        "vocabulary": digest_vocabulary(base),
        "merges": digest_merges(merges) if merges else None,
        "added": digest_added(added) if complete else None,
        "pre_tokenizer": _digest_block(vocabulary.pre_tokenizer),
    }
    special = {**vocabulary.special_tokens, **side.special_tokens}
    return Tokenizer.model_construct(
        digest=digest(digests),
        kind=vocabulary.kind,
        tokenizer_class=side.tokenizer_class,
        entries=len(base) + len(added) if complete else None,
        base_entries=vocabulary.base_entries,
        max_id=_find_highest(base, added) if complete else None,
        merges_sorted=digest_merges_sorted(merges) if merges else None,
        merges_count=merges.count if merges else None,
        added_count=len(added) if complete else None,
        normalizer=_digest_block(vocabulary.normalizer),
        pre=vocabulary.pre,
        sketch=sketch_tokens(base, vocabulary.form),
        special_tokens=special,
        special_ids={
            role: number
            for role, text in special.items()
            if (number := added[text].id if text in added else base.get(text)) is not None
        },
        prefix=vocabulary.prefix,
        markers=find_markers(added),
        files=dict(sorted(hashes.items())),
        **digests,
    )


def _find_highest(base: Mapping[str, int], added: Mapping[str, AddedToken]) -> int | None:
    return max(chain(base.values(), (token.id for token in added.values())), default=None)


def _describe_side(side: SideFacts, hashes: Mapping[str, str], reason: str) -> Tokenizer:
    """Without the vocabulary only added tokens are certain, and those only if any are listed."""
    digests: dict[str, Digest | None] = dict.fromkeys(DIGESTED)
    if side.added:
        digests["added"] = digest_added(side.added)
    return Tokenizer.model_construct(
        digest=digest(digests),
        status="partial",
        reason=reason,
        tokenizer_class=side.tokenizer_class,
        added=digests["added"],
        added_count=len(side.added) or None,
        special_tokens=side.special_tokens,
        markers=find_markers(side.added),
        files=dict(sorted(hashes.items())),
    )


def digest_added(added: Mapping[str, AddedToken]) -> Digest:
    """Digest added tokens as (content, id, special), sorted."""
    return digest_rows([text, added[text].id, added[text].special] for text in sorted(added))


def _digest_block(block: Any) -> Digest | None:
    return None if block is None else digest(block)


def _as_digest(value: str | None) -> Digest | None:
    return None if value is None else Digest(value)
