"""Fetch what many windows need in as few waves and ranges as it takes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from famtree.packings.stored import Load, Span, UnreadableWeightError
from famtree.weights.forms import store
from famtree.weights.results import ReadFailure
from famtree.weights.roles import (
    View,
    find_norms,
    find_view,
    norm_offset,
    require_places,
    require_roles,
)

if TYPE_CHECKING:
    from famtree.fingerprints.tensor_names import Module
    from famtree.weights.open import Weights

GAP = 4096
"""Bytes between two ranges that cost less than a second request."""
MAX_WAVES = 4

Floats = NDArray[np.float32]
_T = TypeVar("_T")


class Window(NamedTuple):
    """Some rows of one role in one layer, and a range of columns."""

    role: str
    layer: int
    rows: tuple[int, ...]
    columns: tuple[int, int]
    expert: int = 0
    """Which one, where a layer has several."""


@dataclass(slots=True)
class _Job(Generic[_T]):
    load: Generator[list[Span], list[bytes], _T]
    spans: list[Span]


def read_windows(weights: Weights, windows: Iterable[Window]) -> dict[Window, Floats]:
    """Return the windows that can be read, float32 of rows x columns; the rest is in `reading`."""
    windows = list(dict.fromkeys(windows))
    missing = [window for window in windows if window not in weights.cache]
    require_places(weights, {(w.role, w.layer, w.expert) for w in missing})
    loads: dict[Any, Load] = {}
    for window in missing:
        try:
            view = find_view(weights, window.role, window.layer, window.expert)
            _check(window, view)
            loads[window] = view.form.load([view.place(r) for r in window.rows], window.columns)
        except UnreadableWeightError as fault:
            note_failure(weights, f"{window.role} {window.layer}", str(fault))
    weights.cache |= drive(weights, loads)
    return {window: weights.cache[window] for window in windows if window in weights.cache}


def read_norms(
    weights: Weights, layers: Sequence[int], columns: tuple[int, int]
) -> dict[tuple[int, str], Floats]:
    """Return pieces of the norm vectors of these layers, by (layer, name of the norm)."""
    require_roles(weights, ("norm",), layers)
    loads: dict[Any, Load] = {}
    keys = []
    for layer in layers:
        for module in find_norms(weights, layer):
            name = module.path.rpartition(".")[2]
            leaf = module.leaves.get("weight")
            key = ("norm", layer, name, columns)
            if leaf is None:
                continue
            keys.append(key)
            if key not in weights.cache:
                loads[key] = _vector(weights, leaf.name, columns)
    weights.cache |= drive(weights, loads)
    return {(key[1], key[2]): weights.cache[key] for key in keys if key in weights.cache}


def read_gamma(weights: Weights, layer: int, norm: Module | None) -> NDArray[np.float64] | None:
    """Return what the norm multiplies by, as wide as the residual stream; None without a norm."""
    if norm is None or weights.hidden is None:
        return None
    name = norm.path.rpartition(".")[2]
    found = read_norms(weights, [layer], (0, weights.hidden)).get((layer, name))
    return None if found is None else found.astype(np.float64) + norm_offset(weights)


def _vector(weights: Weights, name: str, columns: tuple[int, int]) -> Load:
    from famtree.packings.floats import SIZES, decode_floats

    tensor = store(weights, name)
    if tensor.dtype not in SIZES:
        raise UnreadableWeightError(f"{name} has type {tensor.dtype}")
    size = SIZES[tensor.dtype]
    (data,) = yield [tensor.span(columns[0] * size, columns[1] * size)]
    return decode_floats(data, tensor.dtype)


def _check(window: Window, view: View) -> None:
    if not window.rows or max(window.rows) >= view.rows or window.columns[1] > view.columns:
        raise UnreadableWeightError(
            f"{window.role} of layer {window.layer} is {view.rows} x {view.columns}, smaller than "
            "what is compared"
        )


def drive(
    weights: Weights, loads: Mapping[Any, Generator[list[Span], list[bytes], _T]]
) -> dict[Any, _T]:
    """Drive every coroutine to its end, one wave of ranges at a time; return what they do."""
    jobs: dict[Any, _Job[_T]] = {}
    found: dict[Any, _T] = {}

    def advance(
        key: Any, load: Generator[list[Span], list[bytes], _T], parts: list[bytes] | None
    ) -> None:
        try:
            spans = next(load) if parts is None else load.send(parts)
        except StopIteration as done:
            found[key] = done.value
        except UnreadableWeightError as fault:
            note_failure(weights, _describe(key), str(fault))
        except (ValueError, IndexError, KeyError) as fault:
            # Bytes of a stranger that contradict their own header.
            note_failure(weights, _describe(key), f"its bytes do not fit its description: {fault}")
        else:
            jobs[key] = _Job(load, spans)

    for key, load in loads.items():
        advance(key, load, None)
    for _ in range(MAX_WAVES):
        if not jobs:
            break
        data = fetch(weights, [span for job in jobs.values() for span in job.spans])
        waiting, jobs = jobs, {}
        for key, job in waiting.items():
            parts = [data.get(span) for span in job.spans]
            if any(part is None for part in parts):
                note_failure(
                    weights, _describe(key), "the file ends before it, or could not be read"
                )
                continue
            advance(key, job.load, [part for part in parts if part is not None])
    return found


def _describe(key: Any) -> str:
    return f"{key[0]} {key[1]}"


def note_failure(weights: Weights, part: str, reason: str) -> None:
    """Remember that a part of `weights` could not be read, and why."""
    entry = ReadFailure(part, reason)
    if entry not in weights.reading.unread:
        weights.reading.unread.append(entry)


def fetch(weights: Weights, spans: list[Span]) -> dict[Span, bytes]:
    """Return the bytes of each span, near ones fetched together."""
    joined = join_spans(spans)
    before = weights.source.cost
    planned = sum(stop - start for _, start, stop in joined)
    weights.reading.planned_bytes += planned
    answers = weights.source.read_spans(joined)
    after = weights.source.cost
    # What a host says beside the bytes, such as where they lie, is not weights.
    weights.reading.bytes += min(after.bytes - before.bytes, planned)
    weights.reading.requests += after.requests - before.requests
    found: dict[Span, bytes] = {}
    by_file: dict[str, list[Span]] = {}
    for span in joined:
        by_file.setdefault(span.file, []).append(span)
    for span in spans:
        outers = by_file[span.file]
        outer = outers[bisect_right(outers, span.start, key=lambda one: one.start) - 1]
        data = answers.get(outer)
        if isinstance(data, bytes):
            piece = data[span.start - outer.start : span.stop - outer.start]
            if len(piece) == span.stop - span.start:
                found[span] = piece
    return found


def join_spans(spans: Iterable[Span], gap: int = GAP) -> list[Span]:
    """Return spans that cover `spans`, those less than `gap` bytes apart made one."""
    joined: list[Span] = []
    for span in sorted(set(spans)):
        last = joined[-1] if joined else None
        if last is not None and last.file == span.file and span.start - last.stop <= gap:
            joined[-1] = Span(last.file, last.start, max(last.stop, span.stop))
        else:
            joined.append(span)
    return joined
