"""In which type an engine computes on one accelerator, where that is not the type as stored."""

from __future__ import annotations

from famtree.interchange.engine import Engine
from famtree.interchange.side import Plan, Side


def is_bfloat(side: Side) -> bool:
    """Return whether a checkpoint's config names bfloat16."""
    return (side.recipe.dtype or "").removeprefix("torch.") in ("bfloat16", "bf16")


def needs_float32(side: Side, engine: Engine | None, plan: Plan) -> bool:
    """Return whether neither bfloat16 nor float16 goes there: everything takes 32 bits."""
    held = engine.hardware if engine is not None else None
    if held is None or held.bf16 is None or plan.capability is None:
        return False
    found = side.architecture
    refused = {found.model_type, found.text_model_type} & held.no_half.keys()
    return bool(refused) and plan.capability < held.bf16
