"""From header bytes and an index file to one `TensorIndex`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec.structs import replace

from famtree.errors import ConfigError
from famtree.sources.header_plan import HeaderPlan, add_shards, missing_ranges
from famtree.sources.safetensors_header import ParsedHeader, parse_header
from famtree.types.checkpoint import Listing, Missing, TensorIndex, TensorInfo
from famtree.types.recent import Recent
from famtree.types.source import CheckpointSource

MAX_INDEX_BYTES = 16 << 20
"""Longest index that is read from a disk; the largest published one has some 10 MB."""
MAX_NAMES = 250_000
"""Tensors an index may name; the largest released one names about 200,000."""
MAX_DESCRIBED = 150_000
"""Tensors described by the headers that are read, one checkpoint; each takes some 1.3 kB of memory
until the answer is given. Of more, the further shards are known by the index alone."""
_TYPED_FROM = 1 << 20
"""Longer text goes through typed decoding, which builds nothing that is not asked for: plain JSON
can take thirty times its length in memory."""


def read_tensor_index(
    source: CheckpointSource,
    listing: Listing,
    plan: HeaderPlan,
    first_wave: Mapping[str, bytes | Missing],
) -> tuple[TensorIndex, HeaderPlan, list[tuple[str, str]]]:
    """Finish what `plan` began and return the index, with (code, message) notices.

    `first_wave` is the answer of `source.read_wave` to the plan's prefixes and index. The plan
    comes back with the weight files that only the index names. Raises HeaderError for a damaged
    header and ConfigError for a damaged index.
    """
    notices: list[tuple[str, str]] = []
    table: dict[str, Any] | None = None
    found = first_wave.get(plan.index) if plan.index else None
    if plan.index and isinstance(found, bytes):
        table = decode_index(found, plan.index)
        more = add_shards(plan, table["weight_map"].values(), listing)
        if more is not plan:
            further = more.prefixes.keys() - plan.prefixes.keys()
            wave = source.read_wave([], {name: more.prefixes[name] for name in further}, limit=0)
            plan, first_wave = more, {**first_wave, **wave}
    elif plan.index and isinstance(found, Missing):
        notices.append(("index-unread", f"{plan.index} was not read: {found.reason}"))
    ranges, skipped = missing_ranges(plan, first_wave)
    rest = source.read_ranges(ranges) if ranges else {}
    headers: dict[str, ParsedHeader] = {}
    count = 0
    for name in plan.prefixes:
        data: bytes | Missing = first_wave.get(name, Missing(name, "was not read"))
        tail = rest.get(name)
        if name in skipped:
            data = skipped[name]
        elif isinstance(tail, Missing):
            data = tail
        elif isinstance(data, bytes) and isinstance(tail, bytes):
            data += tail
        if count > MAX_DESCRIBED:
            data = Missing(name, f"the shards before it have more than {MAX_DESCRIBED} tensors")
        if isinstance(data, Missing):
            notices.append(("header-unread", f"the header of {name} was not read: {data.reason}"))
            continue
        headers[name] = _parse(data, name, plan.sizes.get(name))
        count += len(headers[name].tensors)
    key = (tuple(map(id, headers.values())), plan.shards, plan.missing_shards, _digest(found))
    _, index = _indexes.find(
        key, lambda: (headers, _complete(headers, table, plan)), sum(_sizes(headers, table))
    )
    return index, plan, notices


ENTRIES_KEPT = 20_000
"""Tensors whose description is remembered, since most checkpoints have the header of another."""
_parsed: Recent[ParsedHeader] = Recent(ENTRIES_KEPT)
_indexes: Recent[tuple[Mapping[str, ParsedHeader], TensorIndex]] = Recent(ENTRIES_KEPT)
"""By identity of the headers, which are held so that no others take their place."""


def _parse(data: bytes, name: str, size: int | None) -> ParsedHeader:
    end = 8 + int.from_bytes(data[:8], "little")
    if end > _SHORT:
        return parse_header(data, name, file_size=size)
    return _parsed.find(
        (name, size, _digest(data[:end])),
        lambda: parse_header(data, name, file_size=size),
        1 + end // _BYTES_A_TENSOR,
    )


_SHORT = 4 << 20
_BYTES_A_TENSOR = 100


def _complete(
    headers: Mapping[str, ParsedHeader], table: Mapping[str, Any] | None, plan: HeaderPlan
) -> TensorIndex:
    index = build_index(headers, table, plan.shards)
    return replace(index, complete=False) if plan.missing_shards else index


def _sizes(headers: Mapping[str, ParsedHeader], table: Mapping[str, Any] | None) -> Iterator[int]:
    yield from (len(header.tensors) for header in headers.values())
    yield len(table["weight_map"]) if table else 1


def _digest(data: bytes | Missing | None) -> bytes:
    return blake2b(data, digest_size=16).digest() if isinstance(data, bytes) else b""


def build_index(
    headers: Mapping[str, ParsedHeader],
    index_json: Mapping[str, Any] | None,
    shards: tuple[str, ...],
) -> TensorIndex:
    """Merge parsed headers with the index's names.

    `headers` maps file name to header, `index_json` is the decoded `*.index.json` or None.
    `complete` is True when every file of `shards`, and every file the index names, was read.
    """
    weight_map = index_json.get("weight_map", {}) if index_json else {}
    tensors: dict[str, TensorInfo] = {}
    metadata: dict[str, str] = {}
    copies: list[TensorInfo] = []
    for file in sorted(headers):
        metadata.update(headers[file].metadata)
        for name, tensor in headers[file].tensors.items():
            if name not in tensors:
                tensors[name] = tensor
            elif weight_map.get(name) == file:
                copies.append(tensors[name])
                tensors[name] = tensor
            else:
                copies.append(tensor)
    names = frozenset(tensors).union(weight_map)
    # As they are written, which is nearly in order: a set takes four times as long to sort.
    indexed = dict.fromkeys(weight_map.values())
    return TensorIndex(
        tensors=tensors,
        names=names,
        complete=bool(shards)
        and all(shard in headers for shard in shards)
        and len(names) == len(tensors),
        files=shards or tuple(sorted(indexed)),
        indexed=frozenset(indexed),
        total_size=_total_size(index_json),
        file_of=weight_map,
        data_starts={file: 8 + header.length for file, header in headers.items()},
        header_metadata=metadata,
        copies=tuple(sorted(copies, key=lambda one: (one.name, one.file))),
    )


def decode_index(data: bytes, name: str) -> dict[str, Any]:
    """Decode `*.index.json`: an object whose `weight_map` maps tensor name to file name.

    Raises ConfigError naming the file.
    """
    hint = f"the download of {name} may be incomplete; fetch it again"
    try:
        text = data.removeprefix(b"\xef\xbb\xbf")
        if text.count(b":") > 2 * MAX_NAMES:  # told before anything is built
            raise ValueError(f"more than {MAX_NAMES} names")
        found = _decode_typed(text) if len(text) >= _TYPED_FROM else json.loads(text.decode())
    except (msgspec.MsgspecError, ValueError, RecursionError) as fault:
        raise ConfigError(f"{name} is not valid JSON: {str(fault)[:120]}", hint=hint) from fault
    weight_map = found.get("weight_map") if isinstance(found, dict) else None
    if not isinstance(weight_map, dict) or len(weight_map) > MAX_NAMES:
        raise ConfigError(f"{name} has no usable weight_map", hint=hint)
    if not set(map(type, weight_map.values())) <= {str}:
        raise ConfigError(f"{name}: weight_map maps a tensor to something not a file", hint=hint)
    table: dict[str, Any] = found
    return table


def _decode_typed(text: bytes) -> dict[str, Any]:
    fields: list[Any] = [
        ("weight_map", dict[str, str]),
        ("metadata", msgspec.Raw, msgspec.Raw(b"{}")),
    ]
    found: Any = msgspec.json.decode(text, type=msgspec.defstruct("Index", fields))
    short = len(memoryview(found.metadata)) < _TYPED_FROM
    return {
        "weight_map": found.weight_map,
        "metadata": json.loads(bytes(found.metadata)) if short else {},
    }


def _total_size(index_json: Mapping[str, Any] | None) -> int | None:
    metadata = index_json.get("metadata") if index_json else None
    size = metadata.get("total_size") if isinstance(metadata, dict) else None
    if isinstance(size, float) and size.is_integer():
        size = int(size)  # written so by some conversion tools
    return size if type(size) is int and 0 < size < 2**60 else None
