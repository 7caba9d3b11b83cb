"""In which types an engine stores keys, values and states of one checkpoint."""

from __future__ import annotations

from famtree.fingerprints.config import find_text_config
from famtree.interchange.cache_kinds import load_caches
from famtree.interchange.cache_layout import CELL_BYTES, Cells, KvLayout
from famtree.interchange.engine import CacheSupport, Engine
from famtree.interchange.number_types import needs_float32
from famtree.interchange.side import Plan, Side

PLAIN = ("float32", "bfloat16", "float16")
"""Types of keys and values that every engine has."""


def choose_type(side: Side, support: CacheSupport | None, plan: Plan) -> str | None:
    """Return the type of keys and values, None where they have that of the weights.

    What was asked for comes first, then what the checkpoint declares and the engine follows, then
    what the engine takes for its class.
    """
    if plan.cache_type is not None or support is None:
        return plan.cache_type
    found = side.identification.quantization
    if found is not None and found.kv_cache is not None and found.method in support.follows:
        declared = found.kv_cache
        if declared.source == "config" and "int" not in (declared.type or "").lower():
            if declared.bits == 8:
                return "fp8"
            if declared.bits == 4 and "nvfp4" in support.types:
                return "nvfp4"
    return support.defaults.get(side.architecture.class_name or "")


def choose_cells(side: Side, layout: KvLayout | None, engine: Engine | None, plan: Plan) -> Cells:
    """Return the bytes of a number of each part of the cache."""
    support = engine.cache if engine is not None else None
    plain = _measure_plain(side, engine, plan)
    kind = choose_type(side, support, plan)
    cells = {**CELL_BYTES, **(support.cells if support is not None else {})}
    convolution = cells.get(support.convolution or "", plain) if support is not None else plain
    state = _choose_state(side, layout, support)
    return Cells(
        attention=cells.get(kind or "", plain),
        convolution=convolution,
        recurrent=cells.get(state or "", plain),
        mixed=support is not None and support.mixed and kind == "fp8",
    )


def name_type(side: Side, engine: Engine | None, plan: Plan) -> str:
    """Return the type of keys and values by its name."""
    kind = choose_type(side, engine.cache if engine is not None else None, plan)
    if kind is not None:
        return kind
    if _measure_plain(side, engine, plan) == 4:
        return "float32"
    stated = (side.recipe.dtype or "").removeprefix("torch.")
    gguf = side.identification.checkpoint.format == "gguf"
    return "float16" if gguf or stated in ("float16", "fp16") else "bfloat16"


def _measure_plain(side: Side, engine: Engine | None, plan: Plan) -> float:
    """Return the bytes of a number of the type that the engine computes in."""
    if needs_float32(side, engine, plan):
        return 4.0
    if not (side.recipe.dtype or "").endswith("float32"):
        return 2.0
    held = engine.holding if engine is not None else None
    return held.floats / 8 if held is not None and held.floats is not None else 4.0


def _choose_state(side: Side, layout: KvLayout | None, support: CacheSupport | None) -> str | None:
    if support is None or support.config_state:
        text = find_text_config(side.config)
        words = (text.get(key) for key in load_caches()["state_type"])
        stated = next((word for word in words if isinstance(word, str)), None)
        if stated is not None:
            return stated.removeprefix("torch.")
    if support is None:
        return None
    mixer = layout.mixer if layout is not None else None
    for name in (mixer, side.architecture.class_name):
        if name is not None and name in support.states:
            return support.states[name]
    return support.state
