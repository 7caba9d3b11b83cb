"""Shapes of safetensors headers and indexes."""

from __future__ import annotations

import json
from collections.abc import Callable

from hostile_input.shapes.shape import CONFIG, MIB, Shape, fill, give_json, number

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
