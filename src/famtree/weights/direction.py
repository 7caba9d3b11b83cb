"""Which of two related checkpoints came first: hard arrows, the decay arrow, growth; or nothing.

Kurtosis is not looked at: on known edges it was chance.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from famtree.packings.floats import bfloat16_share
from famtree.packings.stored import UnreadableWeightError
from famtree.weights import fit_thresholds as fit
from famtree.weights import thresholds as limit
from famtree.weights.blocks import LOOKED_AT, Blocks, common_blocks, is_packed, read_blocks
from famtree.weights.read import Window, read_norms, read_windows
from famtree.weights.results import Direction
from famtree.weights.roles import OUTPUT_ROLES, find_view
from famtree.weights.stacking import repeats_layers

if TYPE_CHECKING:
    from famtree.weights.open import Weights

EMBEDDING_ELEMENTS = 1 << 19
"""Elements of embedding rows looked at for the decay arrow, 1 MB of 16-bit weights."""
GRID_BLOCK = 64
_WIDER = frozenset({"F16", "F32", "F64"})


def find_direction(a: Weights, b: Weights) -> Direction:
    """Say which of two checkpoints that are known to be related looks like the earlier, or abstain.

    It is a hint: of siblings it names the one that changed less, and of a merge and its parent the
    merge.

    Surgery and storage decide first, for they can be undone by no training: a grid, zeros, fewer
    layers or neurons, experts. Then weight decay on rows that nothing else moved
    (untied embeddings only; on tied ones it points the wrong way), then growth of the norm: a
    child is parent plus an update nearly orthogonal to it.
    """
    structure = find_structure_arrow(a, b, rows=False)
    if structure is not None:
        return structure
    left, right = (read_blocks(side, most=LOOKED_AT) for side in (a, b))
    keys = common_blocks(left, right)
    if not keys:
        return Direction(None, None)
    values = _by_values(a, b, left, right)
    if values is not None:
        return values
    decay = _decay(a, b)
    if decay is not None and abs(decay) > -limit.DECAY_ARROW:
        return Direction("a" if decay < 0 else "b", "decay", decay=decay)
    if find_ablation(left, right) or _is_scaled(left, right):
        return Direction(None, None, decay=decay)
    return _by_growth(left, right, decay)


def _arrow(a_is_child: bool, b_is_child: bool, name: str) -> Direction | None:
    if a_is_child == b_is_child:
        return None
    return Direction("b" if a_is_child else "a", name)


def find_structure_arrow(a: Weights, b: Weights, *, rows: bool = True) -> Direction | None:
    """Return what shapes and storage alone say of two related checkpoints, if they differ.

    Where they say both, as of a cut copy and a quantized one, neither is the other's parent: no
    arrow. `rows` takes the one with fewer vocabulary rows for the earlier, which a trimmed
    vocabulary turns around: for members of one tree, where the root's number is known.
    """
    packed = _arrow(is_packed(a), is_packed(b), "grid")
    shape = _find_shape_arrow(a, b, rows=rows)
    if packed is not None and shape is not None and packed.parent != shape.parent:
        return Direction(None, None)
    return packed or shape


def _find_shape_arrow(a: Weights, b: Weights, *, rows: bool) -> Direction | None:
    left, right = a.architecture, b.architecture
    if left is None or right is None:
        return None
    experts = _arrow((left.experts or 0) > (right.experts or 0),
                     (right.experts or 0) > (left.experts or 0), "experts")  # fmt: skip
    if experts is not None:
        return experts
    if a.depth != b.depth:
        # Fewer layers are a cut, unless the deeper model repeats its own: then it was stacked.
        deeper = a if a.depth > b.depth else b
        stacked = repeats_layers(deeper)
        if stacked is not None:
            return Direction("b" if (deeper is a) == stacked else "a", "layers")
    widths = _feed_forward_rows(a), _feed_forward_rows(b)
    if widths[0] and widths[1] and widths[0] != widths[1]:
        return Direction("b" if widths[0] < widths[1] else "a", "neurons")
    folded = _arrow(_has_plain_norms(a), _has_plain_norms(b), "norms")
    if folded is not None:
        return folded
    counts = left.vocab_rows, right.vocab_rows
    if rows and counts[0] and counts[1] and counts[0] != counts[1]:
        return Direction("b" if counts[0] > counts[1] else "a", "rows")
    return None


def _has_plain_norms(weights: Weights) -> bool:
    """Return whether the first layer's norms are all one number: folded into what reads them."""
    if weights.hidden is None:
        return False
    norms = read_norms(weights, [0], (0, weights.hidden))
    return bool(norms) and all(float(np.ptp(values)) == 0 for values in norms.values())


