"""Which parts of two related checkpoints differ, as far as was looked: `changed` of a proof."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from famtree.packings.stored import UnreadableWeightError
from famtree.weights.places import draw_columns
from famtree.weights.plan import EMBEDDING_ROWS, NORM_LAYERS, embedding_windows
from famtree.weights.read import Window, read_norms, read_windows
from famtree.weights.roles import count_experts, find_view
from famtree.weights.second_look import Sample
from famtree.weights.tensor_sample import PARTS
from famtree.weights.tokens import shared_rows

if TYPE_CHECKING:
    from famtree.weights.draw import Draw
    from famtree.weights.open import Weights

Floats = NDArray[np.float32]
Pairs = list[tuple[Floats, Floats]]
HEAD_ROWS = 2


@dataclass(slots=True)
class Seen:
    """Values of what lies outside the matrices of layers, of both sides."""

    embedding: Pairs = field(default_factory=list)
    head: Pairs = field(default_factory=list)
    norms: Pairs = field(default_factory=list)

    @property
    def all(self) -> Pairs:
        """Return them all."""
        return [*self.embedding, *self.head, *self.norms]


def read_outside(
    child: Weights, parent: Weights, draw: Draw, layers: Sequence[tuple[int, int]]
) -> Seen:
    """Return drawn rows of shared tokens, of embedding and head, and norms of some of `layers`."""
    assert child.hidden is not None  # noqa: S101 - equal to the parent's
    columns = draw_columns(draw, child.hidden)
    rows = shared_rows(child, parent, EMBEDDING_ROWS, draw)
    seen = Seen(embedding=_read_rows(child, parent, "embedding", rows, columns))
    if all(_has_head(side) for side in (child, parent)):
        seen.head = _read_rows(child, parent, "head", rows[:HEAD_ROWS], columns)
    places = [draw.number(max(1, len(layers)), "norm", at) for at in range(NORM_LAYERS)]
    some = [layers[at] for at in sorted(set(places))] if layers else []
    ours = read_norms(child, [own for own, _ in some], columns)
    theirs = read_norms(parent, [other for _, other in some], columns)
    for own, other in some:
        for (layer, name), values in ours.items():
            twin = theirs.get((other, name))
            if layer == own and twin is not None and twin.shape == values.shape:
                seen.norms.append((values[None], twin[None]))
    return seen


def _has_head(weights: Weights) -> bool:
    return "head" in weights.layout.outside and count_experts(weights, "head", 0) > 0


def _read_rows(
    child: Weights,
    parent: Weights,
    role: str,
    rows: Sequence[tuple[int, int]],
    columns: tuple[int, int],
) -> Pairs:
    wanted = []
    for weights, place in ((child, 0), (parent, 1)):
        try:
            most = find_view(weights, role).rows
        except UnreadableWeightError:
            if role == "head":
                return []
            most = 1 << 62  # why it cannot be read is told when it is
        wanted.append({pair[place] for pair in rows if pair[place] < most})
    both = [pair for pair in rows if pair[0] in wanted[0] and pair[1] in wanted[1]]
    ours, theirs = (
        read_windows(side, [one._replace(role=role) for one in embedding_windows(ids, columns)])
        for side, ids in ((child, [a for a, _ in both]), (parent, [b for _, b in both]))
    )
    found = []
    for a, b in both:
        x, y = (
            side.get(Window(role, 0, (row,), columns)) for side, row in ((ours, a), (theirs, b))
        )
        if x is not None and y is not None:
            found.append((x, y))
    return found


def list_changes(samples: Iterable[Sample], outside: Seen) -> tuple[str, ...] | None:
    """Return the parts in which a value differs; None where none was looked at."""
    parts: dict[str, list[bool]] = {}
    for place, x, y in samples:
        part = "experts" if place.ours.expert or place.theirs.expert else "layers"
        parts.setdefault(part, []).append(np.array_equal(x, y))
    for part, pairs in (
        ("embeddings", outside.embedding), ("head", outside.head), ("norms", outside.norms),
    ):  # fmt: skip
        if pairs:
            parts[part] = [np.array_equal(x, y) for x, y in pairs]
    if not parts:
        return None
    return tuple(part for part in PARTS if part in parts and not all(parts[part]))
