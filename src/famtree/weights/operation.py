"""What was done to a parent, read off the difference of sampled weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from famtree.packings.stored import UnreadableWeightError
from famtree.weights import thresholds as limit
from famtree.weights.blocks import LOOKED_AT, Blocks, common_blocks, is_packed, read_blocks
from famtree.weights.direction import find_ablation, is_cast, is_on_grid, zero_share
from famtree.weights.plan import choose_columns, embedding_windows
from famtree.weights.read import read_windows
from famtree.weights.results import Operation, OperationName
from famtree.weights.roles import find_view
from famtree.weights.stacking import repeats_layers
from famtree.weights.tokens import shared_rows

if TYPE_CHECKING:
    from famtree.weights.open import Weights

RANK_FLOOR = 0.05
"""Singular values below this share of the greatest are rounding of the stored number format."""


def describe_operation(child: Weights, parent: Weights) -> Operation:
    """Say what turned `parent` into `child`; both are known to be related, in this order."""
    frozen = _frozen_embeddings(child, parent)
    if is_packed(child) and not is_packed(parent):
        return Operation("quantized", frozen_embeddings=frozen)
    shape = _by_shape(child, parent)
    ours, theirs = (read_blocks(side, most=LOOKED_AT) for side in (child, parent))
    keys = common_blocks(ours, theirs)
    if not keys:
        return Operation(shape or "unknown", frozen_embeddings=frozen)
    equal = float(np.mean([np.mean(ours[key] == theirs[key]) for key in keys]))
    step = _relative_step(ours, theirs)
    name, rank, notes = _by_difference(child, parent, ours, theirs)
    return Operation(
        name=shape or name, rank=rank, frozen_embeddings=frozen, equal_share=equal,
        relative_step=step, notes=notes,
    )  # fmt: skip


def _by_shape(child: Weights, parent: Weights) -> OperationName | None:
    ours, theirs = child.architecture, parent.architecture
    if ours is not None and theirs is not None and (ours.experts or 0) > (theirs.experts or 0):
        return "upcycled"
    if child.depth > parent.depth:
        return "upscaled" if repeats_layers(child) else None
    if child.depth < parent.depth:
        return "pruned"
    try:
        widths = [find_view(weights, "up", 0).rows for weights in (child, parent)]
    except UnreadableWeightError:
        return None
    return "pruned" if widths[0] < widths[1] else None


def _by_difference(
    child: Weights, parent: Weights, ours: Blocks, theirs: Blocks
) -> tuple[OperationName, int | None, tuple[str, ...]]:
    keys = common_blocks(ours, theirs)
    moved = [key for key in keys if not np.array_equal(ours[key], theirs[key])]
    kinds = [find_view(weights, "up", 0).form.kind for weights in (child, parent)]
    if kinds[0] != kinds[1] and is_cast(ours, theirs):
        return "cast", None, ()
    if not moved:
        return "copy", None, ()
    if zero_share(ours) > limit.SPARSE_ZEROS >= zero_share(theirs):
        return "pruned", None, ("single weights are set to zero",)
    if is_on_grid(ours) and not is_on_grid(theirs):
        return "quantized", None, ("values lie on a quantization grid",)
    if find_ablation(theirs, ours):
        return "ablated direction", None, ("projected out of what is written to the stream",)
    ranks = [effective_rank(ours[key] - theirs[key]) for key in moved]
    least = min(min(ours[key].shape) for key in moved)
    rank = max(ranks)
    untouched = 1 - len(moved) / len(keys)
    if rank <= min(limit.LORA_MAX_RANK, least // 4):
        note = f"{untouched:.0%} of the sampled matrices are untouched" if untouched else ""
        return "adapter", rank, (note,) if note else ()
    step = _relative_step(ours, theirs)
    return ("finetune" if step < limit.STEP_FINETUNE else "continued-pretrain"), None, ()


def effective_rank(difference: NDArray[np.float32]) -> int:
    """Return how many singular values exceed `RANK_FLOOR` of the greatest."""
    values = np.linalg.svd(difference.astype(np.float64), compute_uv=False)
    return int((values > RANK_FLOOR * values[0]).sum()) if values[0] > 0 else 0


def _relative_step(ours: Blocks, theirs: Blocks) -> float:
    step = size = 0.0
    for key in common_blocks(ours, theirs):
        difference = ours[key].astype(np.float64) - theirs[key]
        step += float(np.vdot(difference, difference))
        size += float(np.square(theirs[key], dtype=np.float64).sum())
    return float(np.sqrt(step / size)) if size > 0 else 0.0


def _frozen_embeddings(child: Weights, parent: Weights) -> bool | None:
    """Return whether sampled embedding rows of shared tokens are bit-equal."""
    if child.hidden is None or child.hidden != parent.hidden:
        return None
    rows = shared_rows(child, parent, 64)
    columns = choose_columns(child.hidden)
    ours = read_windows(child, embedding_windows([a for a, _ in rows], columns))
    theirs = read_windows(parent, embedding_windows([b for _, b in rows], columns))
    if not rows or len(ours) < len(rows) or len(theirs) < len(rows):
        return None
    return all(np.array_equal(x, y) for x, y in zip(ours.values(), theirs.values(), strict=True))
