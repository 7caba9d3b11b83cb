"""Which layout the stored parts of one module follow: `data/packings.json` as rules.

A rule looks at leaf names, dtypes and one relation between two sizes, never at values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from msgspec import Struct

from famtree.types.checkpoint import TensorInfo

Leaves = Mapping[str, TensorInfo | None]
Relation = tuple[str, int, int, str, int, int]
_MISSING = "?"
"""Stands for the dtype of a tensor known by name only."""


class Sign(Struct, frozen=True):
    """One way in which a packing shows."""

    needs: tuple[tuple[str, frozenset[str] | None], ...]
    """Leaf (`*` ends a prefix) and its dtypes, None for any."""
    without: tuple[str, ...] = ()
    relation: Relation | None = None
    single: str | None = None
    """A leaf that must have one element."""


class Packing(Struct, frozen=True):
    """One layout, and how its codes are counted."""

    name: str
    method: str
    """quant_method that the tensors suggest where nothing is declared."""
    geometry: str
    signs: tuple[Sign, ...]
    bits: float | None = None
    group: int | None = None
    type: str | None = None
    scheme: str | None = None
    """Name of the variant where nothing is declared."""
    leaf: str = "weight"
    scale: str | None = None
    zeros: str | None = None
    times: int = 1
    along: int = -1
    """The dimension in which several weights share an element."""
    format: str | None = None
    sparsity: str | None = None
    holds_fewer: bool = False
    """An element may hold a code of fewer bits than it has."""


def recognise(leaves: Leaves) -> Packing | None:
    """Return the packing of one module, or None for plain (or unrecognised) weights."""
    if len(leaves) <= 1 and "bias" in leaves:
        return None
    kinds = tuple((leaf, one.dtype if one else _MISSING) for leaf, one in leaves.items())
    for packing, sign in _fitting(kinds):
        if _related(sign.relation, leaves) and _is_single(sign.single, leaves):
            return packing
    return None


@lru_cache(maxsize=4096)
def _fitting(kinds: tuple[tuple[str, str], ...]) -> tuple[tuple[Packing, Sign], ...]:
    """Return the rules that names and dtypes allow; modules repeat, so each set is tried once."""
    dtypes = dict(kinds)
    return tuple(
        (packing, sign)
        for packing in load_packings()
        for sign in packing.signs
        if all(_has(dtypes, leaf, allowed) for leaf, allowed in sign.needs)
        and not any(leaf in dtypes for leaf in sign.without)
    )


def _has(dtypes: dict[str, str], leaf: str, allowed: frozenset[str] | None) -> bool:
    if leaf.endswith("*"):
        return any(name.startswith(leaf[:-1]) for name in dtypes)
    return leaf in dtypes and (allowed is None or dtypes[leaf] in allowed)


def _related(relation: Relation | None, leaves: Leaves) -> bool:
    if relation is None:
        return True
    one, place, factor, other, other_place, other_factor = relation
    first, second = dimension(leaves.get(one), place), dimension(leaves.get(other), other_place)
    if first is None or second is None:
        return False
    return first * factor == second * other_factor


def _is_single(leaf: str | None, leaves: Leaves) -> bool:
    tensor = leaves.get(leaf) if leaf else None
    return leaf is None or (tensor is not None and tensor.numel == 1)


def dimension(tensor: TensorInfo | None, place: int) -> int | None:
    """Return one size of a tensor, None where it has no such dimension or was not read."""
    if tensor is None or not -len(tensor.shape) <= place < len(tensor.shape):
        return None
    return tensor.shape[place]


class Parts(Struct, frozen=True):
    """Last components of names that are stored parts of one module rather than modules."""

    leaves: frozenset[str]
    submodules: tuple[str, ...]
    """Endings of module paths whose `weight` is a part of the module above."""
    ordinary: frozenset[str]
    """Leaves that are also names of plain parameters."""


@cache
def load_parts() -> Parts:
    """Return the names of stored parts."""
    table = _load_table()
    return Parts(
        frozenset(table["parts"]),
        tuple(f".{name}" for name in table["parts_that_are_modules"]),
        frozenset(table["ordinary_words"]),
    )


@cache
def load_packings() -> tuple[Packing, ...]:
    """Return the table of packings in the order they are tried."""
    table = _load_table()
    classes = {name: frozenset(dtypes) for name, dtypes in table["dtypes"].items()}
    return tuple(_make(entry, classes) for entry in table["packings"])


@cache
def _load_table() -> dict[str, Any]:
    text = files("famtree.fingerprints").joinpath("data/packings.json").read_bytes()
    table: dict[str, Any] = json.loads(text)
    return table


def _make(entry: dict[str, Any], classes: dict[str, frozenset[str]]) -> Packing:
    signs = tuple(
        Sign(
            needs=tuple(
                (leaf, None if kind == "-" else _dtypes(kind, classes))
                for leaf, kind in sign["needs"].items()
            ),
            without=tuple(sign.get("without", ())),
            relation=tuple(sign["relation"]) if "relation" in sign else None,
            single=sign.get("single"),
        )
        for sign in entry["signs"]
    )
    return Packing(**{**entry, "signs": signs})


def _dtypes(kind: str | list[str], classes: dict[str, frozenset[str]]) -> frozenset[str]:
    return classes[kind] if isinstance(kind, str) else frozenset(kind)
