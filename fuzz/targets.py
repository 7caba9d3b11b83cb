"""What is fuzzed: one function a format, from any bytes to an answer or an error of famtree's own.

Each raises AssertionError where an accepted input breaks a promise, and lets every exception
through that is no refusal. Usable without a fuzzer: the tests replay corpus and crashes with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import thread_time
from zlib import crc32

import document_targets as documents
from famtree.checkpoint.claims import collect_claims
from famtree.checkpoint.readme import read_text_claims
from famtree.errors import HeaderError, TokenizerError
from famtree.fingerprints.gguf_vocabulary import read_gguf_vocabulary
from famtree.fingerprints.sentencepiece_model import read_sentencepiece
from famtree.fingerprints.tokenizer import build_tokenizer
from famtree.fingerprints.vocabulary import digest_merges, digest_merges_sorted, digest_vocabulary
from famtree.sources import safetensors_header
from famtree.sources.card import parse_card
from famtree.sources.gguf_header import GgufReader, HeaderLimitError
from famtree.sources.safetensors_header import parse_header
from famtree.types.checkpoint import Listing
from redirect_target import fuzz_redirect

GGUF_LIMIT = 1 << 20
"""Bytes; an array may claim megabytes that are not there, which takes time and shows nothing."""

MOST_SECONDS = 5
"""Of CPU: what a whole checkpoint may take, for a few kilobytes under instrumentation."""
ONE_IN, REPEATS = 128, 64


def fuzz_safetensors(data: bytes) -> None:
    """Read a safetensors header; its two decoders must agree where both accept it."""
    try:
        header = parse_header(data, "x", file_size=None)
    except HeaderError:
        return
    tensors = header.tensors.values()
    assert sum(tensor.nbytes for tensor in tensors) == header.data_size
    assert all(0 <= tensor.begin <= tensor.end for tensor in tensors)
    text = data[8 : 8 + header.length]
    try:
        typed, metadata = safetensors_header._decode_typed(text, "x")
    except HeaderError:
        return
    assert (typed, metadata) == (header.tensors, header.metadata)


def fuzz_gguf(data: bytes) -> None:
    """Read a GGUF header whole and decode its arrays, with the file's size known and unknown."""
    for size in (len(data), None):
        try:
            reader = GgufReader(
                lambda start, stop: data[start:stop], "x", size=size, limit=GGUF_LIMIT
            )
            reader.read_design()
            header = reader.read_rest()
        except HeaderError:
            continue
        except HeaderLimitError:
            assert size is None, "a file of known size ends before the limit"
            continue
        assert header.complete
        assert header.length <= len(data)
        assert len(header.tensors) == header.tensor_count
        decoded = {key: reader.decode(key) for key in header.metadata}
        try:
            read_gguf_vocabulary(
                {
                    key: value if decoded[key] is None else decoded[key]
                    for key, value in header.metadata.items()
                }
            )
        except TokenizerError:
            continue


def fuzz_tokenizer_json(data: bytes) -> None:
    """Fingerprint a tokenizer.json."""
    try:
        found = build_tokenizer({"tokenizer.json": data})
    except TokenizerError:
        return
    assert found is not None
    assert found.vocabulary is not None


def fuzz_sentencepiece(data: bytes) -> None:
    """Read a SentencePiece model and digest its vocabulary."""
    try:
        found = read_sentencepiece(data)
    except TokenizerError:
        return
    assert found.base_entries is not None
    assert 0 < len(found.tokens) + len(found.added) <= found.base_entries
    digest_vocabulary(found.tokens)
    if found.merges is not None:
        assert digest_merges(found.merges) != digest_merges_sorted(found.merges)


def fuzz_card(data: bytes) -> None:
    """Read a card's front matter, and the claims in it and in the text below."""
    card = parse_card(data)
    listing = Listing((), card=card)
    for claim in collect_claims("org/name", listing, {}, {}):
        assert claim.parent
    for claim in read_text_claims(data.decode("utf-8", "replace")):
        assert claim.parent


def watch(target: Callable[[bytes], None], data: bytes) -> None:
    """Call `target`, which may take so much CPU time; now and then with a part that repeats.

    Some hundred bytes show no time that grows with the square of their number; thousands do.
    """
    lot = crc32(data)
    begin, end = sorted(((lot >> 7) % (len(data) + 1), (lot >> 19) % (len(data) + 1)))
    stretched = data[:begin] + data[begin:end] * REPEATS + data[end:]
    for given in (data, stretched) if lot % ONE_IN == 0 else (data,):
        started = thread_time()
        target(given)
        spent = thread_time() - started
        assert spent <= MOST_SECONDS, f"{spent:.1f} s of CPU for {len(given)} bytes"


_TARGETS: dict[str, Callable[[bytes], None]] = {
    "safetensors": fuzz_safetensors,
    "gguf": fuzz_gguf,
    "tokenizer-json": fuzz_tokenizer_json,
    "sentencepiece": fuzz_sentencepiece,
    "card": fuzz_card,
    "redirect": fuzz_redirect,
    "hub-listing": documents.fuzz_hub_listing,
    "tekken": documents.fuzz_tekken,
    "tiktoken": documents.fuzz_tiktoken,
    "mergekit": documents.fuzz_mergekit,
    "onnx": documents.fuzz_onnx,
    "archive": documents.fuzz_archive,
    "adapter": documents.fuzz_adapter,
    "policy": documents.fuzz_policy,
}
TARGETS = {name: partial(watch, target) for name, target in _TARGETS.items()}
