"""Targets whose answers are compared with those of the formats' own libraries.

What both accept, famtree has to read as they do (`reference_readers`); what is a promise of
famtree's own (bounds, safe names, answers that their model accepts) is asserted beside it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import reference_readers as reference
from famtree.checkpoint.claims import collect_claims
from famtree.checkpoint.mergekit import MAX_PARENTS, read_merge
from famtree.errors import ConfigError, HeaderError, NetworkError, TokenizerError, UsageError
from famtree.fingerprints.adapter import (
    MAX_NAME,
    MAX_TARGETS,
    describe_adapter,
    find_conflicts,
    observe_adapter,
)
from famtree.fingerprints.json_text import decode_object
from famtree.fingerprints.onnx_graph import MAX_TEXT, describe_graph, read_onnx_graph
from famtree.fingerprints.tekken import read_tekken
from famtree.fingerprints.tiktoken_file import looks_like_tiktoken, read_tiktoken
from famtree.fingerprints.vocabulary import byte_alphabet
from famtree.policy.load import Demand, read_policy
from famtree.registry.load import load_registry
from famtree.registry.registry import Registry
from famtree.sources.hashes import is_blob_id, is_sha256
from famtree.sources.hub_listing import decode_listing, encode_listing, is_safe_name
from famtree.sources.pickle_archive import list_storages
from famtree.sources.safetensors_header import parse_header
from famtree.sources.yaml_text import load_documents
from famtree.types.adapter import Adapter
from famtree.types.checkpoint import FileEntry, Listing

_POLICY = Path("famtree.toml")


class Bytes:
    """A file that is read in parts, and counts how much of it was."""

    def __init__(self, data: bytes) -> None:
        self.data, self.size, self.taken = data, len(data), 0

    def read(self, start: int, stop: int) -> bytes:
        """Return bytes [start, stop)."""
        assert 0 <= start <= stop <= self.size
        self.taken += stop - start
        return self.data[start:stop]


def fuzz_hub_listing(data: bytes) -> None:
    """Read the Hub's description of a repository, as it was sent and as the cache keeps it."""
    try:
        listing = decode_listing(data, "x")
    except NetworkError:
        return
    kept = decode_listing(encode_listing(listing), "x")
    assert repr(kept) == repr(listing)  # a card may hold what is not equal to itself
    assert all(is_safe_name(entry.name) and entry.name.encode() for entry in listing.files)
    assert listing.revision is None or is_blob_id(listing.revision)
    theirs = reference.read_json(data, finite=True)
    if theirs is None or b"\\u" in data:  # halves of surrogate pairs are mended
        return
    rows = [row for row in theirs["siblings"] if isinstance(row, dict)]
    rows = [row for row in rows if isinstance(row.get("rfilename"), str)]
    rows = [row for row in rows if is_safe_name(row["rfilename"])]
    for entry, row in zip(listing.files, rows, strict=True):
        _check_entry(entry, row)
    commit, card, tags = theirs.get("sha"), theirs.get("cardData"), theirs.get("tags")
    assert listing.revision == (commit if is_blob_id(commit) else None)
    assert repr(listing.card) == repr(card if isinstance(card, dict) else {})
    assert list(listing.tags) == [
        tag for tag in (tags if isinstance(tags, list) else ()) if isinstance(tag, str)
    ]


def _check_entry(entry: FileEntry, row: dict[str, Any]) -> None:
    large: Any = row.get("lfs") if isinstance(row.get("lfs"), dict) else {}
    sizes = [size for size in (large.get("size"), row.get("size")) if not _is_other(size)]
    assert entry.name == row["rfilename"]
    if sizes and type(sizes[0]) is int and abs(sizes[0]) < 1 << 63:
        assert entry.size == (sizes[0] if sizes[0] >= 0 else None)
    else:  # whether 1e3 or 2**80 is a size is nobody's promise
        assert entry.size is None or entry.size in sizes
    assert entry.blob_id == (row.get("blobId") if is_blob_id(row.get("blobId")) else None)
    assert entry.sha256 == (large.get("sha256") if is_sha256(large.get("sha256")) else None)


def _is_other(value: Any) -> bool:
    return isinstance(value, bool) or not isinstance(value, int | float)


def fuzz_tekken(data: bytes) -> None:
    """Read a tekken.json."""
    try:
        found = read_tekken(data)
    except TokenizerError:
        return
    assert found.base_entries == len(found.tokens)
    theirs = reference.read_tekken(data)
    if theirs is not None:
        tokens = {_unspell(token): number for token, number in found.tokens.items()}
        assert tokens == theirs[0]
        assert {token: one.id for token, one in found.added.items()} == theirs[1]


def fuzz_tiktoken(data: bytes) -> None:
    """Read a .tiktoken file."""
    looks_like_tiktoken(data)
    try:
        found = read_tiktoken(data)
    except TokenizerError:
        return
    assert 0 < len(found.tokens) == found.base_entries
    theirs = reference.read_tiktoken(data)
    if theirs is not None:
        assert {_unspell(token): number for token, number in found.tokens.items()} == theirs


