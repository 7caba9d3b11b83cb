"""Shapes of GGUF, ONNX and PyTorch files."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

from hostile_input.shapes.shape import CONFIG, MIB, Shape, varint


def _string(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def _pair(key: bytes, kind: int, value: bytes) -> bytes:
    return _string(key) + struct.pack("<I", kind) + value


_ARCH = _pair(b"general.architecture", 8, _string(b"unheard-of"))


def gguf(pairs: list[bytes], described: list[bytes] | None = None) -> bytes:
    """Return a GGUF header."""
    described = described or []
    start = b"GGUF" + struct.pack("<IQQ", 3, len(described), len(pairs) + 1)
    return start + _ARCH + b"".join(pairs) + b"".join(described) + bytes(64)


def _strings(key: bytes, items: list[bytes]) -> bytes:
    body = b"".join(map(_string, items))
    return _pair(key, 9, struct.pack("<IQ", 8, len(items)) + body)


def describe_tensor(name: bytes) -> bytes:
    return _string(name) + struct.pack("<IQIQ", 1, 0, 0, 0)


def _words(size: int, length: int, start: bytes = b"") -> list[bytes]:
    count = max(1, min(590_000, size // (length + 8)))
    return [(start + b"%x" % at).ljust(length, b"e") for at in range(count)]


_MODEL = _pair(b"tokenizer.ggml.model", 8, _string(b"gpt2"))


def _gguf(name: str, make: Callable[[int], bytes], largest: int = 48 * MIB - 200) -> Shape:
    return Shape("GGUF", name, lambda size: {"model.gguf": make(size)}, largest)


GGUFS = [
    _gguf("600,000 tokens", lambda size: gguf([
        _MODEL, _strings(b"tokenizer.ggml.tokens", _words(size, 98))])),
    _gguf("600,000 short tokens", lambda size: gguf([
        _MODEL, _strings(b"tokenizer.ggml.tokens", _words(size, 6))]), 8_300_000),
    _gguf("600,000 wide tokens", lambda size: gguf([
        _MODEL, _strings(b"tokenizer.ggml.tokens", _words(size, 98, b"\xf0\x9f\x98\x80"))])),
    _gguf("600,000 pieces", lambda size: gguf([
        _pair(b"tokenizer.ggml.model", 8, _string(b"llama")),
        _strings(b"tokenizer.ggml.tokens", _words(size, 98, b"\xe2\x96\x81"))])),
    _gguf("600,000 words of BERT", lambda size: gguf([
        _pair(b"tokenizer.ggml.model", 8, _string(b"bert")),
        _strings(b"tokenizer.ggml.tokens", _words(size, 98))])),
    _gguf("600,000 user-defined tokens", lambda size: gguf([
        _MODEL, _strings(b"tokenizer.ggml.tokens", _words(size, 94)),
        _pair(b"tokenizer.ggml.token_type", 9, struct.pack("<IQ", 5, len(_words(size, 94)))
              + b"\x04\0\0\0" * len(_words(size, 94)))]), 45 * MIB),
    _gguf("600,000 merges", lambda size: gguf([
        _MODEL, _strings(b"tokenizer.ggml.tokens", [b"a", b"b"]),
        _strings(b"tokenizer.ggml.merges", [b"a " + word for word in _words(size, 96)])])),
    _gguf("tokens and merges", lambda size: gguf([
        _MODEL, _strings(b"tokenizer.ggml.tokens", _words(size // 2, 44)),
        _strings(b"tokenizer.ggml.merges", [b"a " + word for word in _words(size // 2, 42)])])),
    _gguf("one string", lambda size: gguf([_pair(b"x", 8, _string(b"a" * size))]), 16 * MIB),
    _gguf("strings", lambda size: gguf([
        _pair(b"x%d" % at, 8, _string(b"a" * (size // 4))) for at in range(4)])),
    _gguf("strings that are no UTF-8", lambda size: gguf([
        _pair(b"x%d" % at, 8, _string(b"\xff" * (size // 4))) for at in range(4)])),
    _gguf("one token", lambda size: gguf([
        _MODEL, _strings(b"tokenizer.ggml.tokens", [b"a" * size])])),
    _gguf("one token that is no UTF-8", lambda size: gguf([
        _MODEL, _strings(b"tokenizer.ggml.tokens", [b"\xff" * size])])),
    _gguf("tokens that are no UTF-8", lambda size: gguf([
        _MODEL, _strings(b"tokenizer.ggml.tokens", [b"\xff" * 100] * (size // 108))])),
    _gguf("a template", lambda size: gguf([
        _pair(b"tokenizer.chat_template", 8, _string(b"<|" * (size // 2)))]), 16 * MIB),
    _gguf("keys", lambda size: gguf([
        _pair(b"%x" % at, 4, bytes(4)) for at in range(min(65_000, size // 21))])),
    _gguf("long keys", lambda size: gguf([
        _pair((b"%x" % at).rjust(60_000, b"k"), 4, bytes(4)) for at in range(size // 60_016)])),
    _gguf("arrays of numbers", lambda size: gguf([
        _pair(b"%x" % at, 9, struct.pack("<IQ", 4, 4096) + bytes(4 * 4096))
        for at in range(size // 16_410)])),
    _gguf("arrays of bytes", lambda size: gguf([
        _pair(b"%x" % at, 9, struct.pack("<IQ", 7, 4096) + b"\1" * 4096)
        for at in range(size // 4124)])),
    _gguf("arrays of empty strings", lambda size: gguf([
        _strings(b"%x" % at, [b""] * 4096) for at in range(size // 32_790)])),
    _gguf("arrays of strings", lambda size: gguf([
        _strings(b"%x" % at, [b"a%d" % one for one in range(4096)])
        for at in range(size // 52_000)])),
    _gguf("tensors", lambda size: gguf([], [
        describe_tensor(b"blk.%d.attn_q.weight" % at) for at in range(min(32_000, size // 56))])),
    _gguf("long tensor names", lambda size: gguf([], [
        describe_tensor((b"%x" % at).rjust(60_000, b".")) for at in range(size // 60_040)])),
    _gguf("tensor names of numbers", lambda size: gguf([], [
        describe_tensor(b"blk.1." + b"1." * 480 + b"%d" % at)
        for at in range(min(32_000, size // 1010))])),
]  # fmt: skip


def _field(tag: int, body: bytes) -> bytes:
    return varint(tag << 3 | 2) + varint(len(body)) + body


def _onnx(name: str, make: Callable[[int], bytes]) -> Shape:
    return Shape("ONNX", name, lambda size: {"model.onnx": make(size)}, 40 * MIB)


ONNX = [
    _onnx("varints", lambda size: _field(7, b"x\x01" * (size // 2))),
    _onnx("varints before the graph", lambda size: b"x\x01" * (size // 2) + _field(7, b"")),
    _onnx("long varints", lambda size: _field(7, (b"x" + b"\x80" * 9 + b"\x01") * (size // 11))),
    _onnx("nodes", lambda size: _field(7, b"\x0a\x00" * (size // 2))),
    _onnx("graphs", lambda size: b":\x00" * (size // 2)),
    _onnx("producers", lambda size: _field(7, b"") + b"\x12\x01a" * (size // 3)),
    _onnx("long producers", lambda size: _field(7, b"") + _field(2, b"a" * 200) * (size // 203)),
    _onnx("initializers", lambda size: _field(7, _field(5, b"\x08\x02") * (size // 4))),
    _onnx("packed dims", lambda size: _field(7, _field(5, b"\x0a" + varint(size)
                                                       + b"\x02" * size))),
    _onnx("packed dims of ten bytes", lambda size: _field(7, _field(
        5, b"\x0a" + varint(size // 10 * 10) + (b"\x80" * 9 + b"\x01") * (size // 10)))),
    _onnx("dims", lambda size: _field(7, _field(5, b"\x08\x02" * (size // 2)))),
    _onnx("inputs", lambda size: _field(7, _field(11, b"\x0a\x01a" * (size // 3)))),
    _onnx("many inputs", lambda size: _field(7, _field(11, b"\x0a\x01a") * (size // 5))),
    _onnx("opsets", lambda size: _field(7, b"") + _field(8, b"\x10\x01") * (size // 4)),
    _onnx("chunks to step over", lambda size: _field(
        7, b"".join(_field(1, bytes(70_000)) for _ in range(size // 70_004)))),
]  # fmt: skip


def _zip(count: int, name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for at in range(count):
            made.writestr(name.format(at), b"")
    return packed.getvalue()


def _archive(name: str, make: Callable[[int], bytes], largest: int) -> Shape:
    return Shape(
        "PyTorch archive",
        name,
        lambda size: {"config.json": CONFIG, "pytorch_model.bin": make(size)},
        largest,
    )


ARCHIVES = [
    _archive("storages", lambda size: _zip(size // 112, "archive/data/{}"), 7 * MIB),
    _archive("storages under long names", lambda size: _zip(
        size // 8000, "a/" * 1900 + "data/{}"), 7 * MIB),
    _archive("names of slashes", lambda size: _zip(
        size // 60_000, "/data/1" * 4200 + "x{}"), 7 * MIB),
    Shape("PyTorch archive", "256 archives", lambda size: {"config.json": CONFIG} | {
        f"pytorch_model-{at:05d}-of-00256.bin": _zip(size // 256 // 112, "archive/data/{}")
        for at in range(256)}, 100 * MIB),
]  # fmt: skip
