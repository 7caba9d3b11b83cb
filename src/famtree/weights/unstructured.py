"""Models without transformer blocks: tensors of one shape, whatever their names.

Outputs of a layer are exchangeable under independent initialisation, as hidden columns are, so
the column test is made over output channels, one tensor at a time. Generated constants (Fourier
bases, tables of sines) would align any two models that use them and are left out.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from famtree.packings.floats import SIZES, decode_floats
from famtree.weights import thresholds as limit
from famtree.weights.column_alignment import column_test
from famtree.weights.forms import store
from famtree.weights.normal_tail import correct_for_trials
from famtree.weights.results import ColumnTest, ReadFailure

if TYPE_CHECKING:
    from famtree.types.checkpoint import TensorInfo
    from famtree.weights.open import Weights

MAX_TENSORS = 24
MAX_BYTES = 256 << 10
"""Most bytes of one tensor; longer ones are compared by their first outputs."""
MIN_OUTPUTS = 16
FEATURES = 64
SINE_SHARE = 0.9
"""Energy of a row in its three strongest frequencies: a windowed sine has nearly all, random
rows of 64 and more some tenth."""


def compare_tensors(child: Weights, parent: Weights) -> tuple[ColumnTest | None, float, list[str]]:
    """Return the strongest test over tensors of equal shape, corrected for their number.

    Also the share of values whose tensors are aligned, of those compared, and the names of the
    child's tensors that were left out as constants. None where no tensor
    of the two can be paired: by name, or by a shape that is unique on both sides.
    """
    tests: list[ColumnTest] = []
    sizes: list[tuple[int, bool]] = []
    constants: list[str] = []
    for own, other in _pair(child, parent)[:MAX_TENSORS]:
        a, b = _read(child, own), _read(parent, other)
        if a is None or b is None:
            continue
        if is_generated(a) or is_generated(b):
            constants.append(own.name)
            continue
        found = column_test(a.T[:FEATURES], b.T[:FEATURES])
        if found is not None:
            tests.append(found)
            sizes.append((own.numel, found.z > limit.DOUBT_Z))
    if not tests:
        return None, 0.0, constants
    best = max(tests, key=lambda test: test.z)
    z, p = correct_for_trials(best.log10_p, len(tests))
    aligned = sum(size for size, found in sizes if found) / sum(size for size, _ in sizes)
    return ColumnTest(z, p, best.cosine, best.rows, best.columns), aligned, constants


def is_generated(values: NDArray[np.float32]) -> bool:
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


def _read(weights: Weights, tensor: TensorInfo) -> NDArray[np.float32] | None:
    place = store(weights, tensor.name)
    line = tensor.nbytes // tensor.shape[0]
    rows = min(tensor.shape[0], max(MIN_OUTPUTS, MAX_BYTES // max(line, 1)))
    span = place.span(0, rows * line)
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
