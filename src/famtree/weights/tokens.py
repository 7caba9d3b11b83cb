"""Rows of the embedding that belong to the same token on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree.errors import TokenizerError
from famtree.fingerprints.gguf_vocabulary import read_gguf_vocabulary
from famtree.fingerprints.tokenizer import choose_vocabulary_files, list_vocabulary

if TYPE_CHECKING:
    from famtree.weights.draw import Draw
    from famtree.weights.open import Weights

MAX_VOCABULARY = 64 << 20
_START = 2000
"""First token taken where the vocabulary is large: past control and byte tokens, still frequent."""


def shared_rows(
    a: Weights, b: Weights, count: int, draw: Draw | None = None
) -> list[tuple[int, int]]:
    """Return up to `count` pairs of rows (in `a`, in `b`) of one token string.

    Where they begin is drawn, from the first half of a vocabulary; without `draw` it is fixed.
    Consecutive rows of `a`, so that they are read in one range. Where both list the same
    vocabulary file, rows are equal and no vocabulary is read; else both are, which may cost
    megabytes over a network. Empty where no vocabulary can be had.
    """
    hashes = _hashes(a), _hashes(b)
    if hashes[0] and hashes[0] == hashes[1]:
        # Control tokens and padding lie at the ends; the middle is safe for every vocabulary.
        rows = min(_size(a), _size(b))
        start = _choose_start(rows, count, draw)
        return [(row, row) for row in range(start, min(start + count, rows))]
    left, right = read_tokens(a), read_tokens(b)
    if not left or not right:
        return []
    pairs = sorted((row, right[token]) for token, row in left.items() if token in right)
    start = _choose_start(len(pairs), count, draw)
    return pairs[start : start + count]


def _choose_start(rows: int, count: int, draw: Draw | None) -> int:
    first = min(_START, rows // 4)
    return (
        first if draw is None else first + draw.number(max(1, rows // 2 - count - first), "token")
    )


def read_tokens(weights: Weights) -> dict[str, int]:
    """Return token string -> row; empty where there is no vocabulary or it is not readable."""
    if weights.tokens is None:
        try:
            weights.tokens = _read(weights)
        except TokenizerError:
            weights.tokens = {}
    return weights.tokens


def _read(weights: Weights) -> dict[str, int]:
    reader = weights.gguf_metadata
    if reader is not None:
        wanted = ("tokenizer.ggml.tokens", "tokenizer.ggml.token_type")
        found = {name: reader.decode(name) for name in wanted}
        found["tokenizer.ggml.model"] = reader.header.metadata.get("tokenizer.ggml.model")
        vocabulary = read_gguf_vocabulary(found)
    else:
        chosen = choose_vocabulary_files(entry.name for entry in weights.listing.files)
        if not chosen:
            return {}
        wave = weights.source.read_wave(chosen, {}, limit=MAX_VOCABULARY)
        files = {name: data for name, data in wave.items() if isinstance(data, bytes)}
        if len(files) < len(chosen):
            return {}
        vocabulary = list_vocabulary(files)
    return dict(vocabulary.tokens) if vocabulary is not None else {}


def _hashes(weights: Weights) -> dict[str, str]:
    chosen = choose_vocabulary_files(entry.name for entry in weights.listing.files)
    found = {}
    for name in chosen:
        entry = weights.listing.find(name)
        known = (entry.sha256 or entry.blob_id) if entry is not None else None
        if known is None:
            return {}
        found[name] = known
    return found


def _size(weights: Weights) -> int:
    known = weights.architecture
    return (known.vocab_rows or 0) if known is not None else 0
