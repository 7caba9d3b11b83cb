"""Do all parts tell the same? What does not fit, where some rows are aligned.

Rows, layers or tensors that were copied into a stranger are aligned as well, and so are those of a
descendant whose neurons, heads or layers were put into another order. What is not aligned beside
what is decides between the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from famtree.weights import fit_thresholds as limit
from famtree.weights.column_alignment import row_cosines
from famtree.weights.evenness import measure_evenness
from famtree.weights.places import Place
from famtree.weights.reordered import are_rows_reordered, is_laid_out_otherwise

if TYPE_CHECKING:
    from famtree.weights.draw import Draw
    from famtree.weights.open import Weights

Floats = NDArray[np.float32]
Sample = tuple[Place, Floats, Floats]
More = Callable[[int], list[Sample]]
"""Reads further rows of the matrices of the layers that were looked at, by wave."""
Measure = Callable[[Floats, Floats], NDArray[np.float64]]
WAVES = (1, 2, 3)
IN_PART = "drawn rows are alike in some of their values, and not at all in others"
FEED_FORWARD = ("gate", "up", "down")
ATTENTION = ("q", "k", "v", "o")


@dataclass(slots=True)
class Look:
    """What the second look saw."""

    kind: Literal["whole", "layers", "part", "mixed"] = "whole"
    """whole: all that was looked at fits. layers: some layers do, as wholes. part: attention does
    and the feed-forward part does not, or the reverse, of another shape. mixed: rows, tensors or
    parts of rows fit beside others that do not."""
    foreign: frozenset[int] = frozenset()
    """Layers of the child in which nothing fits."""
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Matrix:
    place: Place
    cosines: list[float]
    error: float
    """Standard deviation of one window's cosine where nothing is aligned."""

    @property
    def z(self) -> float:
        return float(sum(self.cosines)) / sqrt(len(self.cosines)) / self.error


def look_again(
    child: Weights, parent: Weights, draw: Draw, samples: Sequence[Sample], more: More
) -> Look:
    """Say whether what was sampled of two dependent checkpoints is of one piece."""
    turned = _are_signs_turned(samples)
    measure = _measure_magnitudes if turned else row_cosines
    matrices = _collect(samples, measure)
    tested = [one for one in matrices.values() if one.place.paired]
    odd = _find_odd(tested)
    if odd:
        for wave in WAVES:
            for place, x, y in more(wave):
                known = matrices.get(_key(place))
                if known is not None:
                    known.cosines += list(measure(x, y))
    best = _find_best(tested)
    look = Look()
    if odd or _count_odd_rows(tested, best)[0] > 1:
        tested = _explain(child, parent, draw, tested, look)
    odd = _find_odd(tested, best)
    look.foreign = frozenset(
        layer
        for layer in {one.place.layer for one in tested}
        if all(one in odd for one in tested if one.place.layer == layer)
    )
    own = [one for one in tested if one.place.layer not in look.foreign]
    odd = [one for one in odd if one in own]
    rows = _count_odd_rows(own, best)
    unpaired = [one.place for one in matrices.values() if not one.place.paired]
    if odd and (len(odd) > 1 or len(odd) * limit.ODD_SHARE > len(tested)):
        look.kind = "mixed"
        fits = len(tested) - len(odd)
        look.notes.append(
            f"{fits} of {len(tested)} drawn matrices are aligned, {_name(odd)} are not"
        )
    elif rows[0] > max(1, limit.ODD_ROW_SHARE * rows[1]):
        look.kind = "mixed"
        look.notes.append(
            f"{rows[1] - rows[0]} of {rows[1]} drawn rows are aligned, the rest is not"
        )
    elif _are_in_part(samples, own, turned):
        look.kind = "mixed"
        look.notes.append(IN_PART)
    elif look.foreign:
        look.kind = "layers"
    elif any(place.role in FEED_FORWARD for place in unpaired):
        kept = are_rows_reordered(child, parent, draw, "down", _layers(unpaired[0]))
        if kept is False:
            look.kind = "part"
            look.notes.append("attention comes from the parent; the feed-forward part does not")
    return look


