"""Shapes of headers, indexes, configs, graphs, archives, texts and folders."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable

from hostile.shapes import (
    CONFIG,
    SENTENCEPIECE,
    TEKKEN,
    TIKTOKEN,
    TOKENIZERS,
    VOCABULARIES,
    Shape,
    fill,
    give_json,
    number,
    varint,
)

MIB = 1 << 20
EMPTY = b'":{"dtype":"BF16","shape":[0],"data_offsets":[0,0]}'


def header(text: bytes) -> bytes:
    """Return a safetensors file without data."""
    return len(text).to_bytes(8, "little") + text


def tensors(spelling: bytes, size: int, most: int = 149_000) -> bytes:
    """Return a header of empty tensors that are numbered where `spelling` has `%d`."""
    return number(b"{", b'"' + spelling + EMPTY, b"}", size, most)


def _head(name: str, make: Callable[[int], bytes], largest: int = 24 * MIB - 9,
          config: bytes = CONFIG) -> Shape:  # fmt: skip
    return Shape(
        "safetensors header",
        name,
        lambda size: {"config.json": config, "model.safetensors": header(make(size))},
        largest,
    )


def _named(size: int, count: int, form: Callable[[int, int], bytes]) -> bytes:
    """Return a header of `count` names, each as long as the size allows."""
    length = size // count - len(EMPTY) - 4
    return b"{" + b",".join(b'"' + form(at, length) + EMPTY for at in range(count)) + b"}"


_HEAD_OF = b'{"a' + EMPTY
HEADERS = [
    _head("150,000 tensors", lambda size: tensors(b"model.layers.%d.w", size)),
    _head("150,000 long names", lambda size: _named(
        size, max(1, size // 168), lambda at, long: (b"model.layers.%d." % at).ljust(long, b"w"))),
    _head("5,000 names of 4,088 dots", lambda size: _named(
        size, size // 5000 + 1, lambda at, long: b"." * (long - 6) + b"%06d" % at)),
    _head("names of numbers", lambda size: _named(
        size, size // 5000 + 1, lambda at, long: b"1." * ((long - 6) // 2) + b"%06d" % at)),
    _head("names of dots and numbers in one block", lambda size: _named(
        size, size // 5000 + 1,
        lambda at, long: b"a.1." + b"12345678." * ((long - 12) // 9) + b"%06d" % at)),
    _head("names of .experts.", lambda size: _named(
        size, size // 5000 + 1, lambda at, long: b".experts." * ((long - 6) // 9) + b"%06d" % at)),
    _head("names of .weight.", lambda size: _named(
        size, size // 5000 + 1, lambda at, long: b".weight." * ((long - 6) // 8) + b"%06d" % at)),
    _head("names of layers", lambda size: _named(
        size, size // 5000 + 1,
        lambda at, long: b"model.layers.0." * ((long - 6) // 15) + b"%06d" % at)),
    _head("names of escapes", lambda size: _named(
        size, size // 5000 + 1, lambda at, long: b"\\u0041" * ((long - 6) // 6) + b"%06d" % at)),
    _head("names of stars", lambda size: _named(
        size, size // 5000 + 1, lambda at, long: b"\xf0\x9f\x98\x80" * ((long - 6) // 4)
        + b"%06d" % at)),
    _head("modules of one block", lambda size: tensors(
        b"model.layers.0.mlp.experts.%d.up_proj.weight", size)),
    _head("as many stacks", lambda size: tensors(b"s%d.0.mlp.down_proj.weight", size)),
    _head("as many stacks with a decoder", lambda size: tensors(
        b"s%d.decoder.block.0.mlp.down_proj.weight", size)),
    _head("as many leaves", lambda size: tensors(b"model.layers.0.mlp.down_proj.%d", size)),
    _head("as many packed modules", lambda size: tensors(
        b"model.layers.%d.mlp.down_proj.qweight", size)),
    _head("adapters' parts", lambda size: tensors(
        b"base_model.model.model.layers.%d.q_proj.lora_A.weight", size)),
    _head("shapes of 64 dimensions", lambda size: number(
        b"{", b'"a%d":{"dtype":"BF16","shape":[' + b"0," * 63 + b'0],"data_offsets":[0,0]}', b"}",
        size, 149_000)),
    _head("one shape", lambda size: fill(
        b'{"a":{"dtype":"BF16","shape":[', b"0,", b'0],"data_offsets":[0,0]}}', size)),
    _head("huge sizes", lambda size: number(
        b"{", b'"a%d":{"dtype":"BF16","shape":[0,9223372036854775807,9223372036854775807],'
        b'"data_offsets":[0,0]}', b"}", size, 149_000)),
    _head("one name", lambda size: fill(b'{"', b"a", EMPTY + b"}", size)),
    _head("one name of escapes", lambda size: fill(b'{"', b"\\u0041", EMPTY + b"}", size)),
    _head("one dtype of escapes", lambda size: fill(
        b'{"a":{"dtype":"', b"\\u0041", b'","shape":[0],"data_offsets":[0,0]}}', size)),
    _head("a million tensors", lambda size: number(b"{", b'"%x":{}', b"}", size)),
    _head("one name again and again", lambda size: fill(b"{", b'"a' + EMPTY + b",",
                                                        b'"a' + EMPTY + b"}", size)),
    _head("unknown fields", lambda size: number(
        b'{"a":{"dtype":"BF16","shape":[0],"data_offsets":[0,0],', b'"%x":[]', b"}}", size)),
    _head("metadata of keys", lambda size: number(
        _HEAD_OF + b',"__metadata__":{', b'"%x":""', b"}}", size)),
    _head("metadata of long texts", lambda size: number(
        _HEAD_OF + b',"__metadata__":{', b'"%d":"' + b"\\u00e9" * 99 + b'"', b"}}", size)),
    _head("metadata of one text", lambda size: fill(
        _HEAD_OF + b',"__metadata__":{"x":"', b"\\u0041", b'"}}', size)),
    _head("metadata of one wide text", lambda size: fill(
        _HEAD_OF + b',"__metadata__":{"x":"\xf0\x9f\x98\x80', b"a", b'"}}', size)),
    _head("blanks", lambda size: fill(_HEAD_OF, b" ", b"}", size)),
    _head("nested", lambda size: b'{"a":' + b"[" * (size // 2) + b"]" * (size // 2) + b"}"),
    _head("just below a megabyte, empty lists", lambda size: fill(
        b'{"a":{"dtype":"BF16","shape":[', b"[],", b'0],"data_offsets":[0,0]}}', size), MIB - 9),
    *(_head(f"{len(names)} {what} in the config x tensors",
            lambda size: tensors(b"model.layers.%d.mlp.down_proj.weight", size), 12 * MIB,
            json.dumps({"model_type": "unheard-of", "quantization_config": {
                "quant_method": "compressed-tensors", "config_groups": {"g": {
                    "targets": names, "weights": {"num_bits": 4, "type": "int"}}},
                "ignore": names, "modules_to_not_convert": names}}).encode())
      for what, names in (
          ("names to leave out", [f"model.layers.{at}.mlp" for at in range(30_000)]),
          ("patterns", [f"re:(.*a.*)*{at}$" for at in range(30_000)]),
          ("evil patterns", ["re:(([a-z.]+)+)+#", "re:(a|a)*b", "re:(.*)*x"] * 10))),
    _head("own bits for 100,000 modules", lambda size: tensors(
        b"model.layers.%d.mlp.down_proj.qweight", size), 12 * MIB,
        json.dumps({"model_type": "unheard-of", "quantization": {"bits": 4, "group_size": 64} | {
            f"model.layers.{at}.mlp": {"bits": 8, "group_size": 32} for at in range(60_000)}},
            separators=(",", ":")).encode()[: 4 * MIB]),
]  # fmt: skip


def _index(name: str, make: Callable[[int], bytes], largest: int = 16 * MIB) -> Shape:
    return Shape(
        "index",
        name,
        lambda size: {"config.json": CONFIG, "model.safetensors.index.json": make(size)},
        largest,
    )


INDEXES = [
    *give_json("index", "model.safetensors.index.json", 16 * MIB,
               b'{"weight_map":{"a":"b"},', b"}"),
    _index("250,000 names", lambda size: number(
        b'{"weight_map":{', b'"model.layers.%d.w":"m.safetensors"', b"}}", size, 249_000)),
    _index("250,000 names in as many shards", lambda size: number(
        b'{"weight_map":{', b'"model.layers.%d.w":"%d.safetensors"', b"}}", size, 249_000)),
    _index("long names", lambda size: number(
        b'{"weight_map":{', b'"' + b"." * 4000 + b'%d":"m"', b"}}", size)),
    _index("names of escapes", lambda size: number(
        b'{"weight_map":{', b'"\\u0041\\u00e9\\ud83d\\ude00%d":"m"', b"}}", size, 249_000)),
    _index("one shard of escapes", lambda size: fill(
        b'{"weight_map":{"a":"', b"\\u0041", b'"}}', size)),
    _index("empty shards", lambda size: number(b'{"weight_map":{', b'"%x":""', b"}}", size)),
    _index("one name again and again", lambda size: fill(
        b'{"weight_map":{', b'"a":"b",', b'"a":"b"}}', size)),
    _index("metadata", lambda size: fill(
        b'{"weight_map":{},"metadata":{"x":[', b"[],", b"0]}}", size)),
]  # fmt: skip

SIDES = (
    "generation_config.json", "tokenizer_config.json", "quantize_config.json",
    "quant_config.json", "hf_quant_config.json", "quanto_qmap.json", "special_tokens_map.json",
    "added_tokens.json", "chat_template.json",
)  # fmt: skip
_SMALL = 4 * MIB


def _config(name: str, make: Callable[[int], bytes], file: str = "config.json") -> Shape:
    extra = {} if file == "config.json" else {"config.json": CONFIG}
    return Shape(
        "config" if file == "config.json" else file,
        name,
        lambda size: extra | {file: make(size)},
        _SMALL,
    )


def _within(key: bytes, unit: bytes) -> Callable[[int], bytes]:
    return lambda size: number(b'{"model_type":"unheard-of",' + key, unit, b"]}", size)


CONFIGS = [
    *give_json("config", "config.json", _SMALL, b'{"model_type":"unheard-of",'),
    *(_config(f"{key.decode()} of {what}", _within(b'"%s":[' % key, unit))
      for key in (b"layer_types", b"architectures", b"block_configs", b"eos_token_id",
                  b"layers_block_type")
      for what, unit in (("words", b'"w%d"'), ("tables", b'{"a%d":0}'), ("numbers", b"%d"))),
    _config("a pattern", lambda size: fill(
        b'{"model_type":"unheard-of","hybrid_override_pattern":"', b"M*-", b'"}', size)),
    _config("a pattern of 4,096 without a period", lambda size: fill(
        b'{"model_type":"unheard-of","hybrid_override_pattern":"', b"M", b'*"}', min(size, 4150))),
    _config("a pattern of 4,096 with a late period", lambda size:
            b'{"model_type":"unheard-of","hybrid_override_pattern":"'
            + (b"M" * 1023 + b"*") * 3 + b"M" * 1023 + b'-"}'),
    *(_config(f"{method.decode()} ignores {what}", lambda size, method=method, unit=unit: number(  # type: ignore[misc]
        b'{"model_type":"unheard-of","quantization_config":{"quant_method":"%s","ignore":['
        % method, unit, b"]}}", size))
      for method in (b"compressed-tensors", b"awq", b"fp8")
      for what, unit in (("names", b'"model.layers.%d.x"'), ("patterns", b'"re:(a|a)*%d"'))),
    _config("groups", lambda size: number(
        b'{"model_type":"unheard-of","quantization_config":{"quant_method":"compressed-tensors",'
        b'"config_groups":{', b'"g%d":{"weights":{"num_bits":4,"type":"int"}}', b"}}}", size)),
    _config("own bits", lambda size: number(
        b'{"model_type":"unheard-of","quantization":{"bits":4,"group_size":64,',
        b'"model.layers.%d.x":{"bits":8}', b"}}", size)),
    _config("an extra_config", lambda size: number(
        b'{"model_type":"unheard-of","quantization_config":{"quant_method":"auto-round",'
        b'"extra_config":{', b'"model.layers.%d.x":{"bits":16}', b"}}}", size)),
    *give_json(SIDES[1], SIDES[1], _SMALL),
    _config("modules", lambda size: number(b"{", b'"m%d":{"weights":"qint8"}', b"}", size),
            "quanto_qmap.json"),
    _config("added tokens", lambda size: number(
        b'{"added_tokens_decoder":{', b'"%d":{"content":"<|a%d|>"}', b"}}", size),
        "tokenizer_config.json"),
    _config("added tokens of one content", lambda size: number(
        b'{"added_tokens_decoder":{', b'"%d":{"content":"<|\\u0041|>"}', b"}}", size),
        "tokenizer_config.json"),
    _config("special tokens", lambda size: number(
        b'{"additional_special_tokens":[', b'"<|a%d|>"', b"]}", size), "tokenizer_config.json"),
    _config("roles", lambda size: number(b"{", b'"r%d_token":"<|a%d|>"', b"}", size),
            "tokenizer_config.json"),
    _config("markers", lambda size: number(b"{", b'"<|%x>%x|>":%d', b"}", size),
            "added_tokens.json"),
    _config("markers of 64 signs", lambda size: number(
        b"{", b'"<' + b"|" * 50 + b"1" * 8 + b'%d":%d', b"}", size), "added_tokens.json"),
    _config("named templates", lambda size: number(
        b'{"chat_template":[', b'{"name":"n%d","template":"<|x|>"}', b"]}", size),
        "tokenizer_config.json"),
    *(_config(f"a template of {unit[:12]!r}", lambda size, unit=unit: fill(  # type: ignore[misc]
        b'{"chat_template":"', unit, b'"}', size), "tokenizer_config.json")
      for unit in (b"\\u0041", b"<|", b"{#", b"{# #}", b" ", b"<a_", b"[A", b"]~a[", b"<<SYS>>",
                   b"[|a", b"### A", b"\\u3000", b"</", b"USER", b"<|im_start|>",
                   b"<" + b"a" * 29, b"[" + b"A" * 31, b"<|" + b"a" * 40, b"[|" + b"a" * 4000)),
    Shape("every small file", "empty lists", lambda size: {"config.json": CONFIG} | {
        name: fill(b'{"x":[', b"{},", b"0]}", size // 9) for name in SIDES[:-1]
    }, 8 * _SMALL),
    Shape("every small file", "keys", lambda size: {"config.json": CONFIG} | {
        name: number(b"{", b'"%x":{}', b"}", size // 9) for name in SIDES[:-1]
    }, 8 * _SMALL),
]  # fmt: skip


# --- GGUF


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


def _tensor(name: bytes) -> bytes:
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
        _tensor(b"blk.%d.attn_q.weight" % at) for at in range(min(32_000, size // 56))])),
    _gguf("long tensor names", lambda size: gguf([], [
        _tensor((b"%x" % at).rjust(60_000, b".")) for at in range(size // 60_040)])),
    _gguf("tensor names of numbers", lambda size: gguf([], [
        _tensor(b"blk.1." + b"1." * 480 + b"%d" % at) for at in range(min(32_000, size // 1010))])),
]  # fmt: skip


# --- ONNX, archives


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


# --- texts


def _text(parser: str, file: str, name: str, make: Callable[[int], bytes], largest: int) -> Shape:
    return Shape(parser, name, lambda size: {"config.json": CONFIG, file: make(size)}, largest)


_YAML = {
    "aliases": lambda size: fill(b"a: &a x\nbase_model: [", b"*a,", b"*a]", size),
    "flow lists": lambda size: fill(b"base_model: [", b"a/b,", b"a/c]", size),
    "flow lists of lists": lambda size: fill(b"base_model: [", b"[],", b"[]]", size),
    "flow tables": lambda size: fill(b"base_model: [", b"{a: b},", b"{}]", size),
    "open brackets": lambda size: fill(b"base_model: ", b"[", b"", size),
    "open braces": lambda size: fill(b"base_model: ", b"{a: ", b"", size),
    "question marks": lambda size: fill(b"base_model:\n", b"? ", b"", size),
    "dashes": lambda size: fill(b"base_model:\n", b"- ", b"", size),
    "lines": lambda size: fill(b"base_model:\n", b"- a/b\n", b"- a/c", size),
    "one word": lambda size: fill(b"base_model: ", b"a", b"", size),
    "one word of escapes": lambda size: fill(b'base_model: "', b"\\x41", b'"', size),
    "an open quote": lambda size: fill(b'base_model: "', b"a ", b"", size),
    "folded lines": lambda size: fill(b"base_model: >\n", b"  a\n", b"", size),
    "plain lines": lambda size: fill(b"base_model: a\n", b"  a\n", b"", size),
    "a quote of lines": lambda size: fill(b"base_model: 'a\n", b"\n", b"'", size),
    "keys": lambda size: b"\n".join(b"k%d: v" % at for at in range(size // 10)),
    "colons": lambda size: fill(b"base_model: ", b"a:", b"", size),
    "hashes": lambda size: fill(b"base_model: a\n", b"#\n", b"", size),
    "anchors": lambda size: b"base_model:\n" + b"\n".join(
        b"- &a%d x" % at for at in range(size // 12)),
    "tags": lambda size: fill(b"base_model:\n", b"- !!str a\n", b"", size),
    "directives": lambda size: fill(b"", b"%a b\n", b"base_model: a", size),
    "documents": lambda size: fill(b"base_model: a\n", b"--- a\n", b"", size),
    "digits": lambda size: fill(b"base_model: ", b"9", b"", size),
    "number-like words": lambda size: fill(b"base_model: ", b"1_", b"x", size),
    "sixties": lambda size: fill(b"base_model: 1", b":59", b"x", size),
    "deep blocks": lambda size: b"\n".join(b" " * at + b"a:" for at in range(700)),
    "tabs": lambda size: fill(b"base_model: a", b"\t", b"b", size),
}  # fmt: skip

_PROSE = (
    b"fine-tuned from ", b"quantized version of ", b"int4 ", b"4-bit a,a/a ", b"adapter ",
    b"converted to a ", b"base model : ", b"original model card", b"[a](https://hf.co/",
    b"https://huggingface.co/a", b"base model: a.a.a", b"lora adapters for ", b"\xc2\xa0 ",
    b"converted to " + b"a " * 15, b"[" + b"a" * 119, b"based on top of [`*_",
    b"adapter for x" + b" y" * 29, b"gptq" + b"-" * 40, b"8-bit", b"fp8 int8 awq ",
)  # fmt: skip

TEXTS = [
    *(_text("card", "README.md", name, lambda size, make=make: b"---\n" + make(size - 8)  # type: ignore[misc]
            + b"\n---\n", 256 << 10) for name, make in _YAML.items()),
    *(_text("card", "README.md", f"prose of {unit[:20]!r}", lambda size, unit=unit: fill(  # type: ignore[misc]
        b"---\na: b\n---\n", unit, b"", size), 256 << 10) for unit in _PROSE),
    _text("card", "README.md", "lines that end nowhere", lambda size: fill(
        b"---\n", b"a\x0b\x0c\x1c", b"", size), 256 << 10),
    *(_text("mergekit", "mergekit_config.yml", name, lambda size, make=make: make(size), 256 << 10)  # type: ignore[misc]
      for name, make in _YAML.items()),
    _text("mergekit", "mergekit_config.yml", "256 parents x slices", lambda size: (
        b"merge_method: passthrough\nslices:\n" + b"".join(
            b"- {sources: [{model: a/b%d, layer_range: [0,9]},{model: a/c%d}]}\n" % (at, at)
            for at in range(min(1400, size // 60)))), 90_000),
    _text("mergekit", "mergekit_config.yml", "weights of 256 numbers", lambda size: (
        b"merge_method: linear\nmodels:\n" + b"".join(
            b"- {model: a/b%d, parameters: {weight: [%s]}}\n" % (at, b"1," * 60 + b"1")
            for at in range(min(256, size // 170)))), 45_000),
    *(_text("adapter", "adapter_config.json", name, make, _SMALL) for name, make in (
        ("a target pattern", lambda size: fill(b'{"r":1,"target_modules":"', b"(a|a)*", b'"}',
                                               size)),
        ("a target pattern that backtracks", lambda size: b'{"r":1,"target_modules":"'
         + b"((a*)*)*" * 900 + b'$"}'),
        ("targets", lambda size: number(b'{"r":1,"target_modules":[', b'"m%d"', b"]}", size)),
        ("ranks", lambda size: number(b'{"r":1,"rank_pattern":{', b'"m%d":1', b"}}", size)))),
    *give_json("adapter", "adapter_config.json", _SMALL, b'{"r":1,'),
    *(_text("template", "chat_template.jinja", f"of {unit[:12]!r}",
            lambda size, unit=unit: fill(b"", unit, b"", size), _SMALL)  # type: ignore[misc]
      for unit in (b"<|", b"{#", b"{# #}", b" ", b"<a_", b"[A", b"]~a[", b"[|a", b"### A", b"</",
                   b"\xef\xbd\x9c<", b"USER", b"<|im_start|>", b"<" + b"a" * 29, b"[" + b"A" * 31,
                   b"<|" + b"a" * 40, b"[|" + b"a" * 4000, b"\xe2\x80\x83", b"\xf0\x9f\x98\x80")),
]  # fmt: skip


# --- folders


def _folder(name: str, make: Callable[[int], dict[str, bytes]], largest: int = 19_900) -> Shape:
    return Shape("folder", name, make, largest)


def _shard(at: int) -> bytes:
    return header(b'{"model.layers.%d.w":{"dtype":"BF16","shape":[0],"data_offsets":[0,0]}}' % at)


FOLDERS = [
    _folder("shards of one tensor", lambda count: {
        f"model-{at:05d}-of-{count:05d}.safetensors": _shard(at) for at in range(1, count + 1)}),
    _folder("loose shards of one tensor", lambda count: {
        f"{at}.safetensors": _shard(at) for at in range(count - 1)} | {
        "x.safetensors.index.json": b'{"weight_map":{}}'}),
    _folder("shards beside an index of 249,000 names", lambda count: {
        f"{at}.safetensors": _shard(at) for at in range(count - 1)} | {
        "x.safetensors.index.json": b'{"weight_map":{' + b",".join(
            b'"model.layers.%d.w":"%d.safetensors"' % (at, at % count)
            for at in range(count * 25)) + b"}}"}, 9960),
    _folder("shards that are empty", lambda count: {
        f"{at}.safetensors": header(b"{}") for at in range(count)}),
    _folder("groups of shards", lambda count: {
        f"m{at}-00001-of-00002.safetensors": _shard(at) for at in range(count)}),
    _folder("parts of a GGUF", lambda count: {
        f"m-{at:05d}-of-{count:05d}.gguf": gguf([], [_tensor(b"blk.%d.attn_q.weight" % at)])
        for at in range(1, count + 1)}),
    _folder("GGUF files", lambda count: {f"m{at}.gguf": gguf([]) for at in range(count)}),
    _folder("archives", lambda count: {f"m{at}.bin": b"PK\x05\x06" + bytes(18)
                                       for at in range(count)}),
    _folder("graphs", lambda count: {f"m{at}.onnx": b":\x00" for at in range(count)}),
    _folder("vocabularies", lambda count: {"config.json": CONFIG} | {
        f"v{at}.tiktoken": b"YQ== 0\n" for at in range(count)}),
    _folder("modules", lambda count: {"modules.json": b"{}"} | {
        f"{at}/config.json": b"{}" for at in range(count - 1)}),
    _folder("deep folders", lambda count: {"config.json": CONFIG} | {
        f"{at % 97}/{at % 89}/{at}/d/x.json": b"" for at in range(count - 1)}),
    _folder("names of digits", lambda count: {
        f"{str(at) * 30}.safetensors": _shard(at) for at in range(count - 1)} | {
        "x.safetensors.index.json": b'{"weight_map":{}}'}),
    _folder("names of dashes", lambda count: {
        "-of-" * 50 + f"{at}.safetensors": _shard(at) for at in range(count)}),
]  # fmt: skip

SHAPES: list[Shape] = [
    *TOKENIZERS, *SENTENCEPIECE, *TIKTOKEN, *TEKKEN, *VOCABULARIES, *HEADERS, *INDEXES, *CONFIGS,
    *GGUFS, *ONNX, *ARCHIVES, *TEXTS, *FOLDERS,
]  # fmt: skip
