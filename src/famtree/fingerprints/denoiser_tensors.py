"""A denoiser by the names and shapes of its tensors, where no config says what it is.

The layouts are data (`data/denoisers.json`): of the authors, of ComfyUI and of diffusers, whole or
as the matrices of an adapter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from msgspec import Struct

from famtree.files import load_data
from famtree.types.checkpoint import TensorIndex, TensorInfo
from famtree.types.identification import Kind

MOST_NAMES = 20_000
"""Denoisers have up to some 4,000 tensors, adapters of them three times as many."""
MOST_CHARACTERS = 1_500_000
"""Of all names, each of which is searched some thirty times; released ones have below 100 each."""
_DOWN = r"lora_A|lora_down|\.down\.|hada_w[12]_b|\.weight$|_proj\.weight$"
_UP = r"lora_B|lora_up|\.up\.|lokr_w2|hada_w[12]_a|alpha$|bias$|_scale$"


class Denoiser(Struct, frozen=True):
    """What the tensors show: a design, what of it they are, and its widths."""

    kind: Kind
    observed: dict[str, Any]
    """By Architecture field name."""
    layout: str | None = None
    """Whose names an adapter uses."""


@cache
def _load_table() -> dict[str, Any]:
    table: dict[str, Any] = load_data("fingerprints/data/denoisers.json")
    return table


def _find(pattern: str, names: Iterable[str]) -> bool:
    return any(map(re.compile(pattern).search, names))  # `re` keeps what it compiled


def observe_denoiser(index: TensorIndex) -> Denoiser | None:
    """Return the denoiser that these tensors are of, or None."""
    names = index.names or frozenset(index.tensors)
    if len(names) > MOST_NAMES or sum(map(len, names)) > MOST_CHARACTERS:
        return None
    table = _load_table()
    adapter = _find(table["matrices"], names)
    for design in table["designs"]:
        found = _read_design(design, index, names, adapter=adapter)
        if found is None:
            continue
        if not adapter:
            return Denoiser(design.get("kind", "model"), found)
        layouts = (layout for layout, pattern in table["layouts"] if _find(pattern, names))
        return Denoiser("adapter", found, next(layouts, None))
    return None


def _read_design(
    design: dict[str, Any], index: TensorIndex, names: frozenset[str], *, adapter: bool
) -> dict[str, Any] | None:
    """Return what tensors of `design` show, None where they are not of it."""
    wanted = [design[key] for key in ("names", "with") if key in design]
    if "plain" in design and not adapter:
        wanted.append(design["plain"])
    if not all(_find(one, names) for one in wanted):
        return None
    if "without" in design and _find(design["without"], names):
        return None
    width = _find_width(index.tensors.values(), design.get("width"))
    if "widths" in design and width not in design["widths"]:
        return None
    if "deeper" in design:
        pattern, least, *most = design["deeper"]
        last = _find_last(pattern, names)
        if last < least or (most and last > most[0]):
            return None
    pattern, rows = design.get("rows", (None, None))
    if pattern is not None and rows not in _list_rows(index.tensors.values(), pattern):
        return None
    context = design.get("context")
    ways = context if isinstance(context, list) else [context]
    seen = (_find_width(index.tensors.values(), one) for one in ways)
    found = {
        "class_name": design["class"],
        "hidden_size": width,
        "vocab_rows": rows,
        "context_width": next((one for one in seen if one), None),
        "layers": _find_last(design["depth"], names) + 1 if "depth" in design else None,
    }
    for name, marks in design.get("marks", {}).items():
        told = (value for pattern, value in marks if _find(pattern, names))
        found[name] = found.get(name) or next(told, None)
    found = {name: value for name, value in found.items() if value}
    if "normed" in design and not adapter:
        found["qk_norm"] = _find(design["normed"], names)
    return found


def _list_rows(tensors: Iterable[TensorInfo], pattern: str) -> set[int]:
    modules = re.compile(pattern)
    return {one.shape[0] for one in tensors if len(one.shape) == 2 and modules.search(one.name)}


def _find_last(pattern: str, names: Iterable[str]) -> int:
    """Return the highest number of a block, -1 where there is none."""
    compiled = re.compile(pattern)
    return max((int(one[1][:6]) for name in names for one in compiled.finditer(name)), default=-1)


def _find_width(tensors: Iterable[TensorInfo], pattern: str | None) -> int | None:
    """Return the width of the states that these modules read, None where they differ."""
    if pattern is None:
        return None
    modules = re.compile(pattern)
    widths: set[int] = set()
    factors: dict[str, int] = {}
    for one in tensors:
        if not modules.search(one.name) or not one.shape:
            continue
        module, lokr, part = one.name.partition(".lokr_w")
        if lokr:
            if len(one.shape) == 2 and not part.endswith("_a"):  # which ends at the rank
                factors[module] = factors.get(module, 1) * one.shape[1]
        elif re.search(_DOWN, one.name) and not re.search(_UP, one.name):
            widths.add(one.shape[-1])
    if factors:
        widths.add(min(factors.values()))  # what factors belong to the input is not said
    return widths.pop() if len(widths) == 1 else None
