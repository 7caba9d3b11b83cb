"""Models without transformer blocks: tensors of one shape, whatever their names.

Outputs of a layer are exchangeable under independent initialisation, as hidden columns are, so
the column test is made over output channels, one tensor at a time. Generated constants (Fourier
bases, tables of sines) would align any two models that use them and are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from famtree.packings.floats import SIZES, decode_floats
from famtree.weights import thresholds as limit
from famtree.weights.column_alignment import column_test
from famtree.weights.evenness import measure_evenness
from famtree.weights.forms import store
from famtree.weights.normal_tail import correct_for_trials
from famtree.weights.results import ColumnTest, DecidedBy, PairVerdict, ReadFailure

if TYPE_CHECKING:
    from famtree.types.checkpoint import TensorInfo
    from famtree.weights.draw import Draw
    from famtree.weights.open import Weights

Values = NDArray[np.float32]
MAX_TENSORS = 24
MAX_BYTES = 256 << 10
"""Most bytes of one tensor; of longer ones a run of outputs is drawn."""
MIN_OUTPUTS = 16
FEATURES = 64
SINE_SHARE = 0.9
"""Energy of a row in its three strongest frequencies: a windowed sine has nearly all, random
rows of 64 and more some tenth."""


@dataclass(frozen=True, slots=True)
class TensorAlignment:
    """What tensors of equal shape say together."""

    test: ColumnTest | None
    """The strongest, corrected for their number; None where no tensor of the two can be paired."""
    aligned: float
    """Share of values whose tensors are aligned, of those compared."""
    in_part: bool
    """Some values of the aligned tensors are the parent's and others are not."""
    constants: tuple[str, ...]
    """The child's tensors that were left out as generated."""

    @property
    def misfit(self) -> tuple[PairVerdict, str, DecidedBy] | None:
        """Return what keeps aligned tensors from being descent."""
        if self.aligned * 2 <= 1:
            told = "outputs of some layers are aligned, those of most are not"
            return "partial", told, "column"
        if self.in_part:
            told = "some values of tensors are the parent's and others are not"
            return "undetermined", f"{told}: parts of one in the other, not descent", "consistency"
        return None


def compare_tensors(child: Weights, parent: Weights, draw: Draw) -> TensorAlignment:
    """Test drawn tensors, of drawn outputs and features; paired by name, or by a shape that is
    unique on both sides.
    """
    tests: list[ColumnTest] = []
    sizes: list[tuple[int, bool]] = []
    constants: list[str] = []
    fitting: list[tuple[str, Values, Values]] = []
    for own, other in _choose(draw, _pair(child, parent)):
        start, rows = _draw_outputs(draw, own, other)
        a, b = _read(child, own, start, rows), _read(parent, other, start, rows)
        if a is None or b is None:
            continue
        if is_generated(a) or is_generated(b):
            constants.append(own.name)
            continue
        chosen = draw.spread(a.shape[1], FEATURES, "feature", _label(own, other))
        x, y = a.T[chosen], b.T[chosen]
        found = column_test(x, y)
        if found is not None:
            tests.append(found)
            sizes.append((own.numel, found.z > limit.DOUBT_Z))
            if found.z > limit.DOUBT_Z:
                fitting.append((own.name, x, y))
    if not tests:
        return TensorAlignment(None, 0.0, False, tuple(constants))
    best = max(tests, key=lambda test: test.z)
    z, p = correct_for_trials(best.log10_p, len(tests))
    aligned = sum(size for size, found in sizes if found) / sum(size for size, _ in sizes)
    return TensorAlignment(
        ColumnTest(z, p, best.cosine, best.rows, best.columns), aligned,
        _is_in_part(fitting), tuple(constants),
    )  # fmt: skip


