"""What is known of one checkpoint when a link to it is checked."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from famtree.sources.weight_files import Hashes
from famtree.types.checkpoint import CheckpointFormat, Listing, SourceKind, TensorIndex
from famtree.types.claim import Claim, Role
from famtree.types.family import KnownTokenizer
from famtree.types.fingerprint import Fingerprint, Tokenizer
from famtree.types.identification import Evidence, Notice
from famtree.types.quantization import Quantization
from famtree.types.traits import Trait, flatten

Shapes = Mapping[str, tuple[int, ...]]


class NodeFacts(Struct, frozen=True):
    """One checkpoint: who it is, what it shows, and what it claims."""

    ref: str
    traits: Mapping[str, Trait]
    source: SourceKind | None = None
    """Where it was read; None of what somebody has on record."""
    family: str | None = None
    generation: str | None = None
    size: str | None = None
    """Official size of its generation that it has the shape of."""
    format: CheckpointFormat | None = None
    quantization: Quantization | None = None
    plain_floats: bool = False
    """Whole weights that were seen to be 16-bit floats or wider, in all files that there are."""
    whole_model: bool = False
    """Weights of a whole model were seen, and nothing of an adapter beside them."""
    towers: Mapping[Role, str] = {}
    """`model_type` of each tower that the config nests, the language model left out."""
    tokenizer: Tokenizer | KnownTokenizer | None = None
    shapes: Shapes = {}
    """Tensor name to shape, where headers were read and nothing is packed."""
    weight_hashes: Hashes = frozenset()
    """(sha256, how many files have it) of all weight files, where the Hub lists them all or they
    were computed: equal ones are equal weights."""
    stated_hashes: Hashes = frozenset()
    """The same with hashes that a folder or an atlas states: equal ones are a declaration."""
    created_at: str | None = None
    license: str | None = None
    """Identifier as the card states it."""
    claims: tuple[Claim, ...] = ()
    refuted: Mapping[str, Evidence] = {}
    """Claimed parents, in lower case, that the checkpoint's own tensors rule out, and how."""
    root: bool = False
    """Recorded as trained from scratch."""
    notices: tuple[Notice, ...] = ()
    """What is odd about the claims themselves."""


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


def read_license(listing: Listing) -> str | None:
    """Return the licence that card or tags state, in lower case."""
    stated = listing.card.get("license")
    if isinstance(stated, list):
        stated = stated[0] if len(stated) == 1 else None
    if isinstance(stated, str) and stated.strip():
        return stated.strip().lower()[:64]
    tags = (tag.removeprefix("license:") for tag in listing.tags if tag.startswith("license:"))
    return next((tag.lower()[:64] for tag in tags if tag), None)
