"""Does b fit where a runs? Weights, caches, and what a stated amount of memory holds of both.

Counted are the weights as the engine holds them and the caches of all sequences at the planned
length. Not counted are activations, CUDA graphs, the runtime itself, a vision tower's features, and
padding: a part of the memory is set aside for them (`famtree.interchange.room`). docs/memory.md
gives every formula.
"""

from __future__ import annotations

from famtree.interchange.cache_layout import (
    KvLayout,
    bytes_per_token,
    constant_bytes,
    first_bytes_per_token,
)
from famtree.interchange.cache_types import PLAIN
from famtree.interchange.context import read_context
from famtree.interchange.engine import Engine
from famtree.interchange.footprint import Footprint, measure_footprint
from famtree.interchange.room import (
    find_largest_batch,
    find_longest_context,
    find_room,
    show_bytes,
)
from famtree.interchange.side import Plan, Side
from famtree.types.comparison import Answer, Reply

Figures = dict[str, int | float]


def answer_memory(a: Side, b: Side, engine: Engine | None, plan: Plan) -> list[Answer]:
    """Answer `memory`: does b need no more than a, or does it fit the planned accelerator?"""
    support = engine.cache if engine is not None else None
    if engine is not None and support is None:
        return []
    wanted = plan.cache_type
    if support is not None and wanted not in (None, *PLAIN, *support.types):
        return [_reply(engine, "cache-type", "no", f"has no {wanted} cache")]
    least = support.least.get(wanted or "") if support is not None else None
    if least is not None and plan.capability is not None and plan.capability < least:
        needed = f"{least / 10:g}, not {plan.capability / 10:g}"
        reason = f"a {wanted} cache needs compute capability {needed}"
        return [_reply(engine, "cache-type", "no", reason)]
    load = measure_footprint(b, engine, plan)
    if plan.gpu_memory is not None:
        return [_plan(b, load, engine, plan)]
    if engine is not None and _figures(load, plan) == _figures(
        measure_footprint(b, None, plan), plan
    ):
        return []  # nothing to add to the general answer
    if a is b and load.missing:
        return [_reply(engine, "same", "yes", "both are one checkpoint")]
    return [_compare(measure_footprint(a, engine, plan), load, engine, plan)]


def _figures(load: Footprint, plan: Plan) -> Figures:
    found: Figures = {}
    if load.weights is not None:
        found["weight_bytes"] = load.weights.bytes
    if isinstance(load.layout, KvLayout):
        found["bytes_per_token"] = bytes_per_token(load.layout, load.cells)
        found["bytes_per_sequence"] = constant_bytes(load.layout, load.cells)
        if load.weights is not None and plan.context is not None:
            caches = load.measure_caches(plan.context, plan.batch or 1) or 0
            found["needed_bytes"] = load.weights.bytes + caches
    return found


def describe(load: Footprint) -> str:
    """Return the load in one line."""
    parts = []
    if load.weights is not None:
        parts.append(f"weights {show_bytes(load.weights.bytes)} ({load.weights.how})")
    if isinstance(load.layout, KvLayout):
        parts.append(_describe_cache(load.layout, load))
    return "; ".join(parts)


def _describe_cache(layout: KvLayout, load: Footprint) -> str:
    token = bytes_per_token(layout, load.cells)
    constant = constant_bytes(layout, load.cells)
    if token:
        return f"cache {token:,} bytes a token{f' and {constant:,} a sequence' if constant else ''}"
    if not constant:
        return "no cache"
    longest = max((one.window or 0 for one in layout.layers), default=0)
    if not longest:
        return f"cache {constant:,} bytes a sequence, whatever its length"
    first = first_bytes_per_token(layout, load.cells)
    return f"cache {first:,} bytes a token up to {longest:,}, {constant:,} a sequence at most"


