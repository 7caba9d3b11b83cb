"""Which files tell of a checkpoint, which hold weights, and what their hashes prove together."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from famtree.types.checkpoint import FileEntry, Listing

_PICKLED = (".bin", ".pth", ".pt", ".ckpt", ".pkl", ".joblib", ".pth.tar", ".bin.1")
WEIGHT_SUFFIXES = (
    ".safetensors", ".gguf", ".onnx", ".h5", ".msgpack", ".pt2", ".dduf", ".tflite", ".ot", ".npz",
    ".keras", ".engine", ".pdparams", ".llamafile", ".nemo", ".task", ".litertlm", ".mnn",
    *_PICKLED,
)  # fmt: skip
"""Endings of files that hold weights for some program, in lower case: all of them have to be equal
before two checkpoints are called so."""
CHECKPOINT_SUFFIXES = (".safetensors", ".safetensors.index.json", ".gguf")
"""Names of single files that can be a checkpoint by themselves."""
MARKERS = frozenset(
    {
        "config.json",
        "adapter_config.json",
        "mergekit_config.yml",
        "params.json",
        "model_index.json",
        "modules.json",
        "openvino_model.xml",
        "tokenizer.json",
        "tokenizer_config.json",
        "tokenizer.model",
        "tekken.json",
    }
)
"""Files that tell of a checkpoint whatever lies beside them."""
_SIDE_STATES = ("training_args", "optimizer", "scheduler", "rng_state", "random_states")
"""Files of a training run with a weight file's ending."""

Hashes = frozenset[tuple[str, int]]
"""A multiset: (sha256, how many files have it)."""


def is_checkpoint_file(name: str) -> bool:
    """Return whether a file of that name tells of a checkpoint."""
    base = name.rpartition("/")[2]
    return base in MARKERS or base.endswith((*WEIGHT_SUFFIXES, ".index.json"))


def hash_weights(listing: Listing, loaded: Iterable[str] = (), *, stated: bool = False) -> Hashes:
    """Return the multiset of weight-file hashes; empty unless every weight file has one.

    `loaded` are files that an index names: weights as well, whatever they are called. `stated`
    takes what is only recorded, which proves nothing.
    """
    if any(_is_weight_file(name) for name in listing.absent):
        return frozenset()
    counts: dict[str, int] = {}
    entries = {entry.name: entry for entry in list_weight_files(listing)}
    others = set(loaded) - entries.keys()
    entries |= {entry.name: entry for entry in listing.files if entry.name in others}
    if not others <= entries.keys():
        return frozenset()  # of a file that is not there nothing is known
    for entry in entries.values():
        digest = entry.stated if stated else entry.sha256
        if digest is None:
            return frozenset()
        counts[digest] = counts.get(digest, 0) + 1
    return frozenset(counts.items())


def list_weight_files(listing: Listing) -> list[FileEntry]:
    """Return the files that hold weights, those of a training run's state left out."""
    return [entry for entry in listing.files if _is_weight_file(entry.name)]


def list_absent_weights(listing: Listing) -> list[str]:
    """Return the files of the model's weights that a cache lacks, where others cannot stand in."""
    from famtree.sources.header_plan import choose_shards

    absent = [name for name in listing.absent if _is_weight_file(name)]
    if not absent:
        return []
    whole = replace(listing, files=(*listing.files, *map(FileEntry, absent)))
    meant = set(choose_shards(whole))
    if not meant and list_weight_files(listing):
        return []
    return [name for name in absent if name in meant or not meant]


def _is_weight_file(name: str) -> bool:
    return name.lower().endswith(WEIGHT_SUFFIXES) and not _is_side_state(name)


def _is_side_state(name: str) -> bool:
    # Trainers pickle their state; what ends otherwise is loaded as weights, whatever its name.
    return name.rpartition("/")[2].startswith(_SIDE_STATES) and name.endswith(_PICKLED)
