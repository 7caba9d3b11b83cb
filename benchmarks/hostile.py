"""What one file of a nasty shape costs: memory a byte and processor seconds a megabyte.

    python benchmarks/hostile.py [--parser NAME] [--part 0.25]

Every shape of `tests/hostile_input` is made at its largest and at a part of that, and identified by
a process of its own; what an almost empty checkpoint takes is subtracted. Printed are peak bytes
and seconds for each byte and megabyte of the files, and how both grow with the size (an exponent of
1 is linear; below 0.1 s and 10 MB nothing is told). Exits with 1 when a shape exceeds the budget: 8
bytes a byte and 60 MB, 0.1 s a megabyte, 0.5 s, and 0.5 ms a file; and never more than 5 s, nor
300 MB with all that an almost empty checkpoint takes.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

from hostile_input.runner import MAX_MEGABYTES, MAX_SECONDS  # noqa: E402
from hostile_input.shapes.listings import LISTINGS, serve  # noqa: E402
from hostile_input.shapes.shape import CONFIG, Shape  # noqa: E402
from hostile_input.shapes.table import SHAPES  # noqa: E402
from startup import Spent, make_environment, run_program  # noqa: E402

MOST_BYTES, SPARE_BYTES = 8, 60_000_000
MOST_SECONDS, SPARE_SECONDS, FILE_SECONDS = 0.1, 0.5, 0.0005
"""Of what a command takes beyond its run on next to nothing."""
_SMALL = 300
LEAST_SECONDS, LEAST_BYTES = 0.1, 10_000_000
"""Below these a growth is noise."""


@dataclass(frozen=True)
class Row:
    """One shape at one size, above what an empty checkpoint takes."""

    size: int
    """Bytes of all files."""
    files: int
    seconds: float
    bytes: float
    megabytes: float
    """Peak of the whole process."""
    code: int

    @property
    def memory_ratio(self) -> float:
        """Share of the memory budget that was used."""
        return max(
            self.bytes / (MOST_BYTES * self.size + SPARE_BYTES), self.megabytes / MAX_MEGABYTES
        )

    @property
    def time_ratio(self) -> float:
        """Share of the time budget that was used."""
        most = MOST_SECONDS * self.size / 1e6 + SPARE_SECONDS + FILE_SECONDS * self.files
        return self.seconds / min(most, MAX_SECONDS)


def run_files(shape: Shape, files: dict[str, bytes], environment: dict[str, str]) -> Spent:
    """Have the shape's command read these files."""
    with tempfile.TemporaryDirectory() as place:
        for name, content in files.items():
            path = Path(place, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        files.clear()  # twice on disk and in memory would be too much for small machines
        command = [sys.executable, "-m", "famtree", *shape.give_arguments(Path(place))]
        with serve(Path(place)) if shape in LISTINGS else nullcontext("") as endpoint:
            served = {"HF_ENDPOINT": endpoint} if endpoint else {}
            return run_program(command, environment | served)


def measure_base(shape: Shape, environment: dict[str, str]) -> Spent:
    """Return what the shape's command takes for next to nothing; the first run compiles."""
    runs = [run_files(shape, shape.make(_SMALL), environment) for _ in range(3)]
    return min(runs[1:], key=lambda one: one.cpu)


def run_shape(shape: Shape, size: int, base: Spent, environment: dict[str, str]) -> Row:
    """Measure one shape at one size."""
    files = shape.make(size)
    held, count = sum(map(len, files.values())), len(files)
    spent = run_files(shape, files, environment)
    return Row(
        held,
        count,
        max(0.0, spent.cpu - base.cpu),
        max(0.0, (spent.megabytes - base.megabytes) * 1e6),
        spent.megabytes,
        spent.code,
    )


def find_growth(small: Row, large: Row) -> tuple[float | None, float | None]:
    """Return the exponents by which seconds and bytes grow with the size, None where too small."""
    steps = math.log(max(large.size / small.size, large.files / small.files, 1.0001))
    seconds = bytes_ = None
    if small.seconds > LEAST_SECONDS:
        seconds = math.log(max(large.seconds, 1e-9) / small.seconds) / steps
    if small.bytes > LEAST_BYTES:
        bytes_ = math.log(max(large.bytes, 1e-9) / small.bytes) / steps
    return seconds, bytes_


def main() -> int:
    """Measure, print, and return 1 when a budget is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parser", default="", help="only shapes of this parser")
    parser.add_argument("--part", type=float, default=0.25, help="the smaller size, of the largest")
    options = parser.parse_args()
    worst: list[tuple[float, str]] = []
    failed = []
    with tempfile.TemporaryDirectory() as place:
        environment = make_environment(Path(place))
        bases: dict[str, Spent] = {}
        empty = Shape("", "", lambda _: {"config.json": CONFIG}, 1)
        bases[empty.command[0]] = measure_base(empty, environment)
        print(
            f"{'shape':66} {'MB':>6} {'files':>6} {'s/MB':>6} {'grows':>6} {'B/B':>6} {'grows':>6}"
        )
        for shape in SHAPES:
            if options.parser not in shape.parser:
                continue
            command = shape.command[0]
            if command not in bases:
                bases[command] = measure_base(shape, environment)
            base = bases[command]
            small = run_shape(shape, int(shape.largest * options.part), base, environment)
            row = run_shape(shape, shape.largest, base, environment)
            growth = find_growth(small, row)
            name = f"{shape.parser}: {shape.name}"
            over = max(one for row_ in (small, row) for one in (row_.memory_ratio, row_.time_ratio))
            worst.append((over, name))
            wrong = over > 1 or row.code not in (0, 2, 3, 4)
            if wrong:
                failed.append(name)
            print(
                f"{name[:66]:66} {row.size / 1e6:6.1f} {row.files:6}"
                f" {row.seconds / row.size * 1e6:6.3f} {_show(growth[0])}"
                f" {row.bytes / row.size:6.2f} {_show(growth[1])}{'  OVER' if wrong else ''}",
                flush=True,
            )
    print("\nnearest to the budget, as a share of it:")
    for over, name in sorted(worst, reverse=True)[:10]:
        print(f"{over:6.2f}  {name}")
    if failed:
        print(f"{len(failed)} shapes exceed the budget: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _show(exponent: float | None) -> str:
    return f"{'':6}" if exponent is None else f"{exponent:6.2f}"


if __name__ == "__main__":
    sys.exit(main())
