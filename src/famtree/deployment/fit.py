"""One examined checkpoint, a place and a plan -> which engines serve it there, and what fits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from famtree import __version__
from famtree.deployment.gpus import UNNAMED, Site
from famtree.deployment.help import list_suggestions
from famtree.deployment.parallel import find_option, list_sizes
from famtree.deployment.running import judge
from famtree.errors import UsageError
from famtree.identification.side import make_side
from famtree.identification.subject import Subject
from famtree.interchange.answer import ChosenEngine, as_asked
from famtree.interchange.cache_layout import (
    KvLayout,
    bytes_per_token,
    fixed_bytes,
    state_bytes,
)
from famtree.interchange.context import read_context
from famtree.interchange.engine import Engine
from famtree.interchange.footprint import Footprint, measure_footprint
from famtree.interchange.memory import Figures, tell_context
from famtree.interchange.room import find_largest_batch, find_room
from famtree.interchange.side import Plan, Side
from famtree.types.comparison import ComparedCheckpoint
from famtree.types.fit import FitEngine, FitMemory, FitPlace, FitPlan, FitReport, Fits
from famtree.types.identification import Notice

_ORDER = {"yes": 0, "conditional": 1, "unknown": 2, "no": 3}
_FITS = {"yes": 0, "unknown": 1, "no": 2}


class FitRequest(Struct, frozen=True):
    """What is asked about one checkpoint."""

    chosen: tuple[ChosenEngine, ...]
    place: Site | None
    plan: Plan
    tensor_parallel: int | None = None
    notices: tuple[Notice, ...] = ()


def check_request(request: FitRequest) -> None:
    """Raise UsageError for accelerators that one copy would need and nobody has."""
    asked, place = request.tensor_parallel, request.place
    if asked is not None and place is not None and asked > place.count:
        name = place.name if " " not in place.name else repr(place.name)
        known = place.name != UNNAMED
        raise UsageError(
            f"--tensor-parallel {asked} needs {asked} accelerators, not {place.count}",
            hint=f"--gpu {name}:{asked}" if known else f"name them: --gpu NAME:{asked}",
        )


def serves(engine: Engine) -> bool:
    """Return whether an engine runs models by itself, and not only compiles or merges them."""
    if engine.kind in ("merger", "general"):
        return False
    return engine.cache is not None or engine.holding is not None or (
        engine.quantization is not None and engine.kind != "compiler"
    )  # fmt: skip


def fit_subject(subject: Subject, request: FitRequest) -> FitReport:
    """Return the document; nothing is read that the examination did not read."""
    started = time.perf_counter()
    side = make_side(subject)
    found = subject.identification
    place = request.place
    plan = request.plan
    if place is not None:
        plan = replace(plan, gpu_memory=place.memory, gpu_name=place.name,
                       capability=place.capability, vendor=place.vendor)  # fmt: skip
    engines = [
        fit_engine(side, as_asked(one), plan, place, request.tensor_parallel)
        for one in request.chosen
    ]
    engines.sort(key=_rank)
    stated = read_context(side)
    return FitReport.model_construct(
        famtree=__version__,
        checkpoint=ComparedCheckpoint.model_construct(
            ref=found.checkpoint.ref, family=found.family, generation=found.generation,
            outcome=found.outcome, confidence=found.confidence, size=found.size,
            parameters=found.parameters,
        ),
        plan=FitPlan.model_construct(
            context=plan.context, batch=plan.batch or 1, kv_cache_type=plan.cache_type,
            tensor_parallel=request.tensor_parallel,
        ),
        memory=_measure(side, plan),
        context=stated.effective if stated is not None else None,
        gpu=_publish_place(place),
        engines=engines,
        suggestions=list_suggestions(
            side, [as_asked(one) for one in request.chosen], engines, plan, place, fit_engine
        ),
        warnings=[*request.notices, *found.warnings],
        cost=subject.opener.sum_costs(subject.seconds + time.perf_counter() - started),
        registry=found.registry,
    )  # fmt: skip


def _rank(one: FitEngine) -> tuple[int, int, int, str]:
    """Best first: what runs and fits, then what runs, then what has room for most."""
    return (
        _ORDER[one.answer] if one.fits != "no" or one.answer == "no" else 2,
        _FITS[one.fits],
        -(one.max_context or 0),
        one.engine,
    )


def _publish_place(place: Site | None) -> FitPlace | None:
    if place is None:
        return None
    return FitPlace.model_construct(
        name=place.name,
        count=place.count,
        memory_bytes=None if place.memory is None else int(place.memory * 10**9),
        capability=None if place.capability is None else place.capability / 10,
        vendor=place.vendor,
        formats=list(place.formats),
    )


def _measure(side: Side, plan: Plan) -> FitMemory:
    load = measure_footprint(side, None, plan)
    weights = load.weights
    return FitMemory.model_construct(
        weights_bytes=weights.bytes if weights is not None else None,
        weights_source=weights.source if weights is not None else None,
        missing=load.missing,
        **_measure_caches(load),
    )


def _measure_caches(load: Footprint) -> dict[str, Any]:
    layout, cells = load.layout, load.cells
    if not isinstance(layout, KvLayout):
        return dict.fromkeys(("kv_bytes_per_token", "kv_fixed_bytes", "state_bytes_per_sequence"))
    return {
        "kv_bytes_per_token": bytes_per_token(layout, cells),
        "kv_fixed_bytes": fixed_bytes(layout, cells),
        "state_bytes_per_sequence": state_bytes(layout, cells),
    }


def fit_engine(
    side: Side, engine: Engine, plan: Plan, place: Site | None, asked: int | None
) -> FitEngine:
    """Return what one engine makes of a checkpoint at a place."""
    verdict = judge(side, engine, plan, place, asked)
    sizes = list_sizes(side, engine)
    whole = measure_footprint(side, engine, plan)
    allowed = asked is not None and find_option(side, engine, asked) is not None
    ranks = _choose_ranks(engine, place, asked, None if allowed else sizes)
    fits, figures = _weigh(side, engine, plan, ranks)
    told = verdict.help
    if told is None and verdict.answer in ("yes", "conditional") and fits == "no":
        told = "more memory, or a smaller copy"
        if figures.get("largest_context"):
            told = f"at most {figures['largest_context']:,} tokens"
    return FitEngine.model_construct(
        engine=engine.key,
        version=engine.version,
        answer=verdict.answer,
        reason=verdict.reason,
        condition=verdict.condition,
        rule=verdict.rule,
        source=verdict.source,
        unchecked=verdict.unchecked,
        tensor_parallel=sizes,
        ranks=ranks,
        weights_bytes=whole.weights.bytes if whole.weights is not None else None,
        kv_cache_type=whole.cache_type,
        **_measure_caches(whole),
        needed_bytes=_whole(figures, "needed_bytes"),
        usable_bytes=_whole(figures, "usable_bytes"),
        fits=fits,
        max_context=_whole(figures, "largest_context"),
        max_batch=_whole(figures, "largest_batch"),
        help=told,
    )


def _whole(figures: Figures, name: str) -> int | None:
    value = figures.get(name)
    return None if value is None else int(value)


def _choose_ranks(
    engine: Engine, place: Site | None, asked: int | None, sizes: Sequence[int] | None
) -> int:
    """Return how many accelerators share one copy: as asked, else as many as there are and go."""
    count = place.count if place is not None else 1
    sharding = engine.holding.sharding if engine.holding is not None else None
    if sharding == "layers":
        return count
    if sharding != "tensor":
        return 1
    if asked is not None:
        return asked if sizes is None or asked in sizes else 1
    return max((size for size in sizes or (1,) if size <= count), default=1)


def _weigh(side: Side, engine: Engine, plan: Plan, ranks: int) -> tuple[Fits, Figures]:
    """Return whether it fits, and the figures of one rank; the same figures as `memory` has."""
    figures: Figures = {}
    cut = engine.holding is not None and engine.holding.sharding == "tensor"
    load = measure_footprint(side, engine, plan, ranks if cut else 1)
    batch = plan.batch or 1
    weights = load.weights
    if weights is not None and plan.context is not None:
        caches = load.measure_caches(plan.context, batch)
        if caches is not None:
            figures["needed_bytes"] = weights.bytes + caches
    if plan.gpu_memory is None:
        return "unknown", figures
    room = find_room(engine, plan.gpu_memory)
    # Layers that are dealt out fill all accelerators as if they were one.
    usable = room.usable * (1 if cut else ranks)
    figures["usable_bytes"] = usable
    if weights is None:
        return "unknown", figures
    if weights.bytes > usable:
        figures["largest_context"] = figures["largest_batch"] = 0
        return "no", figures
    if load.missing:
        return "unknown", figures
    left = usable - weights.bytes
    tell_context(side, load, left, batch, figures)
    if plan.context is None:
        return ("no" if figures.get("largest_context") == 0 else "yes"), figures
    most = find_largest_batch(load, left, plan.context)
    if most is not None:
        figures["largest_batch"] = most
    return ("yes" if figures["needed_bytes"] <= usable else "no"), figures
