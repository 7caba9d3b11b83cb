"""The table of layouts, and the one place that tells which of them a module follows.

`data/packings.json` has the layouts, `data/methods.json` what declares them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from famtree.files import PACKAGE
from famtree.packings.packing import Method, Packing, Sign
from famtree.packings.sizes import Leaves

_T = TypeVar("_T")
_MISSING = "?"
"""Stands for the dtype of a tensor known by name only."""


class _Packings(Struct):
    parts: frozenset[str]
    ordinary_words: frozenset[str]
    packings: list[Packing]


class Methods(Struct):
    """`data/methods.json`."""

    synonyms: dict[str, str]
    methods: dict[str, Method]
    algorithms: dict[str, tuple[Any, ...]]
    common: dict[str, tuple[str, ...]]
    presets: tuple[dict[str, Any], ...]


class Parts(Struct, frozen=True):
    """Endings of names that are stored parts of one module rather than modules."""

    leaves: frozenset[str]
    submodules: tuple[str, ...]
    """Endings of module paths whose `weight` is a part of the module above."""
    fused: tuple[str, ...]
    """Endings of bare parameters of fused experts, the longest first."""
    ordinary: frozenset[str]
    """Leaves that are also names of plain parameters."""


def recognise(leaves: Leaves) -> Packing | None:
    """Return the packing of one module, or None for plain (or unrecognised) weights."""
    if len(leaves) <= 1 and "bias" in leaves:
        return None
    kinds = tuple((leaf, one.dtype if one else _MISSING) for leaf, one in leaves.items())
    return next((packing for packing, sign in _allow(kinds) if sign.fits(leaves)), None)


@lru_cache(maxsize=4096)
def _allow(kinds: tuple[tuple[str, str], ...]) -> tuple[tuple[Packing, Sign], ...]:
    """Return the signs that names and dtypes allow; modules repeat, so each set is tried once."""
    dtypes = dict(kinds)
    return tuple(
        (packing, sign)
        for packing in list_packings()
        for sign in packing.signs
        if sign.allows(dtypes)
    )


def list_packings() -> list[Packing]:
    """Return the layouts in the order they are tried."""
    return _load_packings().packings


def fits_method(packing: Packing, method: str) -> bool:
    """Return whether `method` writes `packing`, as far as is known."""
    return method in packing.methods or method not in load_methods().methods


@cache
def load_parts() -> Parts:
    """Return the names of stored parts, which the definitions name."""
    table = _load_packings()
    named = sorted(table.parts.union(*(
        one.list_leaves() for one in table.packings if one.fused != "only"
    )))  # fmt: skip
    fused = {leaf for one in table.packings if one.fused for sign in one.signs
             for leaf in sign.needs} | {"bias"}  # fmt: skip
    return Parts(
        frozenset(leaf for leaf in named if "." not in leaf),
        tuple(f".{leaf}".removesuffix(".weight") for leaf in named if leaf.endswith(".weight")),
        tuple(f"_{leaf}" for leaf in sorted(fused - {""}, key=len, reverse=True)),
        table.ordinary_words,
    )


def register(packing: Packing, method: Method | None = None) -> None:
    """Add a layout, tried before the others, and how its first method declares itself.

    For layouts of one's own, before anything is read.
    """
    list_packings().insert(0, packing)
    if method is not None:
        load_methods().methods[packing.methods[0]] = method
    load_parts.cache_clear()
    _allow.cache_clear()


def forget() -> None:
    """Forget what was registered."""
    for one in (_load_packings, load_methods, load_parts, _allow):
        one.cache_clear()


@cache
def _load_packings() -> _Packings:
    return _decode("packings.json", _Packings)


@cache
def load_methods() -> Methods:
    """Return what quantization methods declare."""
    return _decode("methods.json", Methods)


def _decode(name: str, kind: type[_T]) -> _T:
    text = (PACKAGE / "packings/data" / name).read_bytes()
    return msgspec.json.decode(text, type=kind, dec_hook=_refer)


def _refer(_kind: object, reference: str) -> Callable[..., Any]:
    """Return the function `module.name` of this package, which is imported when it is called."""
    module, _, name = reference.partition(".")

    def call(*arguments: Any) -> Any:
        return getattr(import_module(f"famtree.packings.{module}"), name)(*arguments)

    return call
