"""Does `fit` ever contradict `compare` of a checkpoint with itself?

    python benchmarks/fit_agreement.py FOLDER [--checkpoints N] [--context N]

Examines N of the checkpoints below FOLDER (folders with a config.json), evenly chosen, and asks
both commands about eight accelerators and every engine: whether it runs, in its stored form, at
that length, and whether it fits. Prints how many answers were compared; exits with 1 at the first
contradiction, naming it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from deployment.test_fit import GPUS, check_agreement  # noqa: E402
from examining import examine_source  # noqa: E402
from famtree.interchange.side import Plan  # noqa: E402
from famtree.sources.local import LocalSource  # noqa: E402
from famtree.sources.reference import parse_reference  # noqa: E402

LARGEST = 200_000
"""Bytes of a config.json; larger ones spell out a vocabulary."""
COUNT = 40
CONTEXT = 16384


def choose(folder: Path, count: int) -> list[Path]:
    """Return up to `count` checkpoints, evenly over their names."""
    found = sorted(
        path.parent for path in folder.rglob("config.json") if path.stat().st_size < LARGEST
    )
    step = max(1, len(found) // count)
    return found[::step][:count]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--checkpoints", type=int, default=COUNT)
    parser.add_argument("--context", type=int, default=CONTEXT)
    options = parser.parse_args(arguments)
    folders = choose(options.folder, options.checkpoints)
    if not folders:
        parser.error(f"no config.json below {options.folder}")
    checks = 0
    for folder in folders:
        subject = examine_source(LocalSource(parse_reference(str(folder))))
        for gpu in GPUS:
            try:
                checks += check_agreement(subject, gpu, Plan(context=options.context))
            except AssertionError as fault:
                print(f"{folder.name} on {gpu}: {fault}")
                return 1
    print(f"{len(folders)} checkpoints x {len(GPUS)} accelerators: {checks} answers, "
          "no contradiction")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
