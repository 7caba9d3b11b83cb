"""Strangers with parts of a parent, strangers, and relatives: what is said of each.

    python benchmarks/forgeries.py [--seeds 1000 1040] [--rows 34]

Models are the random ones of the tests (four layers of width 128). Every seed makes a parent, two
strangers, forgeries (rows copied at the places of version 0.1.0, at guessed places, a share of all
rows or the top ones, columns of every matrix, single values, whole tensors, one layer or every
second, q and k, embeddings), and relatives: a child, a grandchild, a merge, and a quantized, a
sparse, an adapted, a rotated and a shuffled copy. Thresholds (`famtree/weights/fit_thresholds.py`)
were chosen on seeds below 1000. `--minutes` begins no seed after so long; the seeds that were done
are printed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path
from statistics import fmean, stdev
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from famtree.weights.pair import compare_weights
from tiny_families import prune, quantize
from tiny_merges import mix
from tiny_models import Arrays, adapt, make_model, open_model, rotate, shuffle_neurons, tune

VERIFIED = ("same-weights", "derived")
FIRST_PLAN = (11, 40, 5, 34)
"""Rows of every matrix at which version 0.1.0 looked, of any model."""


def guess_rows(stranger: Arrays, base: Arrays, count: int, seed: int) -> Arrays:
    """Copy `count` rows of matrices of layers at random places."""
    draw = np.random.default_rng(seed)
    found = {name: values.copy() for name, values in stranger.items()}
    names = [name for name in base if ".layers." in name and base[name].ndim == 2]
    for _ in range(count):
        name = names[int(draw.integers(len(names)))]
        row = int(draw.integers(len(base[name])))
        found[name][row] = base[name][row]
    return found


def copy_share(stranger: Arrays, base: Arrays, seed: int) -> Arrays:
    """Copy a tenth to a half of the rows of every matrix."""
    draw = np.random.default_rng(seed)
    share = draw.uniform(0.1, 0.5)
    found = {name: values.copy() for name, values in stranger.items()}
    for name, values in found.items():
        if values.ndim == 2:
            rows = draw.random(len(values)) < share
            values[rows] = base[name][rows]
    return found


def copy_first_plan(stranger: Arrays, base: Arrays) -> Arrays:
    """Copy the rows that version 0.1.0 looked at, of every matrix and of the embeddings."""
    found = {name: values.copy() for name, values in stranger.items()}
    for name, values in found.items():
        if values.ndim == 2:
            values[list(FIRST_PLAN)] = base[name][list(FIRST_PLAN)]
    return found


def steal_tensors(stranger: Arrays, base: Arrays, seed: int) -> Arrays:
    """Copy a tenth to a half of all tensors."""
    draw = np.random.default_rng(seed)
    share = draw.uniform(0.1, 0.5)
    return {
        name: base[name] if draw.random() < share else values for name, values in stranger.items()
    }


def steal_layer(stranger: Arrays, base: Arrays, seed: int) -> Arrays:
    """Copy one whole layer."""
    stem = f".layers.{seed % 4}."
    return {name: base[name] if stem in name else values for name, values in stranger.items()}


Chooser = Callable[[NDArray[np.int64], int, np.random.Generator], NDArray[np.bool_]]
COLUMNS: dict[str, Chooser] = {
    "left half": lambda at, width, _: at < width // 2,
    "right half": lambda at, width, _: at >= width // 2,
    "a quarter": lambda at, width, _: at < width // 4,
    "every second": lambda at, _, __: at % 2 == 0,
    "three quarters": lambda at, width, _: at >= width // 4,
    "scattered": lambda at, _, draw: draw.random(len(at)) < draw.uniform(0.3, 0.8),
}


def copy_columns(stranger: Arrays, base: Arrays, which: str, seed: int) -> Arrays:
    """Copy some columns of every matrix."""
    draw = np.random.default_rng(seed)
    found = {name: values.copy() for name, values in stranger.items()}
    for name, values in found.items():
        if values.ndim == 2:
            width = values.shape[1]
            chosen = COLUMNS[which](np.arange(width), width, draw)
            values[:, chosen] = base[name][:, chosen]
    return found


def copy_values(stranger: Arrays, base: Arrays, seed: int) -> Arrays:
    """Copy a share of the values of every matrix, wherever they stand."""
    draw = np.random.default_rng(seed)
    share = draw.uniform(0.25, 0.75)
    return {
        name: np.where(draw.random(values.shape) < share, base[name], values)
        for name, values in stranger.items()
    }


def copy_top(stranger: Arrays, base: Arrays) -> Arrays:
    """Copy the upper half of every matrix."""
    return {
        name: np.concatenate([base[name][: len(values) // 2], values[len(values) // 2 :]])
        for name, values in stranger.items()
    }


def take(stranger: Arrays, base: Arrays, *parts: str) -> Arrays:
    """Copy the tensors whose names have one of `parts`."""
    return {
        name: base[name] if any(part in name for part in parts) else values
        for name, values in stranger.items()
    }


def make_pairs(seed: int, rows: int) -> Iterator[tuple[str, Arrays]]:
    """Yield (kind, arrays of the side that is asked about)."""
    base, stranger = make_model(seed), make_model(seed + 100_000)
    yield "stranger", stranger
    yield "stranger", make_model(seed + 200_000)
    yield "rows of the first plan", copy_first_plan(stranger, base)
    yield "rows at guessed places", guess_rows(stranger, base, rows, seed)
    yield "a share of all rows", copy_share(stranger, base, seed)
    yield "one layer", steal_layer(stranger, base, seed)
    yield "some tensors", steal_tensors(stranger, base, seed)
    for which in COLUMNS:
        yield f"columns: {which}", copy_columns(stranger, base, which, seed)
    yield "single values", copy_values(stranger, base, seed)
    yield "top rows", copy_top(stranger, base)
    yield "every second layer", take(stranger, base, ".layers.0.", ".layers.2.")
    yield "q and k", take(stranger, base, "q_proj", "k_proj")
    yield "embeddings", take(stranger, base, "embed", "head")
    draw = np.random.default_rng(seed)
    child, sibling = (tune(base, seed + at, float(draw.uniform(0.01, 0.8))) for at in (0, 1))
    yield "child", child
    yield "grandchild", tune(child, seed + 2, float(draw.uniform(0.01, 0.4)))
    yield "merge", mix(child, sibling, float(draw.uniform(0.2, 0.8)))
    yield "quantized", quantize(child)
    yield "sparse", prune(child)
    yield "adapted", adapt(base, seed)
    yield "rotated", rotate(child, seed)
    yield "shuffled neurons", shuffle_neurons(child, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs=2, default=(1000, 1040))
    parser.add_argument("--rows", type=int, default=34)
    parser.add_argument("--minutes", type=float, default=inf)
    asked = parser.parse_args()
    verdicts: dict[str, Counter[str]] = {}
    null: dict[str, list[float]] = {"column": [], "row-Gram": []}
    started, done = time.monotonic(), list[int]()
    with TemporaryDirectory() as folder:
        for seed in range(*asked.seeds):
            if time.monotonic() - started > 60 * asked.minutes:
                break
            done.append(seed)
            parent = open_model(Path(folder) / "parent", make_model(seed))
            for kind, arrays in make_pairs(seed, asked.rows):
                found = compare_weights(open_model(Path(folder) / "child", arrays), parent)
                verdicts.setdefault(kind, Counter())[found.verdict] += 1
                if kind == "stranger":
                    null["column"] += [found.column.z] if found.column is not None else []
                    null["row-Gram"] += [found.gram.z] if found.gram is not None else []
    print(f"seeds {done[0]} to {done[-1]}\n")
    print("| | cases | verified | verdicts |\n|---|---:|---:|---|")
    for kind, counts in verdicts.items():
        told = ", ".join(f"{verdict} {count}" for verdict, count in counts.most_common())
        verified = sum(counts[verdict] for verdict in VERIFIED)
        print(f"| {kind} | {counts.total()} | {verified} | {told} |")
    for name, scores in null.items():
        if len(scores) > 1:
            figures = f"mean {fmean(scores):.2f}, sd {stdev(scores):.2f}, largest {max(scores):.2f}"
            print(f"\n{name} z of strangers: {figures} ({len(scores)} pairs)")


if __name__ == "__main__":
    main()
