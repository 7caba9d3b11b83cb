"""What is known of one checkpoint when a link to it is checked."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from famtree.types.checkpoint import CheckpointFormat, FileEntry, Listing, TensorIndex
from famtree.types.claim import Claim
from famtree.types.family import KnownTokenizer
from famtree.types.fingerprint import Fingerprint, Tokenizer
from famtree.types.quantization import Quantization
from famtree.types.traits import Trait, flatten

WEIGHT_SUFFIXES = (".safetensors", ".bin", ".gguf", ".pth", ".pt", ".onnx", ".h5", ".msgpack")
_SIDE_STATES = ("training_args", "optimizer", "scheduler", "rng_state", "random_states")
"""Files of a training run with a weight file's ending."""

Shapes = Mapping[str, tuple[int, ...]]


class NodeFacts(Struct, frozen=True):
    """One checkpoint: who it is, what it shows, and what it claims."""

    ref: str
    traits: Mapping[str, Trait]
    family: str | None = None
    generation: str | None = None
    size: str | None = None
    """Official size of its generation that it has the shape of."""
    format: CheckpointFormat | None = None
    quantization: Quantization | None = None
    tokenizer: Tokenizer | KnownTokenizer | None = None
    shapes: Shapes = {}
    """Tensor name to shape, where headers were read and nothing is packed."""
    weight_hashes: frozenset[tuple[str, int]] = frozenset()
    """(sha256, how many files have it) of all weight files, where the host lists them all."""
    created_at: str | None = None
    license: str | None = None
    """Identifier as the card states it."""
    claims: tuple[Claim, ...] = ()
    root: bool = False
    """Recorded as trained from scratch."""


def make_traits(fingerprint: Fingerprint) -> dict[str, Trait]:
    """Return the traits that were really seen; class defaults are not facts about a file."""
    return {
        name: trait for name, trait in flatten(fingerprint).items() if trait.source != "default"
    }


def make_shapes(index: TensorIndex, quantization: Quantization | None) -> Shapes:
    """Return name and shape of every tensor read; none for packed ones, whose shapes differ."""
    if quantization is not None:
        return {}
    return {name: tensor.shape for name, tensor in index.tensors.items()}


def hash_weights(listing: Listing) -> frozenset[tuple[str, int]]:
    """Return the multiset of weight-file hashes; empty unless every weight file has one."""
    counts: dict[str, int] = {}
    for entry in list_weight_files(listing):
        if entry.sha256 is None:
            return frozenset()
        counts[entry.sha256] = counts.get(entry.sha256, 0) + 1
    return frozenset(counts.items())


def list_weight_files(listing: Listing) -> list[FileEntry]:
    """Return the files that hold weights, those of a training run's state left out."""
    return [
        entry
        for entry in listing.files
        if entry.name.endswith(WEIGHT_SUFFIXES)
        and not entry.name.rpartition("/")[2].startswith(_SIDE_STATES)
    ]


def read_license(listing: Listing) -> str | None:
    """Return the licence that card or tags state, in lower case."""
    stated = listing.card.get("license")
    if isinstance(stated, list):
        stated = stated[0] if len(stated) == 1 else None
    if isinstance(stated, str) and stated.strip():
        return stated.strip().lower()[:64]
    tags = (tag.removeprefix("license:") for tag in listing.tags if tag.startswith("license:"))
    return next((tag.lower()[:64] for tag in tags if tag), None)
