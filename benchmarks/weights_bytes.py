"""What comparing weights reads at each stage, for shapes from 0.5B to 405B.

    python benchmarks/weights_bytes.py [--page docs/verify.md]

Repositories with the real shapes of released models stand on a Hub on this machine; no byte of
them is held. Requests and bytes are what famtree's sources count, of the costlier side, cold:
listing, config, index, headers and samples. Three stages: a declared child (`first`), the same with
`--thorough`, and a stranger, of which every test is made. Processor time is that of the first
verdict with everything at hand, in this process and without imports: what is read is kept, and the
pair is asked again. Exits with 1 if a budget is exceeded, or if weight bytes grow with the model.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from hub.giants import SHAPES, Shape, make_giant  # noqa: E402
from hub.server import HubServer  # noqa: E402
from page import replace_block  # noqa: E402

TOTALS = {"8B": (300_000, 80), "70B": (500_000, 80)}
"""Bytes and requests a side of the first stage."""
WEIGHTS = {"first": 200_000, "thorough": 8 << 20, "stranger": 8 << 20}
"""Weight bytes a side."""
SECONDS = 0.1
"""Processor time to the first verdict."""
REPEATS = 3
"""How often the first verdict is timed; the least counts."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one stage took, of the costlier side."""

    bytes: int
    requests: int
    weights: int
    seconds: float | None
    """Processor time, everything at hand; None where it was not asked."""
    verdict: str


def measure(child: str, parent: str, *, thorough: bool, repeats: int) -> Cost:
    """Return what comparing two repositories takes, cold, and how long it takes warm, if asked."""
    from famtree.checkpoint.checkpoint import Checkpoint
    from famtree.lineage.proving import prove_weights
    from famtree.registry.load import load_registry
    from famtree.sources.open import open_source
    from famtree.sources.reference import parse_reference
    from famtree.types.proof_options import ProofOptions

    registry, options = load_registry(), ProofOptions(thorough=thorough)
    costs, seconds = [], []
    for _ in range(1 + repeats):
        sources = [open_source(parse_reference(f"org/{name}")) for name in (child, parent)]
        sides = [Checkpoint(source, registry, briefly=True).weights for source in sources]
        started = time.process_time()
        proof = prove_weights(*sides, options=options)
        seconds.append(time.process_time() - started)
        costs.append(
            Cost(
                max(source.cost.bytes for source in sources),
                max(source.cost.requests for source in sources),
                max(side.bytes_read for side in proof.sides),
                None,
                f"{proof.verdict}" if proof.z is None else f"{proof.verdict}, z {proof.z:.1f}",
            )
        )
    cold = costs[0]
    # The first one shares its process with the Hub that makes the bytes.
    warm = min(seconds[1:], default=None)
    return Cost(cold.bytes, cold.requests, cold.weights, warm, cold.verdict)


def list_faults(stage: str, shape: Shape, cost: Cost) -> list[str]:
    """Return the budgets that are exceeded, and a wrong verdict."""
    size, requests = TOTALS.get(shape.name, (sys.maxsize, sys.maxsize))
    first = stage == "first"
    wanted = "independent" if stage == "stranger" else "derived"
    found = {
        "bytes": first and cost.bytes > size,
        "requests": first and cost.requests > requests,
        "weights": cost.weights > WEIGHTS[stage],
        "seconds": cost.seconds is not None and cost.seconds > SECONDS,
        "verdict": not cost.verdict.startswith(wanted),
    }
    return [name for name, wrong in found.items() if wrong]


def main() -> int:
    """Print one line a shape and stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path, help="documentation page to write the table into")
    page = parser.parse_args().page
    failed = False
    first = []
    lines = ["| shape | stage | bytes a side | requests | of which weights | processor time |",
             "|---|---|---:|---:|---:|---:|"]  # fmt: skip
    with tempfile.TemporaryDirectory() as home, HubServer() as server:
        os.environ |= {"HF_ENDPOINT": server.url, "HF_HOME": home, "NO_PROXY": "*"}
        for shape in SHAPES:
            for stage in WEIGHTS:
                # Names of their own, so that every stage is cold.
                names = [f"{side}-{stage}-{shape.name}" for side in ("child", "parent")]
                stranger = stage == "stranger"
                server.add(f"org/{names[1]}", make_giant(shape, seed=1, changed=7))
                other = make_giant(shape, seed=2 if stranger else 1, changed=2)
                server.add(f"org/{names[0]}", other)
                repeats = REPEATS if stage == "first" else 0
                cost = measure(*names, thorough=stage == "thorough", repeats=repeats)
                if stage == "first":
                    first.append(cost.weights)
                faults = list_faults(stage, shape, cost)
                failed |= bool(faults)
                taken = "" if cost.seconds is None else f"{cost.seconds:.2f} s"
                shards = f", {shape.shards} shards" if shape.shards > 1 else ""
                lines.append(
                    f"| {shape.name}{shards} | {stage} | {cost.bytes:,} | {cost.requests} "
                    f"| {cost.weights:,} | {taken} |"
                )
                print(f"{lines[-1]}  {cost.verdict}  {' '.join(faults).upper()}", flush=True)
    grows = max(first) > 1.2 * min(first[1:])
    if grows:
        print("weight bytes grow with the model")
    if page is not None:
        text = replace_block(page.read_text("utf-8"), "bytes", "\n".join(lines))
        page.write_text(text, encoding="utf-8")
    return int(failed or grows)


if __name__ == "__main__":
    sys.exit(main())
