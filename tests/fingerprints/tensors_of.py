"""Tensor indexes for tests: of a fixture's facts, or of a few lines of names and shapes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conftest import ROOT, load_module
from famtree.types.checkpoint import TensorIndex, TensorInfo

Tensor = tuple[str, str, tuple[int, ...]]
"""Name, dtype and shape."""
_MAKERS = load_module(ROOT / "fixtures" / "make_fixtures.py")


def facts(name: str) -> dict[str, Any]:
    """Return the recorded facts of a fixture."""
    found: dict[str, Any] = _MAKERS.load_facts(name)
    return found


def expand_fixture(name: str) -> list[Tensor]:
    """Return every tensor of a fixture."""
    tensors: list[Tensor] = _MAKERS.expand_tensors(facts(name)["tensors"])
    return tensors


def pack_matrix(how: str, path: str, dtype: str, shape: tuple[int, ...]) -> list[Tensor]:
    """Return what quantizer `how` stores for one matrix."""
    tensors: list[Tensor] = _MAKERS.pack_matrix(how, path, dtype, shape)
    return tensors


def index_of_fixture(name: str) -> TensorIndex:
    """Return the complete index of a fixture, without writing a file."""
    return index_of_tensors(expand_fixture(name))


def index_of_tensors(tensors: Iterable[Tensor]) -> TensorIndex:
    """Return the complete index of tensors."""
    return index_of({key: f"{kind}: {' '.join(map(str, dims))}" for key, kind, dims in tensors})


def index_of(tensors: dict[str, str], *, complete: bool = True) -> TensorIndex:
    """Return an index of `name -> "dtype: dim dim"` (BF16 where no dtype is given)."""
    found = {}
    for name, text in tensors.items():
        kind, mark, rest = text.rpartition(":")
        shape = tuple(int(size) for size in rest.split())
        dtype = kind if mark else "BF16"
        bits = _MAKERS.BITS.get(dtype, 8)
        size = bits // 8
        for dim in shape:
            size *= dim
        found[name] = TensorInfo(name, dtype, shape, 0, size, "model.safetensors")
    return TensorIndex(found, frozenset(found), complete, ("model.safetensors",))
