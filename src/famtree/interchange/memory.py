"""Does b fit where a runs? Weights, caches, and what a stated amount of memory holds of both.

Counted are the weights as stored and the caches of all sequences at the planned length. Not
counted are activations, CUDA graphs, the runtime itself, a vision tower's features, and padding:
a share of the memory (`RESERVED`, or what the engine leaves free by default) is set aside for
them. docs/memory.md gives every formula.
"""

from __future__ import annotations

from msgspec import Struct

from famtree.fingerprints.config import find_text_config
from famtree.interchange.cache_kinds import load_caches
from famtree.interchange.cache_layout import (
    CELL_BYTES,
    Cells,
    KvLayout,
    bytes_per_token,
    constant_bytes,
    sequence_bytes,
)
from famtree.interchange.engine import CacheSupport, Engine
from famtree.interchange.kv_cache import UnknownLayout, find_kv_layout
from famtree.interchange.side import Plan, Side
from famtree.interchange.weights import WeightSize, measure_weights
from famtree.types.comparison import Answer, Reply

RESERVED = 0.1
"""Share of the memory set aside for what is not counted, where the engine states none: what the
common setting `gpu_memory_utilization = 0.9` leaves. An allowance, not a measurement."""
GIGABYTE = 10**9
_PLAIN = ("float32", "bfloat16", "float16")
LONGEST = 2**31
"""No context is tried beyond this."""


class Load(Struct, frozen=True):
    """What one checkpoint puts on an accelerator."""

    weights: WeightSize | None
    layout: KvLayout | UnknownLayout
    cells: Cells


def answer_memory(a: Side, b: Side, engine: Engine | None, plan: Plan) -> list[Answer]:
    """Answer `memory`: does b need no more than a, or does it fit the planned accelerator?"""
    support = engine.cache if engine is not None else None
    if engine is not None and support is None:
        return []
    wanted = plan.cache_type
    if support is not None and wanted not in (None, *_PLAIN, *support.types):
        return [_reply(engine, support, "cache-type", "no", f"has no {wanted} cache")]
    load = measure(b, support, plan)
    if plan.gpu_memory is not None:
        return [_plan(load, engine, support, plan)]
    if support is not None and _figures(load, plan) == _figures(measure(b, None, plan), plan):
        return []  # nothing to add to the general answer
    if a is b and _missing(load):
        return [_reply(engine, support, "same", "yes", "both are one checkpoint")]
    return [_compare(measure(a, support, plan), load, engine, support, plan)]


def measure(side: Side, support: CacheSupport | None, plan: Plan) -> Load:
    """Return what a checkpoint needs, as `support`'s engine stores it."""
    layout = find_kv_layout(side.config, side.architecture, side.recipe)
    if isinstance(layout, KvLayout) and support is not None:
        if support.latent == "expanded":
            layout = layout.unpack()
        if support.windows == "all":
            layout = layout.lift_windows()
    return Load(measure_weights(side), layout, _cells(side, support, plan))


def _cells(side: Side, support: CacheSupport | None, plan: Plan) -> Cells:
    plain = 4.0 if (side.recipe.dtype or "").endswith("float32") else 2.0
    text = find_text_config(side.config)
    words = (text.get(key) for key in load_caches()["state_type"])
    state = next((word for word in words if isinstance(word, str)), None)
    if state is None and support is not None:
        state = support.state
    return Cells(
        attention=CELL_BYTES.get(plan.cache_type or "", plain),
        convolution=plain,
        recurrent=CELL_BYTES.get(state or "", plain),
    )


def _figures(load: Load, plan: Plan) -> dict[str, int | float]:
    found: dict[str, int | float] = {}
    if load.weights is not None:
        found["weight_bytes"] = load.weights.bytes
    if isinstance(load.layout, KvLayout):
        found["bytes_per_token"] = bytes_per_token(load.layout, load.cells)
        found["bytes_per_sequence"] = constant_bytes(load.layout, load.cells)
        if load.weights is not None and plan.context is not None:
            cache = (plan.batch or 1) * sequence_bytes(load.layout, plan.context, load.cells)
            found["needed_bytes"] = load.weights.bytes + cache
    return found


def _missing(load: Load) -> str | None:
    missing = []
    if load.weights is None:
        missing.append("the size of its weights")
    if isinstance(load.layout, UnknownLayout):
        missing.append(load.layout.missing)
    return " and ".join(missing) or None


