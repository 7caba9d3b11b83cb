"""How fast an atlas of many checkpoints is made and asked, and how large it is.

    python benchmarks/atlas_index.py [--checkpoints 1000 100000] [--keep FOLDER]

Rows are those of the fixtures (real shapes) under made-up names, hashes and weights, a tenth of all
to one design. Each look-up is asked in a new connection, as a command does, and the median of ten
is told. Exits with 1 if a budget is exceeded.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

from famtree.atlas.advisor import AtlasAdvisor  # noqa: E402
from famtree.atlas.build import build_atlas  # noqa: E402
from famtree.atlas.connect import open_atlas  # noqa: E402
from famtree.atlas.lookup import Atlas  # noqa: E402
from famtree.checkpoint.facts import NodeFacts  # noqa: E402
from famtree.registry.load import load_registry  # noqa: E402
from famtree.scan.checkpoint import scan_checkpoint  # noqa: E402
from famtree.scan.settings import ScanSettings  # noqa: E402
from famtree.types.fingerprint import Fingerprint  # noqa: E402
from loading import load_module  # noqa: E402

LEAST_RATE = 2000.0
"""Rows a second."""
MOST_SECONDS = 0.150
MOST_GROWTH = 3.0
"""Times that a look-up may take of the one in the smallest atlas."""
ROWS = 34
"""Of a sketch of six layers: five a layer, and four of the embedding."""


def scan_kinds(folder: Path) -> list[dict[str, Any]]:
    """Return one row a fixture."""
    makers = load_module(ROOT / "fixtures" / "make_fixtures.py")
    kinds = load_module(ROOT / "benchmarks" / "scan_hub.py").FIXTURES
    registry = load_registry()
    return [
        scan_checkpoint(str(makers.build_fixture(name, folder / name)), registry, ScanSettings())
        for name in kinds
    ]


def make_rows(kinds: list[dict[str, Any]], count: int) -> Iterator[bytes]:
    """Yield `count` lines; every tenth checkpoint of a kind is claimed as parent by the others."""
    chosen = random.Random(0)
    templates = [_make_template(kind) for kind in kinds]
    for number in range(count):
        template, hidden = templates[number % len(kinds)]
        packed = bytes(8) + b"\xff" * 5 + chosen.randbytes(ROWS * min(hidden, 1024) // 8)
        for mark, text in (
            (b"@name", make_name(number).encode()),
            (b"@parent", make_name(number % (10 * len(kinds))).encode()),
            (b"@minute", b"%02d" % (number // 60 % 60)),
            (b"@second", b"%02d" % (number % 60)),
            *((b"@shard%d" % shard, make_hash(number, shard).encode()) for shard in range(4)),
            (b"@packed", b64encode(packed)),
        ):
            template = template.replace(mark, text)
        yield template


def _make_template(kind: dict[str, Any]) -> tuple[bytes, int]:
    """Return the line of a row with marks for what differs, and the hidden size."""
    document = json.loads(kind["document"])
    hidden = document["fingerprint"]["architecture"]["hidden_size"]
    document["lineage"]["chain"] = [
        {"child": "@name", "parent": "@parent", "relation": "finetune", "status": "declared",
         "confidence": 0.6}
    ]  # fmt: skip
    row = kind | {
        "ref": "@name",
        "name": "@name",
        "created_at": "2024-01-01T00:@minute:@second.000Z",
        "weight_files": [f"@shard{shard}" for shard in range(4)],
        "claims": json.dumps([{"parent": "@parent", "source": "card"}]),
        "sketch": f"1.1.{hidden}.32.@packed",
        "document": json.dumps(document),
    }
    return json.dumps(row).encode() + b"\n", hidden


def make_name(number: int) -> str:
    return f"org-{number % 997}/model-{number}"


def make_hash(number: int, shard: int) -> str:
    return sha256(f"{number} {shard}".encode()).hexdigest()


def measure(path: Path, kinds: list[dict[str, Any]], count: int) -> dict[str, tuple[float, float]]:
    """Return the median seconds of each kind of look-up: by the clock, and of processors."""
    kind = kinds[0]
    fingerprint = Fingerprint.model_validate(json.loads(kind["document"])["fingerprint"])
    hidden = fingerprint.architecture.hidden_size or 0
    packed = bytes(8) + b"\xff" * 5 + random.Random(1).randbytes(ROWS * min(hidden, 1024) // 8)
    sketch = f"1.1.{hidden}.32.{b64encode(packed).decode()}"
    files = frozenset((make_hash(count // 2, shard), 1) for shard in range(4))
    asked = {
        "by hash": (NodeFacts("new/copy", {}, weight_hashes=files), None),
        "by signature": (NodeFacts("new/one", {}), None),
        "by weights": (NodeFacts("new/one", {}), sketch),
    }
    found = {}
    for name, (node, own) in asked.items():
        times, spent = [], []
        for _ in range(10):
            started, processor = time.perf_counter(), time.process_time()
            with open_atlas(path) as opened:
                advice = AtlasAdvisor(Atlas(opened)).find(node, fingerprint, own)
            times.append(time.perf_counter() - started)
            spent.append(time.process_time() - processor)
            assert advice.relatives
            assert bool(advice.claims) == (name == "by hash")
        found[name] = statistics.median(times), statistics.median(spent)
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoints", type=int, nargs="+", default=[1000, 100_000])
    parser.add_argument("--keep", type=Path, help="Leave the atlases in this folder.")
    options = parser.parse_args()
    good, first = True, None
    with tempfile.TemporaryDirectory() as held:
        folder = options.keep or Path(held)
        kinds = scan_kinds(Path(held) / "fixtures")
        for count in options.checkpoints:
            rows, target = Path(held) / "rows.jsonl", folder / f"{count}.duckdb"
            with rows.open("wb") as stream:
                stream.writelines(make_rows(kinds, count))
            processor = time.process_time()
            built = build_atlas([rows], target)
            processor = time.process_time() - processor
            size = rows.stat().st_size
            rate = count / built.seconds
            print(f"{count} checkpoints, {size / count:,.0f} bytes a row of JSON Lines")
            print(
                f"  build {built.seconds:.1f} s ({processor:.1f} s of processors), {rate:,.0f} a s"
            )
            print(f"  {target.stat().st_size / count:,.0f} bytes a checkpoint in the atlas")
            times = measure(target, kinds, count)
            first = first or times
            for name, (seconds, spent) in times.items():
                grown = spent / first[name][1]
                print(
                    f"  {name:14} {1000 * seconds:6.1f} ms, {1000 * spent:.1f} ms of processors, "
                    f"{grown:.2f} times"
                )
                good &= seconds <= MOST_SECONDS and grown <= MOST_GROWTH
            good &= count < 10_000 or rate >= LEAST_RATE
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
