"""What would help where a checkpoint does not fit: accelerators, another copy, fewer tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

from msgspec.structs import replace

from famtree.deployment.gpus import Site
from famtree.interchange.engine import Engine
from famtree.interchange.footprint import measure_footprint
from famtree.interchange.room import find_room, show_bytes
from famtree.interchange.side import Plan, Side
from famtree.types.fit import FitEngine

FitOne = Callable[[Side, Engine, Plan, Site | None, int | None], FitEngine]
COUNTS = (2, 4, 8, 16)
COPIES = (("an 8-bit copy (FP8)", 8.5), ("a 4-bit copy (AWQ, GPTQ or GGUF)", 4.85))
"""Bits a weight with scales and what stays as it is, as released copies have them."""


def list_suggestions(
    side: Side,
    engines: Sequence[Engine],
    found: Sequence[FitEngine],
    plan: Plan,
    place: Site | None,
    fit_one: FitOne,
) -> list[str]:
    """Return what would help, in words; nothing where it fits, or where that cannot be told."""
    runs = [one for one in found if one.answer in ("yes", "conditional")]
    if place is None or any(one.fits == "yes" for one in runs):
        return []
    stuck = [one for one in runs if one.fits == "no"]
    if not stuck:
        return []
    by_key = {engine.key: engine for engine in engines}
    first = by_key[stuck[0].engine]
    told = []
    for make in (_fewer_tokens, _smaller_batch, _more_accelerators, _eight_bit_cache):
        text = make(side, first, stuck[0], plan, place, fit_one)
        if text is not None:
            told.append(text)
    told += _smaller_copies(side, first, plan, place)
    return told


def _fewer_tokens(
    side: Side, engine: Engine, one: FitEngine, plan: Plan, place: Site, fit_one: FitOne
) -> str | None:
    del side, engine, place, fit_one
    if plan.context is not None and one.max_context and one.max_context < plan.context:
        return f"--context {one.max_context}"
    return None


def _smaller_batch(
    side: Side, engine: Engine, one: FitEngine, plan: Plan, place: Site, fit_one: FitOne
) -> str | None:
    del side, engine, place, fit_one
    if one.max_batch and one.max_batch < (plan.batch or 1):
        return f"--batch {one.max_batch}"
    return None


def _more_accelerators(
    side: Side, engine: Engine, one: FitEngine, plan: Plan, place: Site, fit_one: FitOne
) -> str | None:
    del one
    if place.vendor == "cpu" or place.memory is None:
        return None
    for count in COUNTS:
        if count <= place.count:
            continue
        tried = fit_one(side, engine, plan, replace(place, count=count), None)
        if tried.fits == "yes":
            return f"--gpu {place.name!r}:{count}" if " " in place.name else (
                f"--gpu {place.name}:{count}"
            )  # fmt: skip
    return None


def _eight_bit_cache(
    side: Side, engine: Engine, one: FitEngine, plan: Plan, place: Site, fit_one: FitOne
) -> str | None:
    del one
    support = engine.cache
    if plan.cache_type is not None or support is None:
        return None
    for kind in ("fp8", "int8"):
        if kind in support.types:
            tried = fit_one(side, engine, replace(plan, cache_type=kind), place, None)
            if tried.fits == "yes":
                return f"--kv-cache-type {kind}"
    return None


def _smaller_copies(side: Side, engine: Engine, plan: Plan, place: Site) -> list[str]:
    parameters = side.identification.parameters
    found = side.identification.quantization
    if not parameters or place.memory is None or (found is not None and (found.bits or 16) <= 4):
        return []
    load = measure_footprint(side, engine, plan)
    caches = 0 if plan.context is None else load.measure_caches(plan.context, plan.batch or 1) or 0
    usable = find_room(engine, place.memory).usable * place.count
    told = []
    for name, bits in COPIES:
        if found is not None and (found.bits or 16) <= bits:
            continue
        size = ceil(parameters * bits / 8)
        if size + caches <= usable:
            told.append(f"{name}, about {show_bytes(size)}")
    return told[:2]