def _feed_forward_rows(weights: Weights) -> int | None:
    try:
        return find_view(weights, "up", 0).rows
    except UnreadableWeightError:
        return None


def _by_values(a: Weights, b: Weights, left: Blocks, right: Blocks) -> Direction | None:
    zeros = _arrow(zero_share(left) > limit.SPARSE_ZEROS, zero_share(right) > limit.SPARSE_ZEROS,
                   "zeros")  # fmt: skip
    if zeros is not None:
        return zeros
    grid = _arrow(is_on_grid(left), is_on_grid(right), "grid")
    if grid is not None:
        return grid
    wide = is_wide_as_bfloat16(a, left), is_wide_as_bfloat16(b, right)
    return _arrow(*wide, "cast") if is_cast(left, right) else None


def is_wide_as_bfloat16(weights: Weights, blocks: Blocks) -> bool:
    """Return whether a wider format holds, all but rounded ones, values of bfloat16."""
    kind = find_view(weights, "up", 0).form.kind
    shares = [bfloat16_share(values) for values in blocks.values()]
    return kind in _WIDER and bool(shares) and float(np.mean(shares)) >= limit.CAST_SHARE


def is_cast(left: Blocks, right: Blocks) -> bool:
    """Return whether both hold the same values but for those one format had to round."""
    shares = [np.mean(left[key] == right[key]) for key in common_blocks(left, right)]
    return bool(shares) and float(np.mean(shares)) >= limit.CAST_SHARE


def zero_share(blocks: Blocks) -> float:
    """Return the share of exact zeros."""
    total = sum(values.size for values in blocks.values())
    zeros = sum(int((values == 0).sum()) for values in blocks.values())
    return zeros / total if total else 0.0


