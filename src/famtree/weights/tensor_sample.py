"""Are two checkpoints the same weights? A sample of every tensor, or every byte.

Names, shapes and drawn values of all tensors have to be equal: the head, norms, routers and every
expert, whatever the other tests look at. Between files of this machine every value is compared.
Dtypes may differ where no value does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from famtree.packings.floats import SIZES, decode_floats
from famtree.packings.stored import Span
from famtree.types.checkpoint import TensorInfo
from famtree.weights.draw import MOST_HASHED, Draw
from famtree.weights.forms import store
from famtree.weights.read import fetch

if TYPE_CHECKING:
    from famtree.weights.open import Weights

WINDOWS = 512
"""Windows that are drawn besides the one of every tensor."""
MOST_WINDOWS = 4096
"""Most windows that are read over a network."""
VALUES = 512
"""Values of a window."""
_CHUNK = 1 << 22
PARTS = ("embeddings", "head", "norms", "experts", "layers", "other")
_OUTSIDE = {"embedding": "embeddings", "head": "head"}

_CAST = SIZES.keys() - {"F64", "I8"}
"""Dtypes whose values float32 holds."""

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TensorComparison:
    """What equal names and drawn values say together."""

    same: bool
    reason: str
    changed: tuple[str, ...]
    """Parts with a difference in shape or value, or that one side lacks."""


def compare_all_tensors(a: Weights, b: Weights, draw: Draw) -> TensorComparison | None:
    """Compare the names and shapes of all tensors, and values of each; None where that cannot be.

    It cannot where headers are not to be read, or a network would be asked too often.
    """
    ours, theirs = _list(a), _list(b)
    if not ours or not theirs:
        return None
    apart = {
        key
        for key in ours.keys() | theirs.keys()
        if key not in ours or key not in theirs or ours[key].shape != theirs[key].shape
    }
    if apart:
        changed = _sort_parts(_part(key) for key in apart)
        return TensorComparison(False, "names or shapes of tensors differ", changed)
    pairs = [(key, ours[key], theirs[key]) for key in sorted(ours)]
    if any(not _comparable(one, other) for _, one, other in pairs):
        return None
    local = all(side.source.kind != "hub" for side in (a, b))
    total = max(sum(one.nbytes for one in side.values()) for side in (ours, theirs))
    if local and total <= MOST_HASHED:
        found = {_part(key) for key, one, other in pairs if not _equal_whole(a, b, one, other)}
        return _conclude(found, f"every value of all {len(pairs)} tensors is equal")
    windows = list(_draw_windows(draw, pairs))
    if not local and len(windows) > MOST_WINDOWS:
        return None
    differing, values = _compare_windows(a, b, windows)
    if differing is None:
        return None
    told = f"no difference in {values:,} values drawn from every tensor"
    return _conclude(differing, told)


def _conclude(differing: set[str], told: str) -> TensorComparison:
    return TensorComparison(not differing, told, _sort_parts(differing))


def _sort_parts(parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(parts), key=PARTS.index))


def _list(weights: Weights) -> dict[Key, TensorInfo]:
    """Return all tensors by what they are: place and role where they are known, else the name."""
    weights.require(list(weights.file_of))
    if len(weights.tensors) < len(weights.file_of):
        return {}
    found: dict[Key, TensorInfo] = {}
    counts: dict[Key, int] = {}
    main = weights.layout.main
    outside = {id(one): role for role, own in weights.layout.outside.items() for one in own}
    for module in sorted(weights.layout.modules, key=lambda one: (len(one.path), one.path)):
        inside = main is not None and module.block is not None and (
            module.path.startswith(f"{main.path}.{module.block}.")
        )  # fmt: skip
        role = module.role if inside else outside.get(id(module))
        key: Key
        if role is None or main is None:
            key = ("", module.path)
        elif inside:
            key = (role, str(module.block))
        else:
            key = (role, "")
        for leaf, tensor in module.leaves.items():
            if tensor is None:
                continue
            place = (*key, leaf)
            counts[place] = counts.get(place, 0) + 1
            # A layout of translated names keeps no true dtypes.
            found[*place, str(counts[place])] = weights.tensors.get(tensor.name, tensor)
    seen = {tensor.name for tensor in found.values()}
    # Stored constants are compared as well: a program loads them.
    for name, tensor in weights.tensors.items():
        if name not in seen:
            found["", name, "", ""] = tensor
    return found


def _part(key: Key) -> str:
    role, block = key[0], key[1]
    if role in _OUTSIDE:
        return _OUTSIDE[role]
    if "norm" in role:
        return "norms"
    if role.startswith("expert") or role == "router":
        return "experts"
    return "layers" if role and block else "other"


def _comparable(one: TensorInfo, other: TensorInfo) -> bool:
    return one.dtype == other.dtype or {one.dtype, other.dtype} <= _CAST


def _draw_windows(
    draw: Draw, pairs: list[tuple[Key, TensorInfo, TensorInfo]]
) -> Iterator[tuple[Key, TensorInfo, TensorInfo, int, int]]:
    """Yield (key, tensors, first value, values): one a tensor, more of large ones."""
    total = sum(one.numel for _, one, _ in pairs) or 1
    for key, one, other in pairs:
        for number in range(1 + WINDOWS * one.numel // total):
            values = min(VALUES, one.numel)
            yield key, one, other, draw.number(one.numel - values + 1, *key, number), values


def _compare_windows(
    a: Weights, b: Weights, windows: list[tuple[Key, TensorInfo, TensorInfo, int, int]]
) -> tuple[set[str] | None, int]:
    spans: list[list[Span]] = [[], []]
    for _, one, other, first, count in windows:
        for place, (side, tensor) in enumerate(((a, one), (b, other))):
            # Values of other dtypes are blocks of bytes here, compared as they lie.
            low, high = (
                tensor.nbytes * at // max(1, tensor.numel) for at in (first, first + count)
            )
            spans[place].append(store(side, tensor.name).span(low, high))
    data = [fetch(side, wanted) for side, wanted in zip((a, b), spans, strict=True)]
    differing, values = set(), 0
    for (key, one, other, _, count), mine, theirs in zip(windows, *spans, strict=True):
        if mine not in data[0] or theirs not in data[1]:
            return None, 0
        values += count
        if not _equal(data[0][mine], data[1][theirs], one.dtype, other.dtype):
            differing.add(_part(key))
    return differing, values


def _equal_whole(a: Weights, b: Weights, one: TensorInfo, other: TensorInfo) -> bool:
    """Compare two tensors of files on this machine, a piece at a time."""
    sides = store(a, one.name), store(b, other.name)
    numel = one.numel
    step = max(1, _CHUNK // 8)
    if one.dtype not in SIZES:
        numel, step = one.nbytes, _CHUNK
    sizes = [side.nbytes // max(1, numel) for side in sides]
    for start in range(0, numel, step):
        stop = min(numel, start + step)
        pieces = []
        for weights, side, size in zip((a, b), sides, sizes, strict=True):
            span = side.span(start * size, stop * size)
            data = weights.source.read_spans([span])[span]
            weights.reading.hashed += span.stop - span.start
            pieces.append(data if isinstance(data, bytes) else None)
        if pieces[0] is None or pieces[1] is None:
            return False
        if not _equal(pieces[0], pieces[1], one.dtype, other.dtype):
            return False
    return True


def _equal(mine: bytes, theirs: bytes, own: str, other: str) -> bool:
    if own == other:
        return mine == theirs
    return bool(np.array_equal(decode_floats(mine, own), decode_floats(theirs, other)))
