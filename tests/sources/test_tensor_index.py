from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from famtree.errors import ConfigError, HeaderError
from famtree.sources.header_plan import plan_headers
from famtree.sources.tensor_index import build_index, decode_index, read_tensor_index
from famtree.types.checkpoint import (
    CheckpointRef,
    Cost,
    FileEntry,
    Listing,
    Missing,
    SourceKind,
    TensorIndex,
)
from famtree.types.source import FileSpan, Report

INDEX = "model.safetensors.index.json"


def shard(*names: str) -> bytes:
    table = {
        name: {"dtype": "F32", "shape": [1], "data_offsets": [4 * place, 4 * place + 4]}
        for place, name in enumerate(names)
    }
    text = json.dumps(table).encode()
    return len(text).to_bytes(8, "little") + text + bytes(4 * len(names))


class MemorySource:
    """Files in memory, read as a source reads them."""

    ref = CheckpointRef("memory")
    kind: SourceKind = "local"
    cost = Cost()

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.ranges: dict[str, tuple[int, int]] = {}

    near = True
    origin = None

    def find_path(self, name: str) -> None:
        return None

    def list_files(self) -> Listing:
        return Listing(tuple(FileEntry(name, len(data)) for name, data in self.files.items()))

    def read_wave(
        self, names: Iterable[str], prefixes: Mapping[str, int], *, limit: int
    ) -> dict[str, bytes | Missing]:
        found: dict[str, bytes | Missing] = {name: self.files[name] for name in names}
        return found | {name: self.files[name][:size] for name, size in prefixes.items()}

    def read_ranges(self, ranges: Mapping[str, tuple[int, int]]) -> dict[str, bytes | Missing]:
        self.ranges.update(ranges)
        return {name: self.files[name][start:stop] for name, (start, stop) in ranges.items()}

    def read_spans(self, spans: Iterable[FileSpan]) -> dict[FileSpan, bytes | Missing]:
        return {span: self.files[span[0]][span[1] : span[2]] for span in spans}

    def hash_files(self, names: Iterable[str], report: Report) -> int:
        raise AssertionError("nothing is hashed here")


def read(files: dict[str, bytes], cut: int | None = None) -> tuple[Any, Any, MemorySource]:
    source = MemorySource(files)
    listing = source.list_files()
    plan = plan_headers(listing, everything=True)
    prefixes = {name: cut or size for name, size in plan.prefixes.items()}
    wave = source.read_wave([plan.index] if plan.index else [], prefixes, limit=1 << 20)
    index, _, notices = read_tensor_index(source, listing, plan, wave)
    return index, notices, source


def two_shards() -> dict[str, bytes]:
    first, second = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    table = {"metadata": {"total_size": 12}, "weight_map": {"a": first, "b": first, "c": second}}
    return {first: shard("a", "b"), second: shard("c"), INDEX: json.dumps(table).encode()}


def test_whole_checkpoints_are_complete() -> None:
    index, notices, _ = read(two_shards())

    assert index.complete
    assert notices == []
    assert sorted(index.tensors) == ["a", "b", "c"]
    assert index.total_size == 12
    assert index.tensors["c"].file == "model-00002-of-00002.safetensors"


def test_short_prefixes_are_completed_in_one_second_wave() -> None:
    index, _, source = read(two_shards(), cut=20)

    assert index == read(two_shards())[0]
    assert sorted(source.ranges) == sorted(name for name in two_shards() if name != INDEX)


def test_the_names_of_an_absent_shard_stay_known() -> None:
    files = two_shards()
    del files["model-00002-of-00002.safetensors"]
    index, notices, _ = read(files)

    assert not index.complete
    assert index.names == {"a", "b", "c"}
    assert sorted(index.tensors) == ["a", "b"]
    assert notices == []
    assert "model-00002-of-00002.safetensors" in index.indexed


def test_a_lone_shard_of_two_is_not_the_whole() -> None:
    index, notices, _ = read({"model-00001-of-00002.safetensors": shard("a")})

    assert not index.complete
    assert notices == []


def test_a_file_that_only_the_index_names_is_read_as_well() -> None:
    files = two_shards()
    files["extra.safetensors"] = shard("d")
    table = json.loads(files[INDEX])
    table["weight_map"]["d"] = "extra.safetensors"
    files[INDEX] = json.dumps(table).encode()
    index, _, _ = read(files)

    assert index.complete
    assert index.tensors["d"].file == "extra.safetensors"


def test_a_tensor_of_two_files_counts_where_the_index_places_it() -> None:
    files = two_shards()
    files["model-00001-of-00002.safetensors"] = shard("a", "b", "c")
    index, _, _ = read(files)

    assert index.tensors["c"].file == "model-00002-of-00002.safetensors"
    assert [(one.name, one.file) for one in index.copies] == [
        ("c", "model-00001-of-00002.safetensors")
    ]


def test_a_truncated_shard_is_an_error() -> None:
    files = two_shards()
    files["model-00002-of-00002.safetensors"] = files["model-00002-of-00002.safetensors"][:-1]
    with pytest.raises(HeaderError, match="truncated"):
        read(files)


def test_an_unread_header_is_a_notice() -> None:
    source = MemorySource(two_shards())
    plan = plan_headers(source.list_files())
    wave: dict[str, bytes | Missing] = {name: Missing(name, "gated") for name in plan.prefixes}
    index, _, notices = read_tensor_index(source, source.list_files(), plan, wave)

    assert index == TensorIndex(files=plan.shards)
    assert {code for code, _ in notices} == {"header-unread"}


def test_names_alone_make_an_incomplete_index() -> None:
    index = build_index({}, {"weight_map": {"a": "f"}}, ())
    assert (index.names, index.complete, index.files) == (frozenset("a"), False, ("f",))


@pytest.mark.parametrize("size", [True, -1, "12", 12.5, 2**70, None])
def test_a_strange_total_size_is_unknown(size: Any) -> None:
    table = {"metadata": {"total_size": size}, "weight_map": {}}
    assert build_index({}, table, ()).total_size is None


@pytest.mark.parametrize(
    "data", [b"<html>", b"[]", b"{}", b'{"weight_map": 3}', b'{"weight_map": {"a": 1}}', b"\xff"]
)
def test_a_damaged_index_is_an_error(data: bytes) -> None:
    with pytest.raises(ConfigError, match=INDEX):
        decode_index(data, INDEX)