def is_on_grid(blocks: Blocks) -> bool:
    """Return whether values lie on a quantization grid, though stored as wide floats.

    In blocks of 64 consecutive values of a row, or in whole rows, scaled to their greatest
    magnitude, few distinct magnitudes remain.
    """
    shares = []
    for values in blocks.values():
        usable = values[:, : values.shape[1] // GRID_BLOCK * GRID_BLOCK]
        if not usable.size:
            continue
        # Eight bits of relative magnitude: finer differences are the float's own rounding.
        pieces = np.abs(usable.reshape(-1, GRID_BLOCK)).astype(np.float64)
        scaled = np.round(pieces / np.maximum(pieces.max(axis=1, keepdims=True), 1e-30) * 4096)
        ordered = np.sort(scaled, axis=1)
        shares.append(1 + (np.diff(ordered, axis=1) > 0).sum(axis=1).mean())
    return bool(shares) and float(np.mean(shares)) / GRID_BLOCK < limit.GRID_DISTINCT


def _decay(a: Weights, b: Weights) -> float | None:
    """Return the median log(|b| / |a|) of rows that only decay moved; None where there are none."""
    tied = [w.architecture.tied if w.architecture is not None else None for w in (a, b)]
    if tied != [False, False] or a.hidden is None or a.hidden != b.hidden:
        return None
    try:
        rows = min(find_view(w, "embedding").rows for w in (a, b))
    except UnreadableWeightError:
        return None
    count = min(rows, EMBEDDING_ELEMENTS // a.hidden)
    # Tokens that never occurred lie late in a vocabulary, or are its reserved entries.
    chosen = tuple(range(rows - count, rows))
    window = Window("embedding", 0, chosen, (0, a.hidden))
    x, y = read_windows(a, [window]).get(window), read_windows(b, [window]).get(window)
    if x is None or y is None:
        return None
    left, right = np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1)
    known = (left > 0) & (right > 0)
    inner = np.einsum("ij,ij->i", x[known], y[known], dtype=np.float64)
    still = inner / (left[known].astype(np.float64) * right[known]) > limit.DECAY_COSINE
    if int(still.sum()) < limit.DECAY_ROWS:
        return None
    return float(np.median(np.log(right[known][still] / left[known][still])))


def find_ablation(left: Blocks, right: Blocks) -> bool:
    """Return whether one direction was projected out of what is written to the residual stream.

    Then o and down differ by one direction of the hidden axis, the same in every layer, and what
    reads the stream is as it was. Such an update shrinks what it is made to, as no training does.
    """
    turns: dict[int, list[NDArray[np.float64]]] = {}
    for key in common_blocks(left, right):
        difference = right[key].astype(np.float64) - left[key]
        if not difference.any():
            continue
        if key[1] not in OUTPUT_ROLES:
            return False
        sides, values, _ = np.linalg.svd(difference, full_matrices=False)
        if len(values) > 1 and values[1] > fit.ABLATION_REST * values[0]:
            return False
        turns.setdefault(len(difference), []).append(sides[:, 0])
    own = max(turns.values(), key=len, default=[])
    if len(own) < fit.ABLATION_MATRICES:
        return False
    products = np.abs(np.stack(own) @ own[0])
    return bool(products.min() > fit.ABLATION_COSINE)


def _is_scaled(left: Blocks, right: Blocks) -> bool:
    """Return whether some matrix was multiplied by a number: the difference lies along it."""
    for key in common_blocks(left, right):
        x, y = left[key].astype(np.float64), right[key].astype(np.float64)
        step = y - x
        size = float(np.linalg.norm(step))
        both = max(float(np.linalg.norm(x)), float(np.linalg.norm(y)))
        if size <= 0 or both <= 0:
            continue
        along = max(abs(float(np.vdot(step, side))) / (size * float(np.linalg.norm(side)))
                    for side in (x, y) if np.any(side))  # fmt: skip
        if along > fit.SCALED_COSINE and size < both / 2:
            return True
    return False


def _by_growth(left: Blocks, right: Blocks, decay: float | None) -> Direction:
    """T = (|b|^2 - |a|^2) / |b - a|^2 is +1 for b = a + D with D orthogonal to a, -1 reversed.

    Its sampling error is that of the cross term, 2 |a| |D| / sqrt(n) over |D|^2. Weight decay of a
    child makes it smaller, and may outweigh a short step: where embedding rows tell of decay the
    other way, and beyond what a step can do (decay, scaling), nothing is said.
    """
    before = after = step = 0.0
    count = 0
    for key in common_blocks(left, right):
        x, y = left[key].astype(np.float64), right[key].astype(np.float64)
        before += float(np.vdot(x, x))
        after += float(np.vdot(y, y))
        step += float(np.vdot(y - x, y - x))
        count += x.size
    if step <= 0 or before <= 0:
        return Direction(None, None, decay=decay)
    t = (after - before) / step
    error = 2 * sqrt(before / step / count)
    if abs(t) > fit.T_MOST:
        return Direction(None, None, t=t, decay=decay)
    against = decay is not None and abs(decay) > limit.DECAY_NOISE and (decay < 0) != (t > 0)
    if against or abs(t) < max(limit.T_ABSTAIN, 2 * error):
        return Direction(None, None, t=t, decay=decay)
    return Direction("a" if t > 0 else "b", "growth", t=t, decay=decay)
