"""Small tokenizer files of every kind, made up for the tests."""

from __future__ import annotations

import json
import struct
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, settings

from famtree.errors import TokenizerError

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For property tests: busy machines make single examples slow."""

TOKENS = {"a": 0, "b": 1, "Ġ": 2, "ab": 3, "Ġa": 4, "\\": 5, '"': 6, ",": 7, "日": 8}
MERGES = [("a", "b"), ("Ġ", "a"), ("\\", '"'), (",", ",")]
ADDED = [
    {"id": 9, "content": "<|im_start|>", "special": True},
    {"id": 10, "content": "<think>", "special": False},
]
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}


def tokenizer_table(**changes: Any) -> dict[str, Any]:
    """Return a byte-level BPE tokenizer.json as data; `changes` replace top-level blocks."""
    model = {
        "type": "BPE",
        "vocab": dict(TOKENS),
        "merges": [" ".join(pair) for pair in MERGES],
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": ADDED,
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": BYTE_LEVEL,
        "post_processor": None,
        "decoder": BYTE_LEVEL,
        "model": model,
    } | changes


def tokenizer_json(**changes: Any) -> bytes:
    return json.dumps(tokenizer_table(**changes), ensure_ascii=False).encode()


def sentencepiece(pieces: list[tuple[str, int]], model_type: int = 2) -> bytes:
    """Encode a ModelProto of (piece, type)."""
    out = b""
    for piece, kind in pieces:
        text = piece.encode()
        record = b"\x0a" + varint(len(text)) + text + b"\x15" + struct.pack("<f", -1.0)
        if kind != 1:
            record += b"\x18" + varint(kind)
        out += b"\x0a" + varint(len(record)) + record
    trainer = b"\x0a\x01x" + b"\x18" + varint(model_type)
    return out + b"\x12" + varint(len(trainer)) + trainer


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def tiktoken(tokens: list[bytes]) -> bytes:
    return b"".join(b"%s %d\n" % (b64encode(text) or b"=", at) for at, text in enumerate(tokens))


def tekken(tokens: list[bytes], reserved: int, used: int, **config: Any) -> bytes:
    """Encode ranks; `used` of them are in use, behind `reserved` special ids."""
    table = {
        "config": {
            "default_vocab_size": used + reserved,
            "default_num_special_tokens": reserved,
            "pattern": "[a-z]+",
            **config,
        },
        "vocab": [
            {"rank": at, "token_bytes": b64encode(text).decode(), "token_str": None}
            for at, text in enumerate(tokens)
        ],
        "special_tokens": [{"rank": 0, "token_str": "<s>", "is_control": True}],
    }
    return json.dumps(table).encode()


@contextmanager
def may_refuse(name: str) -> Iterator[None]:
    """Let pass a TokenizerError that names the file; any other exception is a bug."""
    try:
        yield
    except TokenizerError as fault:
        if name not in fault.message:
            raise
