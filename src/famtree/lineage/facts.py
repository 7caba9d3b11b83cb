"""What is known of one checkpoint when a link to it is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from famtree.types.checkpoint import CheckpointFormat, Listing
from famtree.types.claim import Claim
from famtree.types.fingerprint import Fingerprint
from famtree.types.quantization import Quantization
from famtree.types.traits import Trait, flatten

WEIGHT_SUFFIXES = (".safetensors", ".bin", ".gguf", ".pth", ".pt", ".onnx", ".h5", ".msgpack")


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """One checkpoint: who it is, what it shows, and what it claims."""

    ref: str
    traits: Mapping[str, Trait]
    family: str | None = None
    generation: str | None = None
    format: CheckpointFormat | None = None
    quantization: Quantization | None = None
    weight_hashes: frozenset[tuple[str, int]] = frozenset()
    """(sha256, how many files have it) of all weight files, where the host lists them all."""
    created_at: str | None = None
    claims: tuple[Claim, ...] = ()
    root: bool = False
    """Recorded as trained from scratch."""


def make_traits(fingerprint: Fingerprint) -> dict[str, Trait]:
    """Return the traits that were really seen; class defaults are not facts about a file."""
    return {
        name: trait for name, trait in flatten(fingerprint).items() if trait.source != "default"
    }


def hash_weights(listing: Listing) -> frozenset[tuple[str, int]]:
    """Return the multiset of weight-file hashes; empty unless every weight file has one."""
    counts: dict[str, int] = {}
    for entry in listing.files:
        if entry.name.endswith(WEIGHT_SUFFIXES):
            if entry.sha256 is None:
                return frozenset()
            counts[entry.sha256] = counts.get(entry.sha256, 0) + 1
    return frozenset(counts.items())
