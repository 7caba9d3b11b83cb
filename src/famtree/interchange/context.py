"""How long a text b can take, and what an engine does with one that is longer.

The declared length holds, except where rope is stretched linearly or dynamically: there the
config's length is that before stretching (transformers modeling_rope_utils; vllm 0.33.0
config/model.py, _get_and_verify_max_len). YaRN, llama3 and LongRoPE configs state the stretched
length; a YaRN config that states the original one reaches factor times as far once told so.
"""

from __future__ import annotations

from math import ceil

from msgspec import Struct

from famtree.interchange.cache_kinds import load_caches
from famtree.interchange.engine import ContextSupport, Engine
from famtree.interchange.side import Plan, Side
from famtree.types.comparison import Answer, Reply

_STRETCHED = frozenset({"linear", "dynamic", "ntk"})
MOST_STRETCH = 4.0
"""Largest untrained rope scaling that makers document for their own checkpoints: YaRN by 4
(model cards of Qwen2.5 and Qwen3)."""


class ContextLength(Struct, frozen=True):
    """Tokens a checkpoint takes."""

    declared: int
    effective: int
    """As engines derive it from the config."""
    reachable: int
    """With scaling that the config itself describes."""
    window: int | None
    """Every layer sees only this many of the last tokens; None where one sees all."""
    rope: bool


def read_context(side: Side) -> ContextLength | None:
    """Return the length, or None where no file states one."""
    recipe = side.recipe
    declared = recipe.context
    if declared is None or declared <= 0:
        return None
    factor = recipe.rope_factor or 1.0
    if not 1.0 <= factor <= 2**20:
        factor = 1.0
    effective = reachable = declared
    kinds = {side.architecture.model_type, side.architecture.text_model_type}
    stretched = not kinds & set(load_caches()["context_is_stretched"])
    if recipe.rope_type in _STRETCHED and stretched:
        effective = reachable = int(declared * factor)
    elif recipe.rope_type == "yarn":
        original = recipe.rope_original_context or declared
        reachable = max(declared, int(original * factor))
    window = recipe.sliding_window
    if (
        recipe.layer_pattern is not None
        or window is None
        or window >= effective
        or (side.architecture.text_model_type or "") not in _everywhere()
    ):
        window = None
    return ContextLength(declared, effective, reachable, window, recipe.position == "rope")


def _everywhere() -> set[str]:
    """Designs with the window in every layer."""
    designs = load_caches()["designs"]
    return {name for name, rule in designs.items() if rule.get("kind") == "window"}


def answer_context(a: Side, b: Side, engine: Engine | None, plan: Plan) -> list[Answer]:
    """Answer `context`: does b take texts as long as planned, or as long as a takes?"""
    ours, theirs = read_context(a), read_context(b)
    needed = plan.context or (ours.effective if ours is not None else None)
    if engine is not None:
        if engine.context is None or theirs is None or needed is None:
            return []
        return _by_engine(engine, engine.context, theirs, needed)
    if theirs is None:
        if a is b and plan.context is None:
            return [_reply(None, "same", "yes", "both are one checkpoint")]
        return [_reply(None, "unseen", "unknown", "b's files state no context length")]
    figures: dict[str, int | float] = {"context": theirs.effective}
    if needed is None:
        reason = f"b takes {theirs.effective:,} tokens; a's files state no length to compare with"
        return [_reply(None, "a-unseen", "unknown", reason, figures=figures)]
    figures["needed"] = needed
    seen = f"; every layer sees only the last {theirs.window:,}" if theirs.window else ""
    told = f"b takes {theirs.effective:,} tokens of {needed:,} needed{seen}"
    if theirs.effective >= needed:
        return [_reply(None, "enough", "yes", told, figures=figures)]
    if theirs.reachable >= needed:
        how = f"state a length of {needed:,}: the YaRN scaling in b's config reaches that far"
        return [_reply(None, "described-scaling", "conditional", told, how, figures)]
    factor = needed / theirs.effective
    if theirs.rope and factor <= MOST_STRETCH:
        how = f"rope scaling by {ceil(factor * 100) / 100:g}, untrained unless b's card says so"
        return [_reply(None, "untrained-scaling", "conditional", told, how, figures)]
    return [_reply(None, "too-short", "no", told, figures=figures)]


def _by_engine(
    engine: Engine, support: ContextSupport, theirs: ContextLength, needed: int
) -> list[Answer]:
    if needed <= theirs.effective:
        return []  # the general answer holds
    told = f"{needed:,} tokens are more than the {theirs.effective:,} of b's config"
    figures: dict[str, int | float] = {"context": theirs.effective, "needed": needed}
    scaling = f"; {support.scaling}" if support.scaling and theirs.rope else ""
    if not support.refuses:
        how = f"nothing stops it, quality is not promised{scaling}"
        return [_reply(engine, "longer", "conditional", told, how, figures)]
    if support.longer is None:
        return [_reply(engine, "longer", "no", told, figures=figures)]
    how = f"{support.longer}{scaling}"
    return [_reply(engine, "longer", "conditional", f"{told}; it refuses them", how, figures)]


def _reply(
    engine: Engine | None,
    key: str,
    answer: Reply,
    reason: str,
    condition: str | None = None,
    figures: dict[str, int | float] | None = None,
) -> Answer:
    context = engine.context if engine is not None else None
    return Answer.model_construct(
        question="context",
        engine=engine.key if engine is not None else None,
        answer=answer,
        reason=reason,
        rule=f"{engine.key if engine is not None else 'any'}/context.{key}",
        condition=condition,
        engine_version=engine.version if engine is not None else None,
        source=context.source
        if context is not None
        else "transformers modeling_rope_utils.py; vllm 0.33.0 config/model.py",
        figures=figures or {},
    )