def describe(load: Load) -> str:
    """Return the load in one line."""
    parts = []
    if load.weights is not None:
        parts.append(f"weights {show_bytes(load.weights.bytes)} ({load.weights.how})")
    if isinstance(load.layout, KvLayout):
        token = bytes_per_token(load.layout, load.cells)
        constant = constant_bytes(load.layout, load.cells)
        if not token and not constant:
            parts.append("no cache")
        elif token:
            more = f" and {constant:,} a sequence" if constant else ""
            parts.append(f"cache {token:,} bytes a token{more}")
        else:
            parts.append(f"cache {constant:,} bytes a sequence, whatever its length")
    return "; ".join(parts)


def show_bytes(count: float) -> str:
    """Return bytes as GB or MB (powers of ten)."""
    if count >= GIGABYTE / 10:
        return f"{count / GIGABYTE:,.2f} GB"
    return f"{count / 10**6:,.2f} MB"


def _compare(
    a: Load, b: Load, engine: Engine | None, support: CacheSupport | None, plan: Plan
) -> Answer:
    figures = _figures(b, plan)
    told = describe(b)
    missing = _missing(b)
    if missing:
        reason = f"cannot be told without knowing {missing}" + (f"; {told}" if told else "")
        return _reply(engine, support, "unseen", "unknown", reason, figures=figures)
    if _missing(a):
        reason = f"b needs {told}; a's needs are not known ({_missing(a)})"
        return _reply(engine, support, "a-unseen", "unknown", reason, figures=figures)
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
        return _reply(engine, support, "no-more", "yes", f"needs no more than a: {told}",
                      figures=figures)  # fmt: skip
    needs = [
        f"{f'{value:,} bytes' if 'per' in name else show_bytes(value)} {names[name]}"
        for name, value in more.items()
    ]
    return _reply(
        engine, support, "more", "conditional", f"needs more than a: {told}",
        condition=f"{', '.join(needs)} more must be free", figures=figures,
    )  # fmt: skip


def _plan(load: Load, engine: Engine | None, support: CacheSupport | None, plan: Plan) -> Answer:
    figures = _figures(load, plan)
    total = int((plan.gpu_memory or 0) * GIGABYTE)
    share = (support.memory_share if support is not None else None) or 1 - RESERVED
    usable = int(total * share)
    figures["usable_bytes"] = usable
    room = f"{show_bytes(total)}, of which {1 - share:.0%} stays free for what is not counted"
    weights = load.weights
    if weights is not None and weights.bytes > usable:
        reason = f"weights of {show_bytes(weights.bytes)} ({weights.how}) exceed {room}"
        return _reply(engine, support, "weights", "no", reason, figures=figures)
    if weights is None or isinstance(load.layout, UnknownLayout):
        reason = f"cannot be told without knowing {_missing(load)}"
        return _reply(engine, support, "unseen", "unknown", reason, figures=figures)
    left = usable - weights.bytes
    layout, cells, batch = load.layout, load.cells, plan.batch or 1
    context = find_longest_context(layout, left // batch, cells)
    if context is not None:
        figures["largest_context"] = context
    limits = f"largest context {'any' if context is None else f'{context:,}'} at batch {batch:,}"
    if plan.context is None:
        reply: Reply = "yes" if context != 0 else "no"
        reason = f"{describe(load)}; {limits}, in {room}"
        return _reply(engine, support, "fits", reply, reason, figures=figures)
    one = sequence_bytes(layout, plan.context, cells)
    most = left // one if one else None
    if most is not None:
        figures["largest_batch"] = most
    needed = weights.bytes + batch * one
    limits += f"; largest batch {'any' if most is None else f'{most:,}'}"
    limits += f" at {plan.context:,} tokens"
    fits = needed <= usable
    reason = (
        f"{show_bytes(needed)} at batch {batch:,} and {plan.context:,} tokens"
        f" {'fit' if fits else 'exceed'} {room}; {limits}"
    )
    return _reply(engine, support, "fits", "yes" if fits else "no", reason, figures=figures)


def find_longest_context(layout: KvLayout, budget: int, cells: Cells) -> int | None:
    """Return the most tokens of one sequence that fit in `budget` bytes; None for no limit."""
    if sequence_bytes(layout, LONGEST, cells) <= budget:
        return None
    low, high = 0, LONGEST
    while high - low > 1:
        middle = (low + high) // 2
        if sequence_bytes(layout, middle, cells) <= budget:
            low = middle
        else:
            high = middle
    return low


def _reply(
    engine: Engine | None,
    support: CacheSupport | None,
    key: str,
    answer: Reply,
    reason: str,
    *,
    condition: str | None = None,
    figures: dict[str, int | float] | None = None,
) -> Answer:
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
