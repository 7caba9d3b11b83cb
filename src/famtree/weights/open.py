"""A checkpoint opened for its weights: every name, the shapes that are needed, no values yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from famtree.errors import ConfigError, HeaderError, UnreadableError
from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.fingerprints.gguf import read_gguf_design
from famtree.fingerprints.gguf_tensors import translate_tensors
from famtree.fingerprints.json_text import decode_object
from famtree.fingerprints.tensor_names import Layout, organise
from famtree.fingerprints.tensors import observe_tensors
from famtree.sources.gguf_files import choose_main, group_files
from famtree.sources.gguf_header import GgufReader, HeaderLimitError
from famtree.sources.header_plan import HeaderPlan, missing_ranges, plan_headers
from famtree.sources.safetensors_header import parse_header
from famtree.sources.tensor_index import decode_index
from famtree.types.checkpoint import Listing, TensorIndex, TensorInfo
from famtree.types.fingerprint import Architecture
from famtree.types.source import CheckpointSource
from famtree.weights.results import Reading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIG = "config.json"
MAX_CONFIG = 4 << 20
MAX_INDEX = 64 << 20
GGUF_LIMIT = 64 << 20
"""Longest GGUF header that is read, bytes; vocabularies take up to 20 MB."""
_GGUF_STEPS = (1 << 20, 4 << 20)


@dataclass(slots=True)
class Weights:
    """One checkpoint, and everything read of it so far.

    Not safe to use from several threads. Values once read stay in `cache`, so that a member of
    many pairs is read once.
    """

    source: CheckpointSource
    listing: Listing
    config: dict[str, Any]
    format: str
    plan: HeaderPlan | None = None
    """None for GGUF."""
    file_of: dict[str, str] = field(default_factory=dict)
    """Weight file of every tensor name."""
    indexed: frozenset[str] = frozenset()
    """Files that the index names, there or not."""
    tensors: dict[str, TensorInfo] = field(default_factory=dict)
    """Those whose header was read, with their true dtype."""
    data_start: dict[str, int] = field(default_factory=dict)
    """First byte after the header, by file."""
    gguf_architecture: str | None = None
    gguf_metadata: Any = None
    layout: Layout = field(default_factory=lambda: Layout([]))
    architecture: Architecture | None = None
    reading: Reading = field(default_factory=Reading)
    cache: dict[tuple[Any, ...], NDArray[np.float32]] = field(default_factory=dict)
    tokens: dict[str, int] | None = None

    @property
    def depth(self) -> int:
        """Return the number of blocks of the language tower, prediction blocks left out."""
        return len(self.block_numbers)

    @property
    def block_numbers(self) -> list[int]:
        """Return the numbers of those blocks in order."""
        main = self.layout.main
        return [] if main is None else sorted(main.blocks.keys() - main.extra_blocks())

    @property
    def hidden(self) -> int | None:
        """Return the width of the residual stream, from tensors if seen, else from config."""
        return self.architecture.hidden_size if self.architecture is not None else None

    def require(self, names: Iterable[str]) -> None:
        """Read the headers of the files that hold `names`, all missing ones in one wave."""
        wanted = {self.file_of[name] for name in names if name in self.file_of}
        lacking = sorted(wanted - self.data_start.keys())
        if lacking and self.plan is not None:
            _read_headers(self, lacking)


def open_weights(
    source: CheckpointSource, *, on_progress: Callable[[str], None] | None = None
) -> Weights:
    """Open a safetensors or GGUF checkpoint; reads config, index and headers, no weight byte.

    Of many shards only the headers that turn out to be needed are read, when they are. Raises
    FetchError kin, and UnreadableError (code `no-weights`) where there is nothing of these forms.
    """
    if on_progress is not None:
        on_progress("opening the weights")
    listing = source.list_files()
    plan = plan_headers(listing)
    named = (source.ref.file or source.ref.path or "").lower()
    if plan.format == "gguf" or named.endswith(".gguf"):
        return _open_gguf(source, listing)
    if plan.format != "safetensors":
        raise UnreadableError(
            f"{source.ref.text} has no weights that can be read by range",
            hint="weights are read from *.safetensors and *.gguf files",
            code="no-weights",
        )
    return _open_safetensors(source, listing, plan)


def _open_safetensors(source: CheckpointSource, listing: Listing, plan: HeaderPlan) -> Weights:
    index = None
    if len(plan.shards) > 1:
        index = next(
            (entry.name for entry in listing.files
             if entry.name.endswith(".safetensors.index.json") and "/" not in entry.name), None,
        )  # fmt: skip
    names = [name for name in (CONFIG, index) if name is not None and listing.find(name)]
    prefixes = {} if index is not None else plan.prefixes
    wave = source.read_wave(names, prefixes, limit=MAX_INDEX)
    config = wave.get(CONFIG)
    weights = Weights(
        source, listing, decode_object(config, CONFIG) if isinstance(config, bytes) else {},
        "safetensors", plan,
    )  # fmt: skip
    table = wave.get(index) if index is not None else None
    if index is not None and isinstance(table, bytes):
        present = set(plan.shards)
        weight_map = decode_index(table, index)["weight_map"]
        weights.indexed = frozenset(weight_map.values())
        weights.file_of = {name: file for name, file in weight_map.items() if file in present}
        if not weights.file_of:
            raise ConfigError(f"{index} names no shard that is there", hint="fetch it again")
        _organise(weights)
        if weights.hidden is None:
            weights.require(list(weights.file_of)[:1])
    else:
        _read_headers(weights, list(plan.shards))
    return weights


def _read_headers(weights: Weights, files: list[str]) -> None:
    assert weights.plan is not None  # noqa: S101 - safetensors only
    guess = weights.plan.prefixes
    usual = min(guess.values(), default=1 << 14)
    sizes = {entry.name: entry.size for entry in weights.listing.files}
    plan = replace(
        weights.plan,
        prefixes={file: min(guess.get(file, usual), sizes.get(file) or 1 << 30) for file in files},
    )
    wave = weights.source.read_wave((), plan.prefixes, limit=0)
    ranges, skipped = missing_ranges(plan, wave)
    rest = weights.source.read_ranges(ranges) if ranges else {}
    for file in files:
        data, tail = wave.get(file), rest.get(file, b"")
        if file in skipped or not isinstance(data, bytes) or not isinstance(tail, bytes):
            raise HeaderError(f"the header of {file} could not be read", hint="fetch it again")
        header = parse_header(data + tail, file, file_size=plan.sizes.get(file))
        weights.data_start[file] = 8 + header.length
        for name, tensor in header.tensors.items():
            if weights.file_of.setdefault(name, file) == file:
                weights.tensors[name] = tensor
    _organise(weights)


def _organise(weights: Weights) -> None:
    index = TensorIndex(
        tensors=weights.tensors,
        names=frozenset(weights.file_of),
        complete=len(weights.tensors) == len(weights.file_of),
        files=tuple(sorted(set(weights.file_of.values()))),
    )
    _describe(weights, index)


def _describe(weights: Weights, index: TensorIndex) -> None:
    weights.layout = organise(index)
    facts = CheckpointFacts(weights.config, {}, observe_tensors(index), None)
    weights.architecture = build_fingerprint(facts).architecture


def _open_gguf(source: CheckpointSource, listing: Listing) -> Weights:
    asked = source.ref.file
    if asked is None and source.ref.path and source.ref.path.lower().endswith(".gguf"):
        asked = source.ref.path.replace("\\", "/").rpartition("/")[2]
    chosen = choose_main(group_files(listing.files), asked)
    if chosen is None:
        raise UnreadableError(
            f"{source.ref.text} has no GGUF file", hint="check the name of the file"
        )
    weights = Weights(source, listing, {}, "gguf")
    found: dict[str, TensorInfo] = {}
    for number, entry in enumerate(chosen.files):

        def fetch(start: int, stop: int, name: str = entry.name) -> bytes:
            data = source.read_ranges({name: (start, stop)})[name]
            if not isinstance(data, bytes):
                raise UnreadableError(f"{name} could not be read: {data.reason}")
            return data

        reader = GgufReader(fetch, entry.name, size=entry.size, steps=_GGUF_STEPS, limit=GGUF_LIMIT)
        try:
            header = reader.read_rest()
        except HeaderLimitError as fault:
            raise UnreadableError(
                f"the header of {entry.name} is longer than {GGUF_LIMIT >> 20} MB", hint=""
            ) from fault
        alignment = header.metadata.get("general.alignment", 32)
        weights.data_start[entry.name] = -(-header.length // alignment) * alignment
        found.update(header.tensors)
        if header.big_endian:
            raise UnreadableError(f"{entry.name} is big-endian", hint="", code="no-weights")
        if number == 0:
            weights.gguf_metadata = reader
    metadata = weights.gguf_metadata.header.metadata
    design = read_gguf_design(metadata, tensor_names=frozenset(found))
    weights.config, weights.gguf_architecture = design.config, design.architecture
    index = translate_tensors(
        found, design.architecture, complete=True, files=tuple(e.name for e in chosen.files)
    )
    # Translated tensors carry a stand-in dtype; where they begin says which they are.
    true = {(tensor.file, tensor.begin): tensor for tensor in found.values()}
    for name, tensor in index.tensors.items():
        weights.file_of[name] = tensor.file
        weights.tensors[name] = replace(tensor, dtype=true[tensor.file, tensor.begin].dtype)
    _describe(weights, index)
    return weights