def is_generated(values: Values) -> bool:
    """Return whether rows are sines, constants or ramps rather than learned numbers."""
    if values.shape[1] < 32:
        return False
    rows = values.astype(np.float64)
    rows = rows - rows.mean(axis=1, keepdims=True)
    energy = np.abs(np.fft.rfft(rows, axis=1)) ** 2
    total = energy.sum(axis=1)
    strongest = np.sort(energy, axis=1)[:, -3:].sum(axis=1)
    share = np.divide(strongest, total, out=np.ones_like(total), where=total > 0)
    return float(np.median(share)) > SINE_SHARE


def _pair(child: Weights, parent: Weights) -> list[tuple[TensorInfo, TensorInfo]]:
    ours, theirs = _usable(child), _usable(parent)
    counts = [Counter(tensor.shape for tensor in side) for side in (ours, theirs)]
    by_name = {tensor.name: tensor for tensor in theirs}
    by_shape = {tensor.shape: tensor for tensor in theirs}
    pairs = []
    for tensor in ours:
        same = by_name.get(tensor.name)
        if same is not None and same.shape == tensor.shape:
            pairs.append((tensor, same))
        elif counts[0][tensor.shape] == counts[1][tensor.shape] == 1:
            pairs.append((tensor, by_shape[tensor.shape]))
    return sorted(pairs, key=lambda pair: (-pair[0].numel, pair[0].name))


def _usable(weights: Weights) -> list[TensorInfo]:
    return [
        tensor
        for tensor in weights.tensors.values()
        if tensor.dtype in SIZES and len(tensor.shape) >= 2 and tensor.shape[0] >= MIN_OUTPUTS
    ]


def _is_in_part(fitting: Sequence[tuple[str, Values, Values]]) -> bool:
    """Look for outputs that were copied, along features, and for copied features."""
    turned = [(name, x.T, y.T) for name, x, y in fitting]
    looks = (measure_evenness(fitting), measure_evenness(turned))
    return any(look is not None and look.in_part for look in looks)


def _label(own: TensorInfo, other: TensorInfo) -> str:
    """Name a pair, whichever side comes first."""
    return "\x1e".join(sorted((own.name, other.name)))


def _choose(
    draw: Draw, pairs: list[tuple[TensorInfo, TensorInfo]]
) -> list[tuple[TensorInfo, TensorInfo]]:
    """Draw pairs by their size, as weighted reservoirs do (Efraimidis & Spirakis 2006)."""

    def wait(pair: tuple[TensorInfo, TensorInfo]) -> float:
        drawn = (1 + draw.number(1 << 53, "tensor", _label(*pair))) / (2 + (1 << 53))
        return -log(drawn) / pair[0].numel

    kept = sorted(pairs, key=wait)[:MAX_TENSORS]
    return [pair for pair in pairs if pair in kept]


def _draw_outputs(draw: Draw, own: TensorInfo, other: TensorInfo) -> tuple[int, int]:
    """Return the first output and how many, of a run within `MAX_BYTES` on both sides."""
    outputs = own.shape[0]
    line = max(own.nbytes, other.nbytes, outputs) // outputs
    rows = min(outputs, max(MIN_OUTPUTS, MAX_BYTES // line))
    return draw.number(outputs - rows + 1, "output", _label(own, other)), rows


def _read(weights: Weights, tensor: TensorInfo, start: int, rows: int) -> Values | None:
    place = store(weights, tensor.name)
    line = tensor.nbytes // tensor.shape[0]
    span = place.span(start * line, (start + rows) * line)
    weights.reading.planned_bytes += rows * line
    before = weights.source.cost
    data = weights.source.read_spans([span])[span]
    after = weights.source.cost
    weights.reading.bytes += after.bytes - before.bytes
    weights.reading.requests += after.requests - before.requests
    if not isinstance(data, bytes) or len(data) < rows * line:
        weights.reading.unread.append(ReadFailure(tensor.name, "the file ends before it"))
        return None
    return decode_floats(data, tensor.dtype).reshape(rows, -1)
