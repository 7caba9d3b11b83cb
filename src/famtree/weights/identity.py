"""Are two checkpoints the same bytes? From hashes, or from sampled values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from famtree.sources.weight_files import list_weight_files
from famtree.types.checkpoint import FileEntry

if TYPE_CHECKING:
    from famtree.weights.open import Weights


def same_files(a: Weights, b: Weights) -> bool:
    """Return whether all weight files of both have the same hashes, listed or computed.

    Of GGUF files and of a file that was named alone, those that were opened.
    """
    left, right = find_hashes(a), find_hashes(b)
    return left is not None and left == right


def find_unsampled(weights: Weights, other: Weights) -> str | None:
    """Return a weight file of `weights` that was not looked at whole, and no equal is known.

    Equal samples of some files say nothing of another (a pickle beside the safetensors, further
    shards that no index names, a second tensor of one name), which a program may load all the same.
    """
    if _is_alone(weights):
        return None
    ends = Counter(weights.data_start)
    for tensor in weights.tensors.values():
        ends[tensor.file] += tensor.nbytes
    held = {one.sha256 for one in list_weight_files(other.source.list_files())}
    for entry in list_weight_files(weights.source.list_files()):
        seen = entry.name in weights.data_start and ends[entry.name] >= (entry.size or 0)
        if not seen and (entry.sha256 is None or entry.sha256 not in held):
            return entry.name
    return None


def equal_share(pairs: Iterable[tuple[NDArray[np.float32], NDArray[np.float32]]]) -> float | None:
    """Return the share of values that are exactly equal; None where nothing is compared."""
    equal = total = 0
    for a, b in pairs:
        equal += int((a == b).sum())
        total += a.size
    return equal / total if total else None


def find_hashes(weights: Weights) -> Counter[str] | None:
    """Return the sha256 of every weight file, listed or computed; None where one is not known."""
    found: Counter[str] = Counter()
    listing = weights.source.list_files()
    for name in _list_files(weights):
        entry = listing.find(name)
        if entry is None or entry.sha256 is None:
            return None
        found[entry.sha256] += 1
    return found or None


def list_unhashed(weights: Weights) -> list[FileEntry]:
    """Return the listed weight files whose sha256 is neither listed nor computed."""
    listing = weights.source.list_files()
    entries = [listing.find(name) for name in sorted(_list_files(weights))]
    return [entry for entry in entries if entry is not None and entry.sha256 is None]


def _list_files(weights: Weights) -> set[str]:
    # The source's own listing: hashes may have been computed since the weights were opened.
    files = set(weights.file_of.values()) | set(weights.data_start) | weights.indexed
    if not _is_alone(weights):
        listing = weights.source.list_files()
        files.update(entry.name for entry in list_weight_files(listing))
    return files


def _is_alone(weights: Weights) -> bool:
    """Return whether what was opened is all that is meant: a GGUF, a file named by itself."""
    named = weights.source.ref.file is not None or weights.source.kind in ("gguf", "safetensors")
    return named or weights.format == "gguf"