def _compare(a: Footprint, b: Footprint, engine: Engine | None, plan: Plan) -> Answer:
    figures = _figures(b, plan)
    told = describe(b)
    if b.missing:
        reason = f"cannot be told without knowing {b.missing}" + (f"; {told}" if told else "")
        return _reply(engine, "unseen", "unknown", reason, figures=figures)
    if a.missing:
        reason = f"b needs {told}; a's needs are not known ({a.missing})"
        return _reply(engine, "a-unseen", "unknown", reason, figures=figures)
    names = {
        "weight_bytes": "of weights",
        "bytes_per_token": "of cache a token",
        "bytes_per_sequence": "of cache a sequence",
    }
    if plan.context is not None:
        told += f"; {show_bytes(figures['needed_bytes'])} as planned"
        names = {"needed_bytes": "in all"}
    ours = _figures(a, plan)
    more = {name: figures[name] - ours[name] for name in names if figures[name] > ours[name]}
    if not more:
        return _reply(engine, "no-more", "yes", f"needs no more than a: {told}", figures=figures)
    needs = [
        f"{f'{value:,} bytes' if 'per' in name else show_bytes(value)} {names[name]}"
        for name, value in more.items()
    ]
    return _reply(
        engine, "more", "conditional", f"needs more than a: {told}",
        condition=f"{', '.join(needs)} more must be free", figures=figures,
    )  # fmt: skip


def _plan(b: Side, load: Footprint, engine: Engine | None, plan: Plan) -> Answer:
    figures = _figures(load, plan)
    room = find_room(engine, plan.gpu_memory or 0)
    figures["usable_bytes"] = room.usable
    told = f"{show_bytes(room.total)}, of which {room.words}"
    weights = load.weights
    if weights is not None and weights.bytes > room.usable:
        reason = f"weights of {show_bytes(weights.bytes)} ({weights.how}) exceed {told}"
        return _reply(engine, "weights", "no", reason, figures=figures)
    if weights is None or not isinstance(load.layout, KvLayout):
        reason = f"cannot be told without knowing {load.missing}"
        return _reply(engine, "unseen", "unknown", reason, figures=figures)
    left, batch = room.usable - weights.bytes, plan.batch or 1
    limits = tell_context(b, load, left, batch, figures)
    if plan.context is None:
        reply: Reply = "no" if figures.get("largest_context") == 0 else "yes"
        reason = f"{describe(load)}; {limits}, in {told}"
        return _reply(engine, "fits", reply, reason, figures=figures)
    most = find_largest_batch(load, left, plan.context)
    if most is not None:
        figures["largest_batch"] = most
    needed = figures["needed_bytes"]
    limits += f"; largest batch {'any' if most is None else f'{most:,}'}"
    limits += f" at {plan.context:,} tokens"
    fits = needed <= room.usable
    reason = (
        f"{show_bytes(needed)} at batch {batch:,} and {plan.context:,} tokens"
        f" {'fit' if fits else 'exceed'} {told}; {limits}"
    )
    return _reply(engine, "fits", "yes" if fits else "no", reason, figures=figures)


def tell_context(b: Side, load: Footprint, left: int, batch: int, figures: Figures) -> str:
    """Return the largest context in words, and put it into `figures`; it is never above b's own."""
    context = find_longest_context(load, left, batch)
    stated = read_context(b)
    own = stated.reachable if stated is not None else None
    if own is not None and (context is None or context > own):
        figures["largest_context"] = own
        there = "" if context is None else f", though {context:,} would fit"
        return f"largest context {own:,}, as long as b's own{there}, at batch {batch:,}"
    if context is None:
        return f"largest context any at batch {batch:,}"
    figures["largest_context"] = context
    return f"largest context {context:,} at batch {batch:,}"


def _reply(
    engine: Engine | None,
    key: str,
    answer: Reply,
    reason: str,
    *,
    condition: str | None = None,
    figures: Figures | None = None,
) -> Answer:
    support = engine.cache if engine is not None else None
    return Answer.model_construct(
        question="memory",
        engine=engine.key if engine is not None else None,
        answer=answer,
        reason=reason,
        rule=f"{engine.key if engine is not None else 'any'}/memory.{key}",
        condition=condition,
        engine_version=engine.version if engine is not None else None,
        source=support.source if support is not None else "docs/memory.md: sizes of what is stored",
        figures=figures or {},
    )
