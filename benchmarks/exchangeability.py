"""What the column test says of independent samples whose columns are not quite exchangeable.

    python benchmarks/exchangeability.py [--pairs 2000] [--seed 1]

Each case draws two independent samples of 21 rows and 1 024 columns with one thing in common: none,
outlier columns, an identity part (mimetic initialisation), a padded half with means. Printed are
mean and deviation of z, the largest, and the share above the threshold of dependence.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import fmean, stdev

import numpy as np
from numpy.typing import NDArray

from famtree.weights.column_alignment import column_test
from famtree.weights.thresholds import DEPENDENT_Z

ROWS, COLUMNS = 21, 1024
Matrix = NDArray[np.float64]
Case = Callable[[np.random.Generator], Matrix]


def plain(draw: np.random.Generator) -> Matrix:
    """Return normal values."""
    return draw.normal(size=(ROWS, COLUMNS))


def heavy(draw: np.random.Generator) -> Matrix:
    """Return values with the tails of a t distribution of three degrees of freedom."""
    return draw.standard_t(3, size=(ROWS, COLUMNS))


def outliers(draw: np.random.Generator) -> Matrix:
    """Return values of which four columns, the same in every sample, are thirty times as large."""
    values = plain(draw)
    values[:, [10, 200, 500, 900]] *= 30
    return values


def one_outlier(draw: np.random.Generator) -> Matrix:
    """Return values of which one shared column is a hundred times as large."""
    values = plain(draw)
    values[:, 77] *= 100
    return values


def identity(draw: np.random.Generator) -> Matrix:
    """Return values with an identity part of five deviations."""
    values = plain(draw)
    values[np.arange(ROWS), np.arange(ROWS)] += 5
    return values


def padded(draw: np.random.Generator) -> Matrix:
    """Return rows with a mean of half a deviation, of which half the columns are zero."""
    values = plain(draw) + 0.5
    values[:, COLUMNS // 2 :] = 0
    return values


CASES: dict[str, Case] = {
    "exchangeable, normal": plain, "exchangeable, heavy tails": heavy,
    "four shared outlier columns x30": outliers, "one shared outlier column x100": one_outlier,
    "identity part of 5 deviations": identity, "zero-padded half, row mean .5": padded,
}  # fmt: skip


def measure(case: Case, pairs: int, seed: int) -> list[float]:
    """Return z of so many independent pairs."""
    draw = np.random.default_rng(seed)
    tests = (column_test(case(draw), case(draw)) for _ in range(pairs))
    return [test.z for test in tests if test is not None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print("| independent pairs with in common | mean z | sd | largest | above 6 |")
    print("|---|---:|---:|---:|---:|")
    for name, case in CASES.items():
        found = measure(case, asked.pairs, asked.seed)
        above = sum(z > DEPENDENT_Z for z in found) / len(found)
        print(
            f"| {name} | {fmean(found):.2f} | {stdev(found):.2f} | {max(found):.1f} | {above:.1%} |"
        )


if __name__ == "__main__":
    main()
