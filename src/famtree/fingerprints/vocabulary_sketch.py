"""A 4 kB stand-in for a whole vocabulary, by which overlap is estimated without the vocabulary.

Bottom-k sketch (Cohen and Kaplan, 2007): the 256 tokens with the smallest hashes. As every sketch
keeps the smallest hashes of the same function, the part of two sketches below a common threshold
is an unbiased sample of both vocabularies. Token ids are kept beside the hashes, because overlap
without equal ids is shared construction at most: inserting control tokens in front shifts all.
"""

from __future__ import annotations

import binascii
import codecs
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate, islice
from typing import Any
from zlib import crc32

from msgspec import Struct

from famtree.errors import TokenizerError
from famtree.fingerprints.vocabulary import BLOCK, Form, byte_alphabet

SKETCH_SIZE = 256
_RECORD = struct.Struct("<QI")
_WORD = 0xFFFFFFFF
_BLANK = "\u2581".encode()
_BYTE_PIECES = [(f"<0x{byte:02X}>", bytes([byte])) for byte in range(256)]


class SketchMatch(Struct, frozen=True):
    """Estimated overlap of two vocabularies; every share is within 0..1."""

    jaccard: float
    containment_ab: float
    """Share of a's tokens that b has."""
    id_agreement: float | None
    """Share of the common tokens that have the same id in both; None without common tokens."""
    shared: int
    """Common tokens in the sample."""
    sampled: int
    """Tokens of either vocabulary in the sample: the standard error of `jaccard` is about
    sqrt(jaccard * (1 - jaccard) / sampled)."""


def normalise_tokens(tokens: Mapping[str, int], form: Form) -> tuple[list[bytes], list[int]]:
    """Return the bytes each token stands for, and its id, whichever file the token came from.

    GPT-2's alphabet becomes bytes; U+2581 becomes a blank and `<0xNN>` its byte; a word start of
    WordPiece gets a blank in front and `##` goes (GGUF keeps BERT vocabularies in that spelling).
    """
    ids = list(tokens.values())
    if form == "byte-level":
        return _normalise_byte_level(tokens), ids
    if form == "sentencepiece":
        return _normalise_pieces(tokens)
    if form == "wordpiece":
        return [_encode_wordpiece(token) for token in tokens], ids
    return [token.encode("utf-8", "surrogatepass") for token in tokens], ids


def _normalise_byte_level(tokens: Mapping[str, int]) -> list[bytes]:
    """Encode all tokens at once and cut: one character is one byte."""
    table = codecs.charmap_build(byte_alphabet())
    try:
        joined: bytes = codecs.charmap_encode("".join(tokens), "strict", table)[0]
    except UnicodeEncodeError:  # some token is spelled otherwise
        return [_encode_byte_level(token, table) for token in tokens]
    ends = list(accumulate(map(len, tokens)))
    return [joined[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _normalise_pieces(tokens: Mapping[str, int]) -> tuple[list[bytes], list[int]]:
    """Work on all pieces as one text: one call a piece would take three times as long."""
    rest = dict(tokens)
    fallback = {text: rest.pop(name) for name, text in _BYTE_PIECES if name in rest}
    joined = "\0".join(rest).encode("utf-8", "surrogatepass")
    texts = joined.replace(_BLANK, b" ").split(b"\0")
    if len(texts) != len(rest):
        texts = [token.encode("utf-8", "surrogatepass").replace(_BLANK, b" ") for token in rest]
    return [*texts, *fallback], [*rest.values(), *fallback.values()]


def build_sketch(texts: Sequence[bytes], ids: Sequence[int]) -> str:
    """Return the sketch of normalised tokens and their ids as base64.

    The hash of a token is 64 bits: its CRC-32 above the low 32 bits of its blake2b. The upper
    half orders nearly all tokens by itself, so the costly half is computed for few.
    """
    return _sketch(lambda: [(texts, ids)], len(texts))


def sketch_tokens(tokens: Mapping[str, int], form: Form) -> str:
    """Return the sketch of a whole vocabulary, of which only a block is normalised at a time."""

    def blocks() -> Iterator[tuple[list[bytes], list[int]]]:
        items = iter(tokens.items())
        while block := dict(islice(items, BLOCK)):
            yield normalise_tokens(block, form)

    return _sketch(blocks, len(tokens))


def _sketch(
    blocks: Callable[[], Iterable[tuple[Sequence[bytes], Sequence[int]]]], count: int
) -> str:
    kept: dict[int, int] = {}
    few = 2 * SKETCH_SIZE * _WORD // max(count, 1)
    for bound in (min(few, _WORD), _WORD):  # the second round is needed for repeated tokens only
        for texts, ids in blocks():
            sums = list(map(crc32, texts))
            at = -1
            for value in [value for value in sums if value <= bound]:
                at = sums.index(value, at + 1)
                low = int.from_bytes(blake2b(texts[at], digest_size=4).digest(), "little")
                key = value << 32 | low
                kept[key] = min(ids[at], kept.get(key, ids[at]))
        if len(kept) >= SKETCH_SIZE:
            break
    records = sorted(kept.items())[:SKETCH_SIZE]
    return b64encode(b"".join(_RECORD.pack(key, at & _WORD) for key, at in records)).decode()


def compare_sketches(a: str, b: str) -> SketchMatch:
    """Estimate the overlap of the vocabularies behind two sketches.

    Raises TokenizerError when one of them is not a sketch. Two empty sketches share nothing.
    """
    left, right = _decode(a), _decode(b)
    bound = min(_complete_below(left), _complete_below(right))
    in_a = {key for key in left if key <= bound}
    in_b = {key for key in right if key <= bound}
    common, either = in_a & in_b, len(in_a | in_b)
    same = sum(left[key] == right[key] for key in common)
    return SketchMatch(
        jaccard=len(common) / either if either else 0.0,
        containment_ab=len(common) / len(in_a) if in_a else 0.0,
        id_agreement=same / len(common) if common else None,
        shared=len(common),
        sampled=either,
    )


def _complete_below(records: Mapping[int, int]) -> int:
    """Return the hash up to which a sketch is complete: a sketch that is not full has it all."""
    return max(records) if len(records) >= SKETCH_SIZE else (1 << 64) - 1


@lru_cache(maxsize=512)
def _decode(sketch: str) -> Mapping[int, int]:
    """Return hash to id. One sketch is compared with all on record, and those with many."""
    try:
        data = b64decode(sketch, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise TokenizerError("a vocabulary sketch is not base64", hint=_HINT) from fault
    if len(data) % _RECORD.size or len(data) > SKETCH_SIZE * _RECORD.size:
        raise TokenizerError("a vocabulary sketch has the wrong length", hint=_HINT)
    return dict(_RECORD.iter_unpack(data))


_HINT = "make it again with `famtree families draft`"


def _encode_byte_level(token: str, table: Any) -> bytes:
    try:
        encoded: bytes = codecs.charmap_encode(token, "strict", table)[0]
    except UnicodeEncodeError:
        return token.encode("utf-8", "surrogatepass")
    return encoded


def _encode_wordpiece(token: str) -> bytes:
    if token.startswith("##") and len(token) > 2:
        token = token[2:]
    elif not (token.startswith("[") and token.endswith("]")):
        token = " " + token
    return token.encode("utf-8", "surrogatepass")
