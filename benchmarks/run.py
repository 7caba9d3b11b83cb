"""Every measurement of time, memory and network, written to benchmarks/results/.

    python benchmarks/run.py [--runs 7] [--peers FOLDER] [--only performance|peers]

performance.json: famtree by itself. Times are medians, and multiples of `python -c pass` run in
the same minute; requests and bytes are counted by the Hub on this machine. peers.json: famtree and
other tools on the same local folders, interleaved (see benchmarks/peers.py for their installation).
Run it on a calm machine; nothing is judged here, budgets are held by the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

import compare  # noqa: E402
import gguf_header  # noqa: E402
import network  # noqa: E402
import peers  # noqa: E402
import scan  # noqa: E402
import startup  # noqa: E402
from hub.repository import make_files  # noqa: E402
from startup import PASS, Case, Spent  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
SCANNED = 200
VOCABULARY_BYTES = 33_000_000
"""Size of the largest released tokenizer.json."""
_REGISTRY = "from famtree.registry.load import load_registry; load_registry()"
_TOKENIZER = """
import sys
from pathlib import Path
from famtree.fingerprints.tokenizer import build_tokenizer
build_tokenizer({"tokenizer.json": Path(sys.argv[1]).read_bytes()})
"""

Row = dict[str, Any]


def make_row(name: str, command: str, spent: Sequence[Spent], base: Sequence[Spent]) -> Row:
    """Return one row: medians of the runs, and how many times `base` took."""
    seconds = statistics.median(one.seconds for one in spent)
    cpu = statistics.median(one.cpu for one in spent)
    return {
        "name": name,
        "command": command,
        "seconds": round(seconds, 4),
        "cpu_seconds": round(cpu, 4),
        "times": round(seconds / statistics.median(one.seconds for one in base), 1),
        "cpu_times": round(cpu / statistics.median(one.cpu for one in base), 1),
        "peak_mb": round(max(one.megabytes for one in spent), 1),
        "requests": 0,
        "bytes": 0,
        "runs": len(spent),
    }


def measure_commands(place: Path, runs: int) -> Iterator[Row]:
    """Yield the rows of everything that needs no network."""
    known = peers.make_folders(place / "known")
    (big,) = make_files(network.tokenizer(250_000, VOCABULARY_BYTES))
    (place / "tokenizer.json").write_bytes(big.read(0, big.size))
    verify = [str(known[name]) for name in ("base", "tuned")]
    cases = [
        *startup.make_cases(place),
        *compare.make_cases(place)[1:],
        Case("famtree compare A B --verify", ["-m", "famtree", "compare", *verify, "--verify"]),
        Case("registry load", ["-c", _REGISTRY]),
        Case("tokenizer fingerprint, 33 MB", ["-c", _TOKENIZER, str(place / "tokenizer.json")]),
    ]
    environment = startup.make_environment(place) | {"HF_HOME": str(place / "hf")}
    spent = startup.run_cases(cases, environment, runs)
    for case in cases:
        shown = "python " + " ".join(word.strip() for word in case.arguments)
        shown = " ".join(shown.replace(str(place), "DIR").split())
        yield make_row(case.name, shown, spent[case.name], spent[PASS.name])


def measure_network() -> Iterator[Row]:
    """Yield what identifying over a Hub costs, cold and warm; every answer is 100 ms late."""
    for seen in network.measure():
        yield {
            "name": f"identify, Hub: {seen.case.name}",
            "command": "python benchmarks/network.py",
            "seconds": round(seen.seconds, 3),
            "requests": seen.requests,
            "bytes": seen.bytes,
            "round_trips": seen.round_trips,
            "runs": 1,
        }


def measure_scan(place: Path) -> Row:
    """Return what scanning some repositories costs, 20 ms from the Hub, start-up included."""
    (place / "rows").mkdir()
    with scan.serve(SCANNED, 0.02) as url:
        found = scan.scan(url, place / "rows", "--filter", "bench")
    return {
        "name": f"scan of {SCANNED} repositories, cold",
        "command": f"famtree scan --filter bench (Hub of {SCANNED} repositories, 20 ms late)",
        "seconds": round(found.seconds, 2),
        "rows_a_second": round(found.rate, 1),
        "rows": len(found.rows),
        "peak_mb": round(found.peak_memory, 1),
        "requests": sum(row["requests"] for row in found.rows),
        "bytes": sum(row["bytes"] for row in found.rows),
        "runs": 1,
    }


def measure_gguf() -> Iterator[Row]:
    """Yield what the header of the largest released vocabulary costs."""
    data = gguf_header.make_model()
    unit = {"s": "cpu_seconds", "bytes": "bytes"}
    for one in gguf_header.measure(data, len(data) + (300 << 20)):
        if one.unit in unit:
            yield {
                "name": f"GGUF {one.name}",
                "command": "python benchmarks/gguf_header.py",
                unit[one.unit]: round(one.value, 4),
                "runs": gguf_header.RUNS if one.unit == "s" else 1,
            }


def measure_peers(place: Path, folder: Path, runs: int) -> Iterator[Row]:
    """Yield a row for each question and tool, and where famtree is behind, what it is behind in."""
    environment = dict(os.environ)
    base = [startup.measure(PASS.arguments, environment) for _ in range(runs)]
    own: Row = {}
    for asked in peers.ask_all(place, folder, runs):
        row = make_row(asked["question"], asked["command"], asked.pop("spent"), base)
        row |= {key: asked[key] for key in ("tool", "truth", "answer", "correct", "note")}
        if row["tool"] == "famtree":
            own = row
        row["famtree_behind"] = [
            word
            for word, key in (("time", "cpu_seconds"), ("memory", "peak_mb"))
            if own[key] > row[key]
        ] + (["correctness"] if row["correct"] and not own["correct"] else [])
        yield row


def write(name: str, rows: list[Row], versions: dict[str, str]) -> None:
    """Write one table with all that is needed to judge it."""
    RESULTS.mkdir(exist_ok=True)
    document = {
        "name": name,
        "command": f"python benchmarks/run.py --only {name}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": describe_machine(),
        "versions": versions,
        "rows": rows,
    }
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")


def describe_machine() -> dict[str, Any]:
    """Return what the times depend on, with how busy the machine was."""
    model = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if "model name" in line), "")
    return {
        "processor": model or platform.processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def list_versions() -> dict[str, str]:
    """Return versions of Python, famtree's commit and what famtree runs on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found = {"python": platform.python_version(), "famtree": commit.stdout.strip()}
    for name in ("huggingface_hub", "msgspec", "pydantic", "numpy", "typer", "rich"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--peers", type=Path, help="folder of the peers' environments")
    parser.add_argument("--only", choices=("performance", "peers"))
    options = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as held:
        place = Path(held)
        if options.only != "peers":
            rows = [*measure_commands(place, options.runs), *measure_network()]
            rows += [measure_scan(place), *measure_gguf()]
            write("performance", rows, list_versions())
            show(rows)
        if options.only != "performance" and options.peers:
            rows = list(measure_peers(place / "peers", options.peers, options.runs))
            write("peers", rows, list_versions() | peers.versions(options.peers))
            show(rows)
    print(f"{time.perf_counter() - started:.0f} s in all")


def show(rows: list[Row]) -> None:
    """Print the rows briefly."""
    for row in rows:
        told = [f"{row['name'][:40]:40}", f"{row.get('tool', ''):24}"]
        keys = ("times", "cpu_times", "cpu_seconds", "peak_mb", "requests", "bytes", "answer")
        told += [f"{key} {row[key]}" for key in keys if key in row]
        print("  ".join(told))


if __name__ == "__main__":
    main()