def fuzz_mergekit(data: bytes) -> None:
    """Read a merge recipe, and its YAML as plain data."""
    text = data.decode("utf-8", "replace")
    recipe = read_merge(text)
    # PyYAML takes ten times as long as all the rest.
    theirs = reference.read_yaml(text) if crc32(data) % 8 == 0 else None
    if theirs is not None:
        assert repr(load_documents(text)) == repr(theirs)
    if recipe is None:
        return
    assert all(recipe.parents)
    assert 0 < len(recipe.parents) == len(set(recipe.parents)) <= MAX_PARENTS
    assert recipe.base is None or recipe.base in recipe.parents
    assert set(recipe.weights) | set(recipe.revisions) <= set(recipe.parents)
    assert all(0 <= share <= 1 for share in recipe.weights.values())
    assert not recipe.weights or abs(sum(recipe.weights.values()) - 1) <= 1e-4 * MAX_PARENTS
    for span in recipe.spans:
        assert span.parent in recipe.parents
        assert 0 <= span.start < span.stop


def fuzz_onnx(data: bytes) -> None:
    """Read the graph of an ONNX model."""
    file = Bytes(data)
    found = read_onnx_graph(file.read, file.size)
    # A submessage may be looked at once more than it is stepped over.
    assert file.taken <= 4 * file.size + 4096
    if found is None:
        return
    describe_graph(found)
    theirs = reference.read_onnx(data)
    if theirs is None:
        return
    assert (found.nodes, found.weights) == (theirs["nodes"], theirs["weights"])
    if len(theirs["producer"]) < MAX_TEXT and "\ufffd" not in found.producer:
        assert found.producer == theirs["producer"]
    if theirs["opset"] is None or theirs["opset"] >= 0:
        assert found.opset == theirs["opset"]
    if theirs["parameters"] is not None and theirs["parameters"] < 1 << 62:
        assert found.parameters == theirs["parameters"]
    if len(theirs["inputs"]) <= 64:
        pairs = zip(found.inputs, theirs["inputs"], strict=True)
        assert all(ours == name or "\ufffd" in ours for ours, name in pairs)


def fuzz_archive(data: bytes) -> None:
    """List the storages of a PyTorch archive."""
    file = Bytes(data)
    found = list_storages(file.read, file.size)
    assert file.taken <= 4 * file.size + 4096
    if found is None:
        return
    assert found.count > 0
    assert 0 <= found.size <= file.size
    theirs = reference.read_archive(data)
    if theirs is not None:
        assert (found.count, found.size) == theirs


def fuzz_adapter(data: bytes) -> None:
    """Describe an adapter from its header, where one stands first, and its config behind it."""
    shapes, rest = None, data
    try:
        header = parse_header(data, "x", file_size=None)
    except HeaderError:
        pass
    else:
        shapes = observe_adapter(header.tensors.values())
        rest = data[8 + header.length :]
    try:
        config = decode_object(rest, "adapter_config.json")
    except ConfigError:
        config = {}
    found = describe_adapter(shapes, config)
    claims = collect_claims("org/name", Listing(()), {}, {"adapter_config.json": config})
    assert all(claim.parent for claim in claims)
    if found is None:
        assert shapes is None
        assert not config
        return
    whole = found.model_dump()
    # Made without a check of its fields; an answer has to be one that its model accepts.
    assert Adapter.model_validate(whole, strict=True) == found
    assert json.loads(json.dumps(whole, allow_nan=False)) == whole
    for names in (found.targets, found.saved_modules):
        assert len(names) <= MAX_TARGETS
        assert names == sorted(set(names))
    assert max(map(len, found.targets), default=0) <= MAX_NAME
    if shapes is not None:
        assert found.source == "header"
        assert found.parameters == sum(one.numel for one in header.tensors.values())
        find_conflicts(shapes, {"hidden_size": 8, "ffn": 16, "kv_width": 4, "layers": 2})
    else:
        _check_stated(found, reference.read_json(rest))


def _check_stated(found: Adapter, theirs: Any) -> None:
    assert isinstance(theirs, dict), "json takes no less than famtree"
    inner = theirs.get("lora_parameters")
    rank = {**theirs, **(inner if isinstance(inner, dict) else {})}.get("r")
    if type(rank) is int and rank > 0:
        assert found.rank == rank
    targets = theirs.get("target_modules")
    if isinstance(targets, list) and targets and all(isinstance(one, str) for one in targets):
        assert set(found.targets) == {one[:MAX_NAME] for one in targets}


def fuzz_policy(data: bytes) -> None:
    """Read a policy file."""
    try:
        demands = read_policy(data, _POLICY, _registry()).demands
    except UsageError:
        return
    text = data.decode()
    theirs = reference.read_toml(text)
    assert theirs is not None, "tomllib takes no less than famtree"
    assert len(demands) == len(theirs["checkpoint"])
    for demand, row in zip(demands, theirs["checkpoint"], strict=True):
        _check_demand(demand, row, theirs.get("defaults", {}), text.count("\n") + 1)


def _check_demand(
    demand: Demand, row: dict[str, Any], defaults: dict[str, Any], lines: int
) -> None:
    assert 1 <= demand.line <= lines
    stated = {name: value for name, value in {**defaults, **row}.items() if value is not None}
    kept = demand.policy.model_dump(exclude_none=True)
    assert kept == stated
    if row["ref"].startswith(("./", "../")):
        assert demand.ref.startswith("./"), "a path is no Hub id"
    else:
        assert demand.ref == row["ref"]


@cache
def _registry() -> Registry:
    return load_registry()


@cache
def _alphabet() -> dict[str, int]:
    return {letter: byte for byte, letter in enumerate(byte_alphabet())}


def _unspell(token: str) -> bytes:
    return bytes(_alphabet()[letter] for letter in token)
