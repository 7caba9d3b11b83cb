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
_DOWN = re.compile(r"lora_A|lora_down|\.down\.|lokr_w[12]|hada_w[12]_b|\.weight$|_proj\.weight$")
_UP = re.compile(r"lora_B|lora_up|\.up\.|lokr_w2|hada_w[12]_a|alpha$|bias$|_scale$")


class Denoiser(Struct, frozen=True):
    """What the tensors show: a design, what of it they are, and its widths."""

    kind: Kind
    observed: dict[str, Any]
    """By Architecture field name."""


@cache
def _load_designs() -> tuple[re.Pattern[str], list[dict[str, Any]]]:
    table = load_data("fingerprints/data/denoisers.json")
    designs = [
        {
            name: re.compile(value) if name not in ("class", "kind", "widths") else value
            for name, value in design.items()
        }
        for design in table["designs"]
    ]
    return re.compile(table["matrices"]), designs


def observe_denoiser(index: TensorIndex) -> Denoiser | None:
    """Return the denoiser that these tensors are of, or None."""
    names = index.names or frozenset(index.tensors)
    if len(names) > MOST_NAMES:
        return None
    matrices, designs = _load_designs()
    adapter = any(matrices.search(name) for name in names)
    for design in designs:
        if not any(design["names"].search(name) for name in names):
            continue
        wanted = [
            design[key] for key in ("with", *(() if adapter else ("plain",))) if key in design
        ]
        if any(not any(one.search(name) for name in names) for one in wanted):
            continue
        if "without" in design and any(design["without"].search(name) for name in names):
            continue
        width = _find_width(index.tensors.values(), design.get("width"))
        if "widths" in design and width not in design["widths"]:
            continue
        found = {
            "class_name": design["class"],
            "hidden_size": width,
            "context_width": _find_width(index.tensors.values(), design.get("context")),
        }
        kind: Kind = "adapter" if adapter else design.get("kind", "model")
        return Denoiser(kind, {name: value for name, value in found.items() if value})
    return None


def _find_width(tensors: Iterable[TensorInfo], modules: re.Pattern[str] | None) -> int | None:
    """Return the width of the states that these modules read, None where they differ."""
    if modules is None:
        return None
    widths: set[int] = set()
    factors: dict[str, int] = {}
    for one in tensors:
        if not modules.search(one.name) or not one.shape:
            continue
        module, lokr, _ = one.name.partition(".lokr_w")
        if lokr and len(one.shape) == 2:
            factors[module] = factors.get(module, 1) * one.shape[1]
        elif _DOWN.search(one.name) and not _UP.search(one.name):
            widths.add(one.shape[-1])
    if factors:
        widths.add(min(factors.values()))  # what factors belong to the input is not said
    return widths.pop() if len(widths) == 1 else None
