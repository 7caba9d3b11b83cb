"""How processor time and memory grow with what is read: exponents of each kind of size.

    python benchmarks/scaling.py [--runs N] [--only WORD]

Tensors, shards, tokens of a tokenizer.json and of a GGUF, and files of a repository, at three
sizes each, as `famtree identify` reads them; and rows of `famtree scan`, over all of its processes,
where memory is that of the largest. An exponent is the slope of the logarithms, after what an
empty checkpoint, or one row, takes has been taken off; 1 is linear. Exits with 1 where one of the
time is above MOST.
"""

from __future__ import annotations

import argparse
import json
import statistics
import struct
import sys
import tempfile
from collections.abc import Callable
from math import log
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

from gguf_files import design_of, vocabulary_of, write_gguf  # noqa: E402
from hub.server import HubServer  # noqa: E402
from process_tree import run_tree  # noqa: E402
from scan_hub import fill  # noqa: E402
from startup import make_environment, measure  # noqa: E402

MOST = 1.25
"""Exponent of the processor time; what is measured of a short run scatters by a tenth."""
CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64,
    "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 128,
}  # fmt: skip


ROWS = (50, 200, 800)


def write_shards(folder: Path, tensors: int, shards: int) -> None:
    """Write so many tensors of two bytes in so many files, with an index."""
    (folder / "config.json").write_text(json.dumps(CONFIG))
    names = [
        f"model.layers.{number // 7 % 1000}.mlp.experts.{number // 7000}.part{number % 7}.weight"
        for number in range(tensors)
    ]
    weight_map: dict[str, str] = {}
    for shard in range(shards):
        name = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        part = names[shard * tensors // shards : (shard + 1) * tensors // shards]
        header = {
            one: {"dtype": "BF16", "shape": [1], "data_offsets": [2 * at, 2 * at + 2]}
            for at, one in enumerate(part)
        }
        text = json.dumps(header).encode()
        data = struct.pack("<Q", len(text)) + text + bytes(2 * len(part))
        (folder / name).write_bytes(data)
        weight_map |= dict.fromkeys(part, name)
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def write_tokens(folder: Path, tokens: int) -> None:
    """Write a tokenizer.json of so many tokens."""
    (folder / "config.json").write_text(json.dumps(CONFIG))
    vocabulary = {f"token{number}": number for number in range(tokens)}
    model = {"type": "BPE", "vocab": vocabulary, "merges": []}
    (folder / "tokenizer.json").write_text(json.dumps({"model": model}))


def write_gguf_tokens(folder: Path, tokens: int) -> None:
    """Write a GGUF with a vocabulary of so many tokens."""
    design = design_of("llama", embedding_length=64, block_count=2, attention__head_count=4)
    (folder / "model.gguf").write_bytes(write_gguf(design | vocabulary_of(tokens)))


CASES: dict[str, tuple[Callable[[Path, int], None], tuple[int, ...]]] = {
    "tensors": (lambda folder, size: write_shards(folder, size, 4), (4000, 16_000, 64_000)),
    "shards": (lambda folder, size: write_shards(folder, 20 * size, size), (50, 200, 800)),
    "tokens": (write_tokens, (16_000, 64_000, 256_000)),
    "GGUF tokens": (write_gguf_tokens, (16_000, 64_000, 256_000)),
}


def fit(sizes: list[int], costs: list[float]) -> float:
    """Return the exponent: the slope of a straight line through the logarithms."""
    points = [(log(size), log(max(cost, 1e-4))) for size, cost in zip(sizes, costs, strict=True)]
    middle = statistics.fmean(x for x, _ in points), statistics.fmean(y for _, y in points)
    rise = sum((x - middle[0]) * (y - middle[1]) for x, y in points)
    return rise / sum((x - middle[0]) ** 2 for x, _ in points)


def run(reference: str, environment: dict[str, str], runs: int) -> tuple[float, float]:
    """Return median seconds of processor time, and megabytes, of identifying `reference`."""
    asked = ["-m", "famtree", "identify", reference, "--json"]
    spent = [measure(asked, environment) for _ in range(runs)]
    return statistics.median(one.cpu for one in spent), max(one.megabytes for one in spent)


def run_scan(rows: int, environment: dict[str, str], runs: int) -> tuple[float, float]:
    """Return the same of all processes of scanning so many repositories with empty caches."""
    found = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as place:
            asked = ["--filter", "bench", "--limit", str(rows), "--out", f"{place}/rows.jsonl"]
            command = [sys.executable, "-m", "famtree", "scan", *asked]
            found.append(run_tree(command, environment | {"HF_HOME": place}))
    return statistics.median(cpu for cpu, _ in found), max(megabytes for _, megabytes in found)


def report(
    name: str, sizes: list[int], found: list[tuple[float, float]], floor: tuple[float, float]
) -> list[str]:
    """Print one line; return the name where it is too steep."""
    time = fit(sizes, [cpu - floor[0] for cpu, _ in found])
    memory = fit(sizes, [megabytes - floor[1] for _, megabytes in found])
    told = ", ".join(
        f"{size}: {cpu:.2f} s {megabytes:.0f} MB"
        for size, (cpu, megabytes) in zip(sizes, found, strict=True)
    )
    print(f"{name:12} time {time:5.2f}  memory {memory:5.2f}  ({told})", flush=True)
    return [name] if time > MOST else []


def main() -> int:
    """Print a line for each kind of size; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    steep = []
    with tempfile.TemporaryDirectory() as place, HubServer() as hub:
        root = Path(place)
        environment = make_environment(root) | {
            "HF_ENDPOINT": hub.url, "HF_HOME": str(root / "hf"), "NO_PROXY": "*",
            "PYTHONPATH": str(ROOT / "src"),
        }  # fmt: skip
        empty = root / "empty"
        empty.mkdir()
        (empty / "config.json").write_text(json.dumps(CONFIG))
        run(str(empty), environment, 1)  # compiles
        floor = run(str(empty), environment, options.runs)
        cases: dict[str, list[tuple[int, str]]] = {}
        for name, (write, sizes) in CASES.items():
            if options.only not in name:
                continue
            for size in sizes:
                folder = root / f"{name}-{size}"
                folder.mkdir()
                write(folder, size)
                cases.setdefault(name, []).append((size, str(folder)))
        if options.only in "siblings":
            for size in (1000, 5000, 25_000):
                files = {f"folder/{number}.txt": b"" for number in range(size)}
                hub.add(f"org/files-{size}", {"config.json": json.dumps(CONFIG).encode(), **files})
                cases.setdefault("siblings", []).append((size, f"org/files-{size}"))
            hub.add("org/first", {"config.json": json.dumps(CONFIG).encode()})
            run("org/first", environment, 1)
        for name, points in cases.items():
            found = [run(reference, environment, options.runs) for _, reference in points]
            steep += report(name, [size for size, _ in points], found, floor)
        if options.only in "scan rows":
            fill(hub, ROWS[-1])
            floor = run_scan(1, environment, options.runs)
            found = [run_scan(rows, environment, options.runs) for rows in ROWS]
            steep += report("scan rows", list(ROWS), found, floor)
    if steep:
        print(f"steeper than {MOST}: {', '.join(steep)}")
    return int(bool(steep))


if __name__ == "__main__":
    sys.exit(main())
