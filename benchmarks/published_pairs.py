"""What `compare --verify` says of pairs that others have published with a label.

    python benchmarks/published_pairs.py [--set provenance-kit|mdgbench] [--file FILE]
        [--rows FILE] [--limit N] [--timeout SECONDS]

Two sets of Hub ids and labels, fetched from where their makers publish them, at one commit and held
against a sha256 (none of either is part of famtree); `--file` takes a copy on this machine:

- provenance-kit: 55 pairs that share weights or a maker's lineage and 56 that do not, of Cisco's
  Model Provenance Kit (Apache-2.0), benchmarks/Benchmark_All.json
- mdgbench: 131 edges (fine-tunes, adapters, merges, quantized copies) of TensorLock's MDGBench,
  evaluation/Benchmark/model_relation.csv; its ids are written with `_` for the first `/`

Each answer is a line of `--rows` at once; what has one there is not asked again, so that a broken
run is continued by the same command. What could not be fetched is asked again. Where the set or the
Hub is out of reach that is said, and the exit code is 0. Some pairs labelled similar share no
weights (distillation, models trained apart): they are counted by kind.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from famtree import FamtreeError, Session

RAW = "https://raw.githubusercontent.com"
SHOWN = ("a", "b", "kind", "verdict", "why")
Row = dict[str, Any]
DESCENT = ("same-weights", "a-derives-from-b", "b-derives-from-a", "siblings", "related")
AGAIN = ("network", "timeout", "offline")
"""Codes of what another run may find."""


@dataclass(frozen=True, slots=True)
class Published:
    """Where a set is published, and what its bytes are."""

    address: str
    digest: str


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """Two Hub ids, the earlier one first where the label says so."""

    a: str
    b: str
    related: bool
    kind: str


SETS = {
    "provenance-kit": Published(
        f"{RAW}/cisco-ai-defense/model-provenance-kit/9991417767c0bb42d7e0ca376dc9a8843c5569b9"
        "/benchmarks/Benchmark_All.json",
        "efa98d47281176afa63e642f77054d09379b87bcd70edd98a7207c6cb5c37443",
    ),
    "mdgbench": Published(
        f"{RAW}/TensorLock/TensorLock/d2562ed5663700fc6489afe4371ab4d58c4a365a"
        "/evaluation/Benchmark/model_relation.csv",
        "da243208040d7c542af8b3c194b8f87de94edf3032346523d89430e0c78895c0",
    ),
}


def fetch_set(name: str, file: Path | None) -> str:
    """Return the text of a set. Raises OSError, and ValueError where its bytes are others."""
    if file is not None:
        return file.read_text(encoding="utf-8-sig")
    source = SETS[name]
    with urlopen(source.address, timeout=30) as answer:
        data: bytes = answer.read()
    if sha256(data).hexdigest() != source.digest:
        raise ValueError(f"{source.address} is not what it was")
    return data.decode("utf-8-sig")


def read_set(name: str, text: str) -> list[LabelledPair]:
    """Return the pairs of a set, each once."""
    if name == "provenance-kit":
        found = [
            LabelledPair(a, b, label == "similar", row["provenance"].partition(" (")[0])
            for label, rows in json.loads(text).items()
            for row in rows
            for a, b in [row["pair"]]
        ]
    else:
        found = [
            LabelledPair(
                row["Base Model"].replace("_", "/", 1), row["Derived Model"].replace("_", "/", 1),
                True, row["Relation"],
            )
            for row in csv.DictReader(StringIO(text))
        ]  # fmt: skip
    return list(dict.fromkeys(found))


def ask(session: Session, pair: LabelledPair, timeout: float | None) -> Row:
    """Return the row of one pair."""
    row = asdict(pair)
    try:
        found = session.compare(pair.a, pair.b, verify=True, timeout=timeout)
    except FamtreeError as fault:
        return {**row, "verdict": None, "why": fault.code}
    lineage = found.relation.lineage
    return {
        **row, "verdict": lineage.verdict, "status": lineage.status, "why": lineage.reason,
        "z": lineage.z, "bytes": lineage.bytes_read,
    }  # fmt: skip


def read_rows(path: Path) -> dict[tuple[str, str], Row]:
    """Return the answers of earlier runs that need no second one."""
    found: dict[tuple[str, str], Row] = {}
    if path.is_file():
        # The last line of a run that was killed may be half of one.
        for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
            row = json.loads(line)
            if row["verdict"] is not None or row["why"] not in AGAIN:
                found[row["a"], row["b"]] = row
    return found


def run(
    pairs: list[LabelledPair], rows: Path, session: Session, *, timeout: float | None = None
) -> Iterator[Row]:
    """Yield the row of each pair, those of an earlier run from `rows`."""
    known = read_rows(rows)
    rows.write_text("".join(f"{json.dumps(row)}\n" for row in known.values()), encoding="utf-8")
    with rows.open("a", encoding="utf-8") as stream:
        for pair in pairs:
            row = known.get((pair.a, pair.b))
            if row is None:
                row = ask(session, pair, timeout)
                stream.write(f"{json.dumps(row)}\n")
                stream.flush()
            yield row


def judge(row: Row) -> str:
    """Return how a verdict stands to the label."""
    if row["verdict"] is None:
        return "unread"
    if row["verdict"] == "undetermined":
        return "open"
    return "right" if (row["verdict"] in DESCENT) == row["related"] else "wrong"


def report(rows: list[Row]) -> Iterator[str]:
    """Yield a table by kind, the arrows of edges, and every pair that is wrong or unread."""
    yield "| label | kind | pairs | right | wrong | open | unread |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    kinds = dict.fromkeys((row["related"], row["kind"]) for row in rows)
    for related, kind in sorted(kinds, key=lambda one: (not one[0], one[1])):
        own = [row for row in rows if (row["related"], row["kind"]) == (related, kind)]
        counts = Counter(map(judge, own))
        told = " | ".join(str(counts[word]) for word in ("right", "wrong", "open", "unread"))
        yield f"| {'related' if related else 'unrelated'} | {kind} | {len(own)} | {told} |"
    arrows = Counter(row["verdict"] for row in rows if row["related"])
    forward, reversed_ = arrows["b-derives-from-a"], arrows["a-derives-from-b"]
    yield f"arrows of related pairs: {forward} from the first to the second, {reversed_} back"
    for row in rows:
        if (word := judge(row)) in ("wrong", "unread"):
            yield f"{word}: {'  '.join(str(row[key]) for key in SHOWN)}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--set", choices=SETS, default="provenance-kit")
    parser.add_argument("--file", type=Path, help="the published file, on this machine")
    parser.add_argument("--rows", type=Path, help="answers (default: published-SET.jsonl)")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--timeout", type=float, help="seconds of one pair")
    asked = parser.parse_args(arguments)
    try:
        pairs = read_set(asked.set, fetch_set(asked.set, asked.file))[: asked.limit]
    except OSError as fault:
        print(f"the set {asked.set} is out of reach ({fault}): nothing was measured; see --file")
        return 0
    done = []
    path = asked.rows or Path(f"published-{asked.set}.jsonl")
    for row in run(pairs, path, Session(), timeout=asked.timeout):
        done.append(row)
        if row["verdict"] is None and row["why"] in ("network", "offline"):
            print(f"the Hub is out of reach: {len(done) - 1} of {len(pairs)} pairs have an answer")
            print("the same command continues")
            break
    print("\n".join(report(done)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
