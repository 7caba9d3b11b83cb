"""GGUF headers."""

from __future__ import annotations

import struct
from typing import Any

from gguf_files import Raw, decoder_tensors, design_of, vocabulary_of, write_gguf
from hostile_input.case import Case, Content, config, dump, sparse

FILE = "model.gguf"
_DESIGN = design_of("llama", block_count=2, embedding_length=256, feed_forward_length=512)
SOUND = write_gguf(_DESIGN | vocabulary_of(1000), decoder_tensors())


def _gguf(name: str, content: Content, expects: str = "bad-header", **more: Any) -> Case:
    return Case(f"gguf: {name}", expects, {FILE: content}, sound=False, **more)


def _start(tensors: int = 0, keys: int = 0, version: int = 3, magic: bytes = b"GGUF") -> bytes:
    return magic + struct.pack("<IQQ", version, tensors, keys)


def _text(text: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text


def _pair(key: bytes, kind: int, value: bytes) -> bytes:
    return _text(key) + struct.pack("<I", kind) + value


def _pairs(*pairs: bytes) -> bytes:
    return _start(keys=len(pairs)) + b"".join(pairs) + bytes(64)


def _array(kind: int, count: int, body: bytes = b"") -> bytes:
    return struct.pack("<IQ", kind, count) + body


def _tensor(name: bytes, dims: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    sizes = struct.pack(f"<{len(dims)}Q", *dims)
    return _text(name) + struct.pack("<I", len(dims)) + sizes + struct.pack("<IQ", kind, offset)


def _tensors(*tensors: bytes) -> bytes:
    return _start(tensors=len(tensors)) + b"".join(tensors) + bytes(256)


_HEADER = write_gguf(_DESIGN | vocabulary_of(40), decoder_tensors(rows=40), data=False)
_CUTS = (0, 3, 4, 7, 8, 15, 16, 23, 24, 30, 31, 32, 50, 51, 60, 100, 150, 200, 250, 300, 400, 600,
         800, 1000, 1200, 1500, 2000, len(_HEADER) - 60, len(_HEADER))  # fmt: skip
A = b"a"

GGUF = [
    _gguf("sound", SOUND, "unknown"),
    *(_gguf(f"truncated at byte {cut}", _HEADER[:cut]) for cut in _CUTS),
    _gguf("bad magic", _start(magic=b"FUGG") + bytes(64)),
    _gguf("old magic", b"ggml" + bytes(64), says="older than GGUF"),
    _gguf("git-LFS pointer", b"version https://git-lfs.github.com/spec/v1\noid x", says="LFS"),
    _gguf("HTML", b"<!doctype html><title>Sign in here, please</title>"),
    *(_gguf(f"version {number}", _start(version=number) + bytes(64))
      for number in (0, 1, 4, 1 << 31, (1 << 32) - 1)),
    *(_gguf(f"{keys} keys, {tensors} tensors", _start(tensors, keys) + bytes(100))
      for keys, tensors in ((1 << 63, 0), (0, 1 << 63), ((1 << 64) - 1, (1 << 64) - 1),
                            (65_537, 0), (100, 0), (0, 100))),
    _gguf("a million tensors in a sparse terabyte", sparse(_start(1_000_000), 1 << 40)),
    _gguf("65,536 keys in a sparse terabyte", sparse(_start(0, 65_536), 1 << 40)),
    _gguf("key past the end", _start(keys=1) + _text(A, 1000) + bytes(64)),
    _gguf("key of 2^63", _start(keys=1) + _text(A, 1 << 63) + bytes(64)),
    _gguf("key twice", _pairs(_pair(A, 4, bytes(4)), _pair(A, 4, bytes(4)))),
    _gguf("key that is no Unicode", _pairs(_pair(b"\xff", 4, bytes(4))), "unknown"),
    _gguf("value of unknown type", _pairs(_pair(A, 99, bytes(8)))),
    _gguf("text past the end", _pairs(_pair(A, 8, _text(A, 100_000)))),
    _gguf("text of 2^64-1", _pairs(_pair(A, 8, _text(A, (1 << 64) - 1)))),
    _gguf("text of 17 MB", sparse(_start(keys=1) + _pair(A, 8, _text(b"", 17 << 20)), 1 << 26)),
    _gguf("nested arrays", _pairs(_pair(A, 9, _array(9, 1, _array(9, 1, _array(4, 0)))))),
    _gguf("array of unknown type", _pairs(_pair(A, 9, _array(77, 3)))),
    _gguf("array of 2^63", _pairs(_pair(A, 9, _array(4, 1 << 63)))),
    _gguf("array past the end", _pairs(_pair(A, 9, _array(4, 10_000)))),
    _gguf("texts past the end", _pairs(_pair(A, 9, _array(8, 10_000)))),
    _gguf("texts of 2^63", _pairs(_pair(A, 9, _array(8, 2, _text(b"", 1 << 63) * 2)))),
    _gguf("a gigabyte of empty texts",
          sparse(_start(keys=1) + _pair(A, 9, _array(8, 120_000_000)), 1 << 30)),
    _gguf("4 million empty tokens", sparse(_start(keys=1) + _pair(
        b"tokenizer.ggml.tokens", 9, _array(8, 4_000_000)), 1 << 26)),
    _gguf("500,000 short tokens", lambda _: _pairs(_pair(
        b"tokenizer.ggml.tokens", 9, _array(8, 500_000, b"".join(
            _text(b"%05x" % at) for at in range(500_000))))), "unknown"),
    _gguf("250 million numbers",
          sparse(_start(keys=1) + _pair(A, 9, _array(4, 250_000_000)), 1 << 30)),
    _gguf("250 million token types", sparse(_start(keys=1) + _pair(
        b"tokenizer.ggml.token_type", 9, _array(5, 250_000_000)), 1 << 30)),
    *(_gguf(f"alignment {value}", _start(1, 1) + _pair(
        b"general.alignment", kind, struct.pack(form, value)) + _tensor(A, (2,)) + bytes(99))
      for kind, form, value in ((4, "<I", 0), (10, "<Q", 1 << 40), (5, "<i", -32))),
    _gguf("alignment text", _pairs(_pair(b"general.alignment", 8, _text(b"x")))),
    _gguf("architecture a number", _pairs(_pair(b"general.architecture", 4, bytes(4))), "unknown"),
    _gguf("architecture of escapes",
          _pairs(_pair(b"general.architecture", 8, _text(b"\x1b]0;owned\x07"))), "unknown"),
    *(_gguf(f"every value {value!r:.20}", write_gguf(
        {"general.architecture": "llama"} | dict.fromkeys((f"llama.{key}" for key in (
            "block_count", "embedding_length", "feed_forward_length", "attention.head_count",
            "attention.head_count_kv", "attention.key_length", "rope.freq_base", "context_length",
            "rope.scaling.type", "expert_count", "vocab_size", "rope.dimension_count")), value)
        | dict.fromkeys(("general.file_type", "general.quantization_version", "general.type",
                         "tokenizer.ggml.model", "tokenizer.chat_template",
                         "tokenizer.ggml.bos_token_id"), value)), "unknown")
      for value in (0, -1, Raw("u64", (1 << 64) - 1), float("nan"), float("inf"), "x", ["x"],
                    [1, 2], [0] * 4000, True)),
    _gguf("tokens numbers", write_gguf({"tokenizer.ggml.tokens": [1, 2]}), "unknown",
          warns="bad-tokenizer"),
    _gguf("merges no pairs", write_gguf({"tokenizer.ggml.tokens": ["a", "b"],
          "tokenizer.ggml.merges": ["ab"]}), "unknown", warns="bad-tokenizer"),
    _gguf("tensor twice", _tensors(_tensor(A, (2,)), _tensor(A, (2,)))),
    _gguf("tensor of 9 dimensions", _tensors(_tensor(A, (1,) * 9))),
    _gguf("tensor of 2^32-1 dimensions", _start(1) + _text(A) + b"\xff" * 60),
    _gguf("tensor of 2^64 weights", _tensors(_tensor(A, (1 << 32, 1 << 32)))),
    _gguf("tensor past the end", _tensors(_tensor(A, (4000,)))),
    _gguf("tensor at 2^63", _tensors(_tensor(A, (2,), 0, 1 << 63))),
    _gguf("tensor of an unknown type", _tensors(_tensor(A, (2,), 4_000_000_000)), "unknown"),
    _gguf("tensor of broken blocks", _tensors(_tensor(A, (3,), 12))),
    _gguf("tensor of no weights", _tensors(_tensor(b"token_embd.weight", (0, 0))), "unknown"),
    _gguf("300,000 tensors", lambda _: _tensors(
        *(_tensor(b"blk.%d.attn_q.weight" % at, (0,)) for at in range(300_000)))),
    _gguf("names of escapes", _tensors(_tensor(b"\x1b]0;owned\x07\x1b[2J", (2,))), "unknown"),
    Case("gguf: named by itself", "bad-header", {FILE: b"x"}, sound=False, target=FILE),
    Case("gguf: part 1 of 99,999", "unknown", {"m-00001-of-99999.gguf": SOUND}, sound=False,
         warns="shard-missing"),
    Case("gguf: 500 parts with 1,000 tensors each", "bad-header", {
        f"m-{at:05d}-of-00500.gguf": _tensors(*(
            _tensor(b"%d.%d" % (at, number), (0,)) for number in range(1000)))
        for at in range(1, 501)}, sound=False),
    Case("gguf: broken config.json beside it", "unknown", {FILE: SOUND, "config.json": b"["},
         sound=False, warns="side-file-unreadable"),
    Case("gguf: another config.json beside it", "unknown", {
        FILE: SOUND, "config.json": config(), "generation_config.json": dump([])}, sound=False,
        warns="side-file-unreadable"),
]  # fmt: skip
