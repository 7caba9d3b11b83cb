"""Does `famtree lineage` find documented parents, and see through false ones?

    python benchmarks/lineage.py [--seed N] [--limit N]

Replays the documented links of `shared/knowledge/edges.csv` on a Hub on this machine whose cards
are partly removed, wrong, or point to paths, old names and circles. Exits with 1 if a target is
missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

from famtree.errors import FamtreeError  # noqa: E402
from famtree.types.lineage import Lineage, LineageEdge  # noqa: E402
from hub.server import HubServer  # noqa: E402
from lineage_hub import Checkpoint, list_repositories, plan, read_edges  # noqa: E402
from reference_data import find_shared, read_rows  # noqa: E402

SEED = 20261126
DEPTH = 4
LONGEST = 20.0
"""Seconds that no walk of four generations on loopback may take."""
LEAST_RELATIONS = 0.95
LEAST_CONTRADICTED = 0.9


@dataclass(frozen=True)
class Outcome:
    """What was said of one child."""

    checkpoint: Checkpoint
    found: Lineage | None
    fault: str | None
    seconds: float

    @property
    def steps(self) -> list[LineageEdge]:
        """Links from the child itself."""
        edges = self.found.edges if self.found else []
        return [edge for edge in edges if edge.child.lower() == self.checkpoint.id.lower()]

    @property
    def true_steps(self) -> list[LineageEdge]:
        """Those that lead to a true parent, by its id or by the path that names it.

        Folders of somebody's machine are no part of a name: the last part of a path is one as well.
        """
        names = {edge.parent.lower() for edge in self.checkpoint.parents}
        if self.checkpoint.corruption == "local path":
            path = (self.checkpoint.claimed or "").lower()
            names |= {path, path.rpartition("/")[2]}
        return [step for step in self.steps if step.parent.lower() in names]


def trace(one: Checkpoint) -> Outcome:
    """Ask for one child's ancestry."""
    from famtree.api import lineage

    started = time.perf_counter()
    try:
        found, fault = lineage(f"hf://{one.id}", depth=DEPTH), None
    except FamtreeError as error:
        found, fault = None, f"{error.code}: {error.message}"
    except Exception as error:  # noqa: BLE001 - a crash is what this looks for
        found, fault = None, f"crash: {type(error).__name__}: {error}"
    return Outcome(one, found, fault, time.perf_counter() - started)


def judge(outcomes: list[Outcome]) -> Iterator[tuple[str, str, bool]]:
    """Yield each target: its name, the figure, and whether it is met."""
    crashed = [one for one in outcomes if one.fault]
    yield "answered", f"{len(outcomes) - len(crashed)} of {len(outcomes)}", not crashed
    slowest = max(one.seconds for one in outcomes)
    yield "slowest walk", f"{slowest:.1f} s", slowest <= LONGEST
    surviving = [
        one for one in outcomes if one.checkpoint.corruption not in ("removed", "impossible")
    ]
    right = [one for one in surviving if _has_right_relation(one)]
    share = len(right) / len(surviving)
    yield (
        "relation right",
        f"{share:.3f} of {len(surviving)} with a claim",
        share >= LEAST_RELATIONS,
    )
    accused = [
        one for one in outcomes if any(step.status == "contradicted" for step in one.true_steps)
    ]
    yield "true claims contradicted", f"{len(accused)}", not accused
    false = [one for one in outcomes if one.checkpoint.corruption == "impossible"]
    flagged = [one for one in false if _flags_false(one)]
    share = len(flagged) / len(false)
    yield "impossible claims", f"{share:.3f} of {len(false)}", share >= LEAST_CONTRADICTED


def _has_right_relation(one: Outcome) -> bool:
    relation = one.checkpoint.parents[0].relation
    accepted = {relation}
    if relation == "continued-pretrain":
        # The Hub has no word for it, and no metadata shows it.
        accepted.add("finetune")
    return any(step.relation in accepted for step in one.true_steps)


def _flags_false(one: Outcome) -> bool:
    named = (one.checkpoint.claimed or "").lower()
    return any(step.parent.lower() == named and step.status == "contradicted" for step in one.steps)


def explain(outcomes: list[Outcome]) -> Iterator[str]:
    """Yield a line for each miss."""
    for one in outcomes:
        corruption = one.checkpoint.corruption
        told = "; ".join(f"{step.parent} {step.relation} {step.status}" for step in one.steps)
        want = one.checkpoint.parents[0]
        line = f"{one.checkpoint.id} [{corruption}] want {want.relation} {want.parent}, got {told}"
        if one.fault:
            yield f"{one.checkpoint.id} [{corruption}]: {one.fault}"
        elif corruption == "impossible" and not _flags_false(one):
            yield f"{line}; claimed {one.checkpoint.claimed}"
        elif any(step.status == "contradicted" for step in one.true_steps) or (
            corruption not in ("removed", "impossible") and not _has_right_relation(one)
        ):
            yield line


def replay(checkpoints: Mapping[str, Checkpoint], limit: int | None) -> list[Outcome]:
    """Serve `checkpoints` and trace every child."""
    asked = [one for one in checkpoints.values() if one.parents][:limit]
    with tempfile.TemporaryDirectory() as folder, HubServer() as hub:
        for name, files, fields in list_repositories(checkpoints):
            hub.add(name, files, **fields)
        os.environ |= {"HF_ENDPOINT": hub.url, "HF_HOME": folder, "NO_PROXY": "*"}
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(trace, asked))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--misses", type=int, default=20, help="how many to show")
    options = parser.parse_args()
    tables = find_shared() / "knowledge"
    edges = read_edges(read_rows(tables / "edges.csv"))
    checkpoints = plan(edges, read_rows(tables / "hparams.csv"), options.seed)
    outcomes = replay(checkpoints, options.limit)
    for line in list(explain(outcomes))[: options.misses]:
        print(line)
    told = Counter(one.checkpoint.corruption for one in outcomes)
    print(f"{len(edges)} links, {len(outcomes)} children, seed {options.seed}: {dict(told)}")
    statuses = Counter(step.status for one in outcomes for step in one.true_steps)
    print(f"statuses of true links: {dict(statuses)}")
    missed = False
    for name, figure, good in judge(outcomes):
        print(f"{name:26} {figure:34} {'ok' if good else 'MISSED'}")
        missed |= not good
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
