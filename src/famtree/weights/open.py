"""A checkpoint opened for its weights: every name, the shapes that are needed, no values yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from famtree.errors import ConfigError, HeaderError, UnreadableError
from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.fingerprints.gguf import read_gguf_design
from famtree.fingerprints.gguf_tensors import translate_tensors
from famtree.fingerprints.tensor_names import Layout, organise
from famtree.fingerprints.tensors import observe_tensors
from famtree.sources.gguf_header import GgufReader
from famtree.sources.header_plan import HeaderPlan, missing_ranges
from famtree.sources.safetensors_header import parse_header
from famtree.sources.tensor_index import decode_index
from famtree.types.checkpoint import Listing, TensorIndex, TensorInfo
from famtree.types.fingerprint import Architecture
from famtree.types.source import CheckpointSource
from famtree.weights.results import Reading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_INDEX = 64 << 20


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
    numbers: list[int] = field(default_factory=list)
    """`block_numbers` of the layout that is `numbered`: every look-up of a tensor asks for them."""
    numbered: Layout | None = None

    @property
    def depth(self) -> int:
        """Return the number of blocks of the language tower, prediction blocks left out."""
        return len(self.block_numbers)

    @property
    def block_numbers(self) -> list[int]:
        """Return the numbers of those blocks in order."""
        if self.numbered is not self.layout:
            main = self.layout.main
            self.numbers = [] if main is None else sorted(main.blocks.keys() - main.extra_blocks())
            self.numbered = self.layout
        return self.numbers

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


def open_safetensors_weights(
    source: CheckpointSource,
    listing: Listing,
    plan: HeaderPlan,
    config: dict[str, Any],
    index: TensorIndex,
) -> Weights:
    """Open safetensors shards by what was read of them already; no weight byte is read.

    `index` holds the headers that were read. Of many shards further ones are read when they turn
    out to be needed. Raises FetchError and UnreadableError kin.
    """
    weights = Weights(source, listing, config, "safetensors", plan)
    weights.indexed = index.indexed
    weights.tensors = dict(index.tensors)
    weights.data_start = dict(index.data_starts)
    weights.file_of = {name: tensor.file for name, tensor in index.tensors.items()}
    lacking = [shard for shard in plan.shards if shard not in index.data_starts]
    if not lacking:
        _organise(weights)
        return weights
    weight_map = index.file_of or _read_weight_map(source, listing)
    weights.indexed = frozenset(weight_map.values())
    present = set(plan.shards)
    for name, file in weight_map.items():
        if file in present:
            weights.file_of.setdefault(name, file)
    if not weight_map:
        _read_headers(weights, lacking)
        return weights
    if not weights.file_of:
        raise ConfigError("the index names no shard that is there", hint="fetch it again")
    _organise(weights)
    if weights.hidden is None:
        weights.require(list(weights.file_of)[:1])
    return weights


def _read_weight_map(source: CheckpointSource, listing: Listing) -> dict[str, str]:
    """Return the weight file of each tensor by the index; {} where there is none."""
    name = next(
        (entry.name for entry in listing.files
         if entry.name.endswith(".safetensors.index.json") and "/" not in entry.name), None,
    )  # fmt: skip
    if name is None:
        return {}
    data = source.read_wave([name], {}, limit=MAX_INDEX)[name]
    if not isinstance(data, bytes):
        return {}
    found: dict[str, str] = decode_index(data, name)["weight_map"]
    return found


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


def open_gguf_weights(
    source: CheckpointSource, listing: Listing, readers: Sequence[GgufReader]
) -> Weights:
    """Open the parts of a GGUF model by their headers, read to the end; no weight byte is read.

    Raises UnreadableError (code `no-weights`) for a big-endian file.
    """
    weights = Weights(source, listing, {}, "gguf")
    weights.gguf_metadata = readers[0]
    found: dict[str, TensorInfo] = {}
    for reader in readers:
        header = reader.header
        if header.big_endian:
            raise UnreadableError(f"{reader.file} is big-endian", hint="", code="no-weights")
        weights.data_start[reader.file] = header.data_start
        found.update(header.tensors)
    metadata = readers[0].header.metadata
    design = read_gguf_design(metadata, tensor_names=frozenset(found))
    weights.config, weights.gguf_architecture = design.config, design.architecture
    index = translate_tensors(
        found, design.architecture, complete=True, files=tuple(one.file for one in readers)
    )
    # Translated tensors carry a stand-in dtype; where they begin says which they are.
    true = {(tensor.file, tensor.begin): tensor for tensor in found.values()}
    for name, tensor in index.tensors.items():
        weights.file_of[name] = tensor.file
        weights.tensors[name] = replace(tensor, dtype=true[tensor.file, tensor.begin].dtype)
    _describe(weights, index)
    return weights
