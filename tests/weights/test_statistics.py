from __future__ import annotations

from itertools import permutations
from math import erfc, log10, sqrt

import numpy as np
import pytest

from famtree.weights.assignment import assign
from famtree.weights.column_alignment import column_test
from famtree.weights.normal_tail import correct_for_trials, log10_upper_tail


def test_moments_are_those_of_all_permutations() -> None:
    draw = np.random.default_rng(2)
    a, b = draw.normal(size=(3, 8)), draw.normal(size=(3, 8))
    found = column_test(a, b)
    assert found is not None
    x, y = (m - m.mean(axis=1, keepdims=True) for m in (a, b))
    x, y = (m / np.linalg.norm(m, axis=1, keepdims=True) for m in (x, y))
    sums = np.array([(x * y[:, list(p)]).sum() for p in permutations(range(8))])
    assert found.z == pytest.approx(((x * y).sum() - sums.mean()) / sums.std(), rel=1e-9)


def test_null_is_standard_normal_even_with_common_structure() -> None:
    draw = np.random.default_rng(4)
    shared = draw.normal(size=(24, 1)) * draw.normal(size=(24, 200)) ** 2
    scores = []
    for _ in range(400):
        rows = [shared[:, draw.permutation(200)] + draw.normal(size=(24, 200)) for _ in range(2)]
        found = column_test(*rows)
        assert found is not None
        scores.append(found.z)
    assert abs(float(np.mean(scores))) < 0.15
    assert 0.85 < float(np.std(scores)) < 1.15
    assert max(scores) < 4.5


def test_a_tenth_of_likeness_is_enough() -> None:
    draw = np.random.default_rng(6)
    a = draw.normal(size=(30, 1024))
    b = 0.1 * a + draw.normal(size=a.shape)
    found = column_test(a, b)
    assert found is not None
    assert found.z > 12
    assert found.cosine == pytest.approx(0.1, abs=0.02)


def test_constant_rows_prove_nothing() -> None:
    draw = np.random.default_rng(7)
    table = np.tile(np.arange(30.0)[:, None], 64)
    assert column_test(table, table) is None
    zeros = np.zeros((30, 64))
    assert column_test(zeros, zeros) is None
    a, b = draw.normal(size=(6, 64)), draw.normal(size=(6, 64))
    found = column_test(np.vstack([table, a]), np.vstack([table, b]))
    assert found is not None
    assert found.rows == 6


def test_rows_that_are_not_finite_are_left_out() -> None:
    a = np.random.default_rng(8).normal(size=(6, 64))
    b = a.copy()
    b[0, 3] = np.nan
    a[1, 2] = np.inf
    found = column_test(a, b)
    assert found is not None
    assert found.rows == 4


def test_permutation_p_agrees_with_the_normal_tail() -> None:
    draw = np.random.default_rng(9)
    a = draw.normal(size=(10, 64))
    b = 0.06 * a + draw.normal(size=a.shape)
    found = column_test(a, b, permutations=4000)
    assert found is not None
    assert found.permutation_p is not None
    assert abs(log10(found.permutation_p) - found.log10_p) < 0.2


def test_tail_does_not_underflow() -> None:
    assert log10_upper_tail(6) == pytest.approx(log10(0.5 * erfc(6 / sqrt(2))))
    assert log10_upper_tail(24.9999) == pytest.approx(log10_upper_tail(25.0001), abs=1e-2)
    assert log10_upper_tail(172) == pytest.approx(-6426.5, abs=0.5)


@pytest.mark.parametrize("trials", [1, 8, 64])
def test_the_best_of_many_trials_is_standard_normal_again(trials: int) -> None:
    draw = np.random.default_rng(trials)
    best = draw.normal(size=(2000, trials)).max(axis=1)
    found = [correct_for_trials(log10_upper_tail(float(z)), trials)[0] for z in best]
    assert np.mean(found) == pytest.approx(0, abs=0.08)
    assert np.std(found) == pytest.approx(1, abs=0.06)
    # A poor best of many is no spike at the end of the scale.
    z, p = correct_for_trials(log10_upper_tail(-2.0), trials)
    assert -6.1 < z < 0
    assert p < 0
    assert correct_for_trials(-40.0, trials)[1] == pytest.approx(-40 + log10(trials))


def test_assignment_is_the_best_of_all() -> None:
    draw = np.random.default_rng(1)
    for _ in range(100):
        rows = int(draw.integers(1, 6))
        columns = int(draw.integers(rows, 7))
        gain = draw.normal(size=(rows, columns))
        found = assign(gain)
        best = max(
            sum(gain[i, p[i]] for i in range(rows)) for p in permutations(range(columns), rows)
        )
        assert len(set(found.tolist())) == rows
        assert gain[np.arange(rows), found].sum() == pytest.approx(best)
