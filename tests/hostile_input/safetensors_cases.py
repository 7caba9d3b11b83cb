"""Headers and indexes that lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hostile_input.case import Case, Content, dump, entry, header, sparse

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
BAD = "bad-header"


def _head(name: str, content: Content, expects: str = BAD, **more: Any) -> Case:
    return Case(f"header: {name}", expects, {WEIGHTS: content}, **more)


def _one(name: str, described: Any, data: int = 4, **more: Any) -> Case:
    return _head(name, header({"a": described}, data), **more)


def _many(number: int, spelling: str = "model.layers.{}.w") -> bytes:
    """Return a sound header of `number` empty tensors."""
    tail = b'":{"dtype":"BF16","shape":[0],"data_offsets":[0,0]}'
    names = (b'"' + spelling.format(at).encode() + tail for at in range(number))
    return header(b"{" + b",".join(names) + b"}")


HEADERS = [
    _head("empty file", b""),
    _head("seven bytes", b"1234567"),
    _head("eight zeros", bytes(8)),
    _head("length 1", header(b"{", length=1)),
    _head("length past the end", header(b"{}", length=1000)),
    _head("length 2^63", header(b"{}", length=1 << 63)),
    _head("length 2^64-1", header(b"{}", length=(1 << 64) - 1)),
    _head("length 100 MB + 1", header(b"{}", length=100_000_001)),
    _head("100 MB of zeros", sparse(header(b"{}", length=100_000_000), 100_000_008)),
    _head("100 MB of blanks", lambda _: header(b"{}" + b" " * 99_999_998)),
    _head("40 MB of empty lists", lambda _: header(b'{"a":[' + b"[]," * 13_000_000 + b"[]]}")),
    _head("truncated JSON", header(b'{"a":{"dtype":"BF16"')),
    _head("not an object", header(b"[1, 2]")),
    _head("a scalar", header(b"12")),
    _head("not UTF-8", header(b'{"\xff\xfe":1}')),
    _head("UTF-16", header('{"a": 1}'.encode("utf-16"))),
    _head("byte-order mark", header(b"\xef\xbb\xbf{}")),
    _head("nested 100,000 deep", header(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")),
    _head("nested 2 MB deep", lambda _: header(b'{"a":' * (1 << 19))),
    _head("duplicate tensor", header(
        b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
        b'"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1)),
    _head("duplicate field", header(
        b'{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}', 1)),
    _head("duplicate metadata", header(b'{"__metadata__":{},"__metadata__":{"a":"b"}}')),
    _head("metadata a list", header(b'{"__metadata__":[]}')),
    _head("metadata of numbers", header(b'{"__metadata__":{"a":1}}')),
    _head("git-LFS pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
    _head("HTML page", b"<!doctype html><html><title>Sign in</title></html>"),
    _head("pickle", b"\x80\x02cos\nsystem\nq\x00X\x02\x00\x00\x00idq\x01\x85q\x02Rq\x03."),
    _head("zip", b"PK\x03\x04" + bytes(100)),
    _one("entry a number", 1),
    _one("entry null", None),
    _one("no dtype", {"shape": [2], "data_offsets": [0, 4]}),
    _one("no offsets", {"shape": [2], "dtype": "BF16"}),
    _one("dtype a list", entry(dtype=["BF16"])),
    _one("unknown dtype", entry(dtype="F7_EVIL")),
    _one("dtype of escapes", entry(dtype="\x1b[31mBF16")),
    _one("shape a number", entry(shape=2)),
    _one("shape of strings", entry(shape=["2"])),
    _one("shape of booleans", entry(shape=[True], dtype="U8", end=1), 1),
    _one("shape of floats", entry(shape=[2.0])),
    _one("shape NaN", entry(shape=[float("nan")])),
    _one("negative dimension", entry(shape=[-2])),
    _one("two negative dimensions", entry(shape=[-1, -2])),
    _one("huge dimension", entry(shape=[1 << 62])),
    _one("product overflows to zero", entry(shape=[1 << 32, 1 << 32], end=0), 0),
    _one("million dimensions", entry(shape=[1] * 1_000_000)),
    _one("dimension of 4,000 digits", entry(shape=[10**4000])),
    _one("offsets reversed", entry(begin=4, end=0)),
    _one("negative offset", entry(begin=-4, end=0)),
    _one("offsets past the file", entry(shape=[2000], end=4000)),
    _one("offset of 2^64", entry(begin=0, end=1 << 64)),
    _one("three offsets", {"dtype": "BF16", "shape": [2], "data_offsets": [0, 2, 4]}),
    _one("offsets NaN", entry(end=float("nan"))),
    _one("a hole at the start", entry(begin=4, end=8), 8),
    _head("overlapping tensors", header({"a": entry(), "b": entry(begin=2, end=6)}, 6)),
    _head("a hole between", header({"a": entry(), "b": entry(begin=6, end=10)}, 10)),
    _head("bytes after the last tensor", header({"a": entry()}, 5)),
    _head("truncated data", header({"a": entry()}, 3)),
    _head("a name of 5,000 characters", header({"n" * 5000: entry()}, 4)),
    _head("a name that is no Unicode", header(b'{"\\ud800":{"dtype":"U8","shape":[0],'
          b'"data_offsets":[0,0]}}')),
    _head("names with terminal escapes", header({"\x1b]0;owned\x07\x1b[2J": entry()}, 4),
          "identified"),
    _head("block number of 4,000 digits",
          header({f"model.layers.{'9' * 4000}.mlp.up_proj.weight": entry()}, 4), "identified"),
    _head("block numbers in other scripts",
          header({"model.layers.².w": entry(), "model.layers.٣.w": entry(begin=4, end=8)}, 8),
          "identified"),
    _head("a name of dots", header({"." * 4000: entry()}, 4), "identified"),
    _head("names of every role with no dimension", header(
        {f"transformer.h.0.{part}.weight": entry([], 2 * at, 2 * at + 2)
         for at, part in enumerate(("ln_1", "attn.c_attn", "attn.c_proj", "mlp.c_fc"))}, 8),
        "identified"),
    _head("names of every role with dimension 0", header(
        {f"transformer.h.{at}.{part}.weight": entry([0, 0], 0, 0) for at in range(3)
         for part in ("ln_1", "attn.c_attn", "attn.c_proj", "mlp.c_fc")}), "identified"),
    _head("no tensor", header(b"{}"), "identified"),
    _head("140,000 tensors", lambda _: _many(140_000), "identified"),
    _head("140,000 modules of one block",
          lambda _: _many(140_000, "model.layers.0.mlp.experts.{}.up_proj.weight"), "identified"),
    _head("1,000,000 tensors", lambda _: _many(1_000_000), says="25165824"),
    Case("header: named by itself", BAD, {"w.safetensors": b"12345678" * 9}, sound=False,
         target="w.safetensors"),
    Case("header: thousand shards, each broken", BAD,
         {f"model-{at:05d}-of-01000.safetensors": header(b"{}", length=9) for at in range(1000)},
         sound=False),
    Case("header: shard numbers beyond all counts", "identified",
         {f"model-{at}-of-{999999}.safetensors": header(b"{}") for at in ("00001", "999999")}
         | {WEIGHTS: None}, warns="shard-missing"),
    Case("header: shard number that is no number", "unknown",
         {f"1²{at}.safetensors": header(b"{}") for at in (2, 3)}
         | {INDEX: dump({"weight_map": {}})},
         sound=False),
]  # fmt: skip


def _index(name: str, weight_map: Any, expects: str = "identified", **more: Any) -> Case:
    files: dict[str, Content] = {INDEX: dump({"metadata": {}, "weight_map": weight_map})}
    return Case(f"index: {name}", expects, {WEIGHTS: None} | files, **more)


def _link(target: str) -> Content:
    def make(path: Path) -> None:
        os.symlink(target, path)

    return make


def _raw(name: str, data: Content, expects: str = "bad-config", **more: Any) -> Case:
    return Case(f"index: {name}", expects, {WEIGHTS: None, INDEX: data}, **more)


_OUTSIDE = ("../../secret.safetensors", "/etc/passwd", "..\\..\\secret.safetensors",
            "C:\\secret.safetensors", "\\\\host\\share\\w.safetensors", "//host/share/w", "~/w",
            "file:///etc/passwd", "http://127.0.0.1:9/w", "a\0b", "", ".", "..", "CON", "n" * 5000,
            "\x1b]0;owned\x07")  # fmt: skip

INDEXES = [
    *(_index(f"a shard at {where[:24]!r}", {"a": where}, warns="shard-missing")
      for where in _OUTSIDE),
    *(Case(f"index: named by itself, a shard at {where[:24]!r}", "identified",
           {WEIGHTS: None, "x.safetensors.index.json": dump({"weight_map": {"a": where}})},
           target="x.safetensors.index.json") for where in _OUTSIDE),
    _index("a list", [1], "bad-config"),
    _index("null", None, "bad-config"),
    _index("values are numbers", {"a": 1}, "bad-config"),
    _index("values are lists", {"a": ["x"]}, "bad-config"),
    _index("100,000 names", {f"layers.{at}.w": "model-00001-of-00002.safetensors"
                             for at in range(100_000)}, warns="shard-missing"),
    _index("1,000,000 names", {f"{at}": "w" for at in range(1_000_000)}, "bad-config"),
    _index("100,000 shards", {f"{at}": f"{at}.safetensors" for at in range(100_000)},
           warns="shard-missing"),
    _raw("not JSON", b"weights"),
    _raw("a list of everything", b"[]"),
    _raw("nested deep", b'{"weight_map":' + b"[" * 200_000),
    _raw("50 MB of empty lists", lambda _: b'{"weight_map":[' + b"[]," * 16_000_000 + b"[]]}",
         "identified", warns="index-unread"),
    _raw("a sparse terabyte", sparse(b"{", 1 << 40), "identified", warns="index-unread"),
    _raw("total size huge", dump({"metadata": {"total_size": 10**4000}, "weight_map": {}}),
         "identified"),
    _raw("total size NaN", dump({"metadata": {"total_size": float("nan")}, "weight_map": {}}),
         "identified"),
    _raw("metadata a list", dump({"metadata": [1], "weight_map": {}}), "identified"),
    _raw("a name that is no Unicode", b'{"weight_map": {"\\ud800": "\\udfff"}}', "identified"),
    _raw("15 MB of empty lists", lambda _: b'{"weight_map":[' + b"[]," * 5_000_000 + b"[]]}"),
    _raw("a link out of the folder", _link("/etc/hostname"), "identified", warns="index-unread"),
]  # fmt: skip
SAFETENSORS = [*HEADERS, *INDEXES]
