"""What `--verify` concludes from weights, measured on a zoo of networks with known lineage.

    python benchmarks/make_zoo.py            # once, about 40 minutes; needs torch
    python -m pip install networkx           # for the published baselines
    python benchmarks/lineage_weights.py [--cache FOLDER] [--only design|held-out] [--json FILE]
        [--page docs/verify-figures.md]

Families that were seen while the statistics were designed are reported apart from held-out trees,
which are drawn by seed. Only the latter have marks. Exits with 1 if a mark is missed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import random
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

# One thread a process: the processes are the parallelism, and figures of CPU time are per core.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from famtree.weights import thresholds
from zoo.answers import DirectionAnswer, PairAnswer
from zoo.asking import Reader
from zoo.cache import add_cache_option
from zoo.figures import Figure, digest_constants
from zoo.forest import Forest, list_families
from zoo.page import update_page
from zoo.pair_figures import count_directions, count_related, describe_null
from zoo.records import Member, Zoo, list_pairs, read_zoo
from zoo.trees import NULL_TREES, SEEDS

Pair = tuple[Member, Member]
_reader: Reader | None = None


def _begin_process() -> None:
    global _reader  # noqa: PLW0603
    _reader = Reader()


def _compare(pair: Pair) -> PairAnswer:
    assert _reader is not None
    return _reader.compare(*pair)


def _direct(edge: Pair) -> DirectionAnswer:
    assert _reader is not None
    return _reader.direct(*edge)


def _ask(task: tuple[Zoo, list[PairAnswer], list[Member], Member]) -> Forest:
    zoo, answers, members, root = task
    forest = Forest(zoo, answers, _reader)
    forest.run(members, root)
    forest.reader = None  # what was read stays in this process
    return forest


def choose_pairs(members: list[Member], most: int) -> list[Pair]:
    """Return all pairs of twins, of shared initialisation, and with a root of the same tree.

    Of other related pairs, and of strangers, at most `most` each, drawn by a fixed seed.
    """
    rng = random.Random(0)
    groups = list_pairs(members)

    def with_root(pair: Pair) -> bool:
        return any(not one.parents for one in pair)

    chosen = [*groups["twins"], *groups["shared-init"]]
    chosen += [pair for pair in groups["related"] if with_root(pair)]
    for rest in ([pair for pair in groups["related"] if not with_root(pair)], groups["strangers"]):
        chosen += rng.sample(rest, min(most, len(rest)))
    return sorted(chosen, key=lambda pair: (pair[0].name, pair[1].name))


def measure(zoo: Zoo, held_out: bool, processes: int, most: int) -> dict[str, Any]:
    """Return the figures of one split, by section, and the answers they come from."""
    members = zoo.pick(held_out)
    trees = {name: some for name, some in zoo.trees(held_out).items() if name not in NULL_TREES}
    ordinary = [one for one in members if one.tree not in NULL_TREES]
    null = [one for one in members if one.tree in NULL_TREES]
    edges = zoo.edges(ordinary)
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, _begin_process) as pool:
        answers = pool.map(_compare, choose_pairs(ordinary, most), chunksize=16)
        null_answers = pool.map(_compare, list_pairs(null)["twins"], chunksize=16)
        directions = pool.map(_direct, edges, chunksize=4)
        tasks = [
            (zoo, answers, some, root) for some in trees.values() for root in list_families(some)
        ]
        forest = Forest(zoo, answers, None)
        for part in pool.imap_unordered(_ask, tasks):
            forest.absorb(part)
    unrelated = [one for one in answers if one.group in ("twins", "strangers")]
    sizes = [
        Figure("trees", len(trees), len(trees), ("at least", 3) if held_out else None),
        Figure(
            "edges to a single parent",
            len(edges),
            len(edges),
            ("at least", 45) if held_out else None,
        ),
    ]
    return {
        "figures": {
            "sizes": sizes,
            "related or not": count_related([*answers, *null_answers], held_out),
            "the statistics of independent pairs": [
                *describe_null("unrelated pairs", unrelated, False),
                *describe_null("null roots", null_answers, held_out),
            ],
            "direction": count_directions(directions, held_out),
            "trees": forest.as_figures(held_out),
        },
        "pairs": [asdict(one) for one in [*answers, *null_answers]],
        "directions": [asdict(one) for one in directions],
        "merges": [asdict(one) for one in forest.merges],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    add_cache_option(parser)
    parser.add_argument("--only", choices=["design", "held-out"])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--most", type=int, default=600, help="related pairs without a root, and strangers"
    )
    parser.add_argument("--json", type=Path, help="file for all figures and answers")
    parser.add_argument("--page", type=Path, help="documentation page to write the tables into")
    options = parser.parse_args()
    zoo = read_zoo(options.cache)
    frozen = digest_constants(vars(thresholds))
    print(f"thresholds {frozen}; held-out seeds {', '.join(map(str, SEEDS))}")
    print(f"{platform.machine()}, Python {platform.python_version()}")
    document: dict[str, Any] = {"thresholds": frozen, "seeds": list(SEEDS)}
    missed = False
    for split in ("design", "held-out"):
        if options.only not in (None, split):
            continue
        started = time.perf_counter()
        result = measure(zoo, split == "held-out", options.processes, options.most)
        for section, figures in result["figures"].items():
            print(f"\n{split}: {section}")
            for figure in figures:
                print(figure.as_line())
                missed |= figure.met is False
        result["figures"] = {
            section: [figure.as_json() for figure in figures]
            for section, figures in result["figures"].items()
        }
        result["seconds"] = round(time.perf_counter() - started)
        print(f"\n{split}: {result['seconds']} s", flush=True)
        document[split] = result
    if options.json:
        options.json.write_text(json.dumps(document, indent=1, sort_keys=True))
    if options.page:
        update_page(options.page, document)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