def _are_in_part(samples: Sequence[Sample], fitting: Sequence[_Matrix], turned: bool) -> bool:
    keys = {_key(one.place) for one in fitting}
    own = [
        ((place.axis, place.ours.columns), x, y) for place, x, y in samples if _key(place) in keys
    ]
    found = measure_evenness(own, turned=turned)
    return found is not None and found.in_part


def _key(place: Place) -> tuple[str, int]:
    return place.role, place.layer


def _layers(place: Place) -> tuple[int, int]:
    return place.ours.layer, place.theirs.layer


def _measure_magnitudes(x: Floats, y: Floats) -> NDArray[np.float64]:
    return row_cosines(np.abs(x), np.abs(y))


def _are_signs_turned(samples: Sequence[Sample]) -> bool:
    """Return whether magnitudes are more alike than values: signs of columns were turned."""
    signed = [float(row_cosines(x, y).mean()) for _, x, y in samples]
    plain = [float(row_cosines(np.abs(x), np.abs(y)).mean()) for _, x, y in samples]
    return float(np.mean(plain)) > float(np.mean(signed)) + limit.TURNED


def _collect(samples: Sequence[Sample], measure: Measure) -> dict[tuple[str, int], _Matrix]:
    found: dict[tuple[str, int], _Matrix] = {}
    for place, x, y in samples:
        # Constant rows say nothing of either.
        if float(np.ptp(x)) == 0 or float(np.ptp(y)) == 0:
            continue
        cosines = list(measure(x, y))
        error = 1 / sqrt(max(1, x.shape[1] - 1))
        found.setdefault(_key(place), _Matrix(place, [], error)).cosines += cosines
    return found


def _find_odd(matrices: Sequence[_Matrix], best: float | None = None) -> list[_Matrix]:
    """Return those whose z is that of chance, where the best one's cosine would stand out."""
    best = _find_best(matrices) if best is None else best
    return [
        one for one in matrices
        if one.z < limit.ODD_Z and best * sqrt(len(one.cosines)) / one.error > limit.ODD_EXPECTED
    ]  # fmt: skip


def _find_best(matrices: Sequence[_Matrix]) -> float:
    """Return the second best cosine; the best may be chance where samples are narrow."""
    means = sorted((max(one.cosines) for one in matrices), reverse=True)
    return means[min(1, len(means) - 1)] if means else 0.0


def _count_odd_rows(matrices: Sequence[_Matrix], best: float) -> tuple[int, int]:
    """Return how many single rows do not fit, of those that would stand out."""
    told = [one for one in matrices if best / one.error > limit.ODD_ROW_EXPECTED]
    rows = [cosine / one.error for one in told for cosine in one.cosines]
    return sum(z < limit.ODD_Z for z in rows), len(rows)


def _explain(
    child: Weights, parent: Weights, draw: Draw, tested: list[_Matrix], look: Look
) -> list[_Matrix]:
    """Return the matrices of which no other order of rows is known; orders found are noted."""
    best = _find_best(tested)
    left = tested
    for group, by, words in ((FEED_FORWARD, "down", "neurons"), (ATTENTION, "o", "heads")):
        own = [one for one in left if one.place.role in group]
        odd = [one for one in own if one in _find_odd(own, best) or _count_odd_rows([one], best)[0]]
        where = sorted({_layers(one.place) for one in odd})
        if len(odd) > 1 and all(
            are_rows_reordered(child, parent, draw, by, at) for at in where[:2]
        ):
            look.notes.append(f"{words} stand in another order")
            left = [one for one in left if one not in own]
    turned = [one for one in _find_odd(left, best) if one.place.role in ("q", "k")]
    if turned and all(is_laid_out_otherwise(child, parent, draw, one.place) for one in turned[:2]):
        look.notes.append("rows of q and k stand in another order")
        left = [one for one in left if one not in turned]
    return left


def _name(odd: Sequence[_Matrix]) -> str:
    places = [f"{one.place.role} of layer {one.place.layer}" for one in odd]
    return ", ".join(places[:3]) + (f" and {len(places) - 3} more" if len(places) > 3 else "")
