"""Shapes of folders: as many files as are read."""

from __future__ import annotations

from collections.abc import Callable

from hostile_input.shapes.containers import describe_tensor, gguf
from hostile_input.shapes.headers import header
from hostile_input.shapes.shape import CONFIG, Shape


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
        f"m-{at:05d}-of-{count:05d}.gguf": gguf([], [describe_tensor(b"blk.%d.attn_q.weight" % at)])
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
