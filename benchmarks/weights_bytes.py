"""What verifying a declared parent by weights reads, for shapes from 0.5B to 405B.

    python benchmarks/weights_bytes.py

Repositories with the real shapes of released models stand on a Hub on this machine; no byte of
them is held. Requests and bytes are what famtree's sources count, of each side by itself, cold:
listing, config, index, headers and samples. Exits with 1 if a budget is exceeded, or if weight
bytes grow with the model.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from hub.giants import SHAPES, Shape, make_giant  # noqa: E402
from hub.server import HubServer  # noqa: E402

BUDGETS = {"8B": (300_000, 80), "70B": (500_000, 80)}
"""Bytes and requests a side."""


def measure(server: HubServer, shape: Shape) -> tuple[int, int, int, float, str]:
    """Return bytes and requests of the costlier side, weight bytes, seconds and the verdict."""
    from famtree.checkpoint.checkpoint import Checkpoint
    from famtree.lineage.proving import prove_weights
    from famtree.registry.load import load_registry
    from famtree.sources.open import open_source
    from famtree.sources.reference import parse_reference

    server.add(f"org/parent-{shape.name}", make_giant(shape, seed=1))
    server.add(f"org/child-{shape.name}", make_giant(shape, seed=1, changed=2))
    sides = [
        open_source(parse_reference(f"org/{name}-{shape.name}")) for name in ("child", "parent")
    ]
    registry = load_registry()
    started = time.perf_counter()
    proof = prove_weights(*(Checkpoint(side, registry, briefly=True).weights for side in sides))
    seconds = time.perf_counter() - started
    return (
        max(side.cost.bytes for side in sides),
        max(side.cost.requests for side in sides),
        max(side.bytes_read for side in proof.sides),
        seconds,
        f"{proof.verdict}, z {proof.z:.1f}",
    )


def main() -> int:
    """Print one line a shape."""
    failed = False
    weights = []
    with tempfile.TemporaryDirectory() as home, HubServer() as server:
        os.environ |= {"HF_ENDPOINT": server.url, "HF_HOME": home, "NO_PROXY": "*"}
        print(f"{'shape':>6} {'bytes a side':>13} {'requests':>9} {'weights':>9} {'s':>6}")
        for shape in SHAPES:
            size, requests, read, seconds, verdict = measure(server, shape)
            weights.append(read)
            most = BUDGETS.get(shape.name, (float("inf"), float("inf")))
            over = size > most[0] or requests > most[1] or not verdict.startswith("derived")
            failed |= over
            print(
                f"{shape.name:>6} {size:>13,} {requests:>9} {read:>9,} {seconds:>6.2f}  {verdict}"
                f"{'  OVER BUDGET' if over else ''}"
            )
    grows = max(weights) > 1.2 * min(weights[1:])
    if grows:
        print("weight bytes grow with the model")
    return int(failed or grows)


if __name__ == "__main__":
    sys.exit(main())
