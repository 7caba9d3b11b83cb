"""Fuzzes the readers of hostile files with atheris (libFuzzer), target after target.

    python fuzz/fuzz_all.py [TARGET...] [--seconds N] [--executions N] [--seed N]
        [--corpus DIR] [--log FILE]

Needs the dependency group `fuzz`. Seeds are those of fuzz/corpus; what a run finds is kept in
`--corpus` and is where the next run goes on. A crash is written to fuzz/crashes/TARGET, which the
tests replay, and ends the run with 1. `--log` collects the executions of every run, one JSON line
each; `--total` adds such a file up.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
FUZZ = ROOT / "fuzz"
LONGEST = {
    "safetensors": 256,
    "gguf": 384,
    "tokenizer-json": 384,
    "sentencepiece": 128,
    "card": 192,
    "redirect": 128,
    "hub-listing": 320,
    "tekken": 256,
    "tiktoken": 96,
    "mergekit": 192,
    "onnx": 160,
    "archive": 512,
    "adapter": 640,
    "policy": 192,
}
"""Bytes of an input: what a parser can do wrong it can do in few, and few are read quickly."""
NAMES = tuple(LONGEST)
INSTRUMENTED = {"card": ("yaml",), "policy": ("tomllib",), "redirect": ("urllib3.util",)}
"""Whose branches count as new ground, beside famtree's own."""
MEMORY = 2048
"""MB at which libFuzzer reports a run as a crash."""
SLOWEST = 120
"""Seconds at which an input is reported as one: of the clock, which a busy machine stretches. What
an input may take is held by tests/hostile_input, in seconds of CPU."""
MOST_ITEMS = 10_000
"""Of a GGUF array; still enough for each way of reading one."""
_EXECUTIONS = re.compile(rb"stat::number_of_executed_units:\s*(\d+)")


def fuzz(name: str, arguments: list[str]) -> None:
    """Become libFuzzer for one target; never returns."""
    import atheris

    sys.path.insert(0, str(ROOT / "src"))
    with atheris.instrument_imports(include=["famtree", *INSTRUMENTED.get(name, ())]):
        # The loader's own imports come late, where they would not be instrumented.
        import yaml  # noqa: F401

        import famtree.fingerprints.tokenizer_json  # noqa: F401
        from famtree.sources import gguf_header
        from targets import TARGETS

    # A few bytes may claim an array of megabytes, and making one takes as long as all the rest.
    gguf_header.MAX_ITEMS = MOST_ITEMS
    atheris.Setup([sys.argv[0], *arguments], TARGETS[name])
    atheris.Fuzz()


def run(name: str, seconds: float, executions: int, seed: int, corpus: Path) -> dict[str, object]:
    """Fuzz `name` for so long in a process of its own and return what came of it.

    `executions` end it earlier; -1 is no limit. A `seed` of 0 is drawn anew.
    """
    place = corpus / name
    crashes = FUZZ / "crashes" / name
    place.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    known = set(crashes.iterdir())
    command = [
        sys.executable, __file__, "--inside", name, str(place), str(FUZZ / "corpus" / name),
        f"-max_len={LONGEST[name]}", f"-max_total_time={max(1, round(seconds))}",
        f"-runs={executions}", f"-seed={seed}",
        f"-timeout={SLOWEST}", f"-report_slow_units={SLOWEST}",
        f"-rss_limit_mb={MEMORY}", f"-artifact_prefix={crashes}/",
        "-print_final_stats=1", "-reload=0", "-verbosity=1",
    ]  # fmt: skip
    dictionary = FUZZ / "dictionaries" / f"{name}.dict"
    if dictionary.is_file():
        command.append(f"-dict={dictionary}")
    started = time.monotonic()
    with tempfile.TemporaryFile() as told:
        code = subprocess.run(command, stdout=told, stderr=told, check=False, cwd=FUZZ).returncode
        told.seek(0)
        text = told.read()
    counted = _EXECUTIONS.search(text)
    found = sorted(path.name for path in set(crashes.iterdir()) - known)
    if code or found:
        sys.stderr.write(text[-6000:].decode("utf-8", "replace"))
    for folder in (crashes, crashes.parent):
        if not any(folder.iterdir()):
            folder.rmdir()
    return {
        "target": name,
        "executions": int(counted[1]) if counted else 0,
        "seconds": round(time.monotonic() - started, 1),
        "corpus": sum(1 for _ in place.iterdir()),
        "crashes": found,
        "exit_code": code,
    }


def total(log: Path) -> dict[str, int]:
    """Return the executions by target that a log tells of."""
    counted = dict.fromkeys(NAMES, 0)
    for line in log.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        counted[row["target"]] += row["executions"]
    return counted


def main() -> int:
    if sys.argv[1:2] == ["--inside"]:
        fuzz(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--seconds", type=float, default=300, help="for all targets together")
    parser.add_argument("--executions", type=int, default=-1, help="the most, for each target")
    parser.add_argument("--seed", type=int, default=0, help="the same inputs again; 0: others")
    parser.add_argument("--corpus", type=Path, help="where inputs are kept between runs")
    parser.add_argument("--log", type=Path)
    parser.add_argument("--total", type=Path, metavar="LOG")
    options = parser.parse_args()
    if options.total:
        counted = total(options.total)
        print("\n".join(f"{name:16} {count:>12,}" for name, count in counted.items()))
        print(f"{'together':16} {sum(counted.values()):>12,}")
        return 0
    if unknown := set(options.targets) - set(NAMES):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    chosen = options.targets or NAMES
    failed = False
    until = time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory() as scratch:
        for place, name in enumerate(chosen):
            corpus = options.corpus or Path(scratch)
            # A share of what is left: starting a target takes seconds, too.
            share = (until - time.monotonic()) / (len(chosen) - place)
            row = run(name, share, options.executions, options.seed, corpus)
            print(json.dumps(row), flush=True)
            failed |= bool(row["exit_code"] or row["crashes"])
            if options.log:
                with options.log.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(row) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
