"""What share of what people load is named, and what to add next?

    python benchmarks/hub_coverage.py [--count N] [--ids FILE] [--rows FILE] [--endpoint URL]

Takes the Hub's list of models by downloads, or a FILE of lines `id weight` (weight 1 where it is
left out), and identifies the first N. Each answer is a line of `--rows` at once; what has one there
is not asked again, so that a broken run is continued by the same command. A weight is the number
of downloads. Prints the shares that are named, open and unknown, those by reason and by model_type,
and the types of the most weight that nothing was said of. Exits with 1 below AIM.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from famtree import FamtreeError, Session

AIM = 0.95
"""Share of the weight of the first 1,000 that is to be named."""
COUNT = 1000
SHOWN = 20
Row = dict[str, Any]


def list_models(endpoint: str | None) -> Iterator[tuple[str, float]]:
    """Yield (id, downloads) as the Hub lists them, most downloads first."""
    from huggingface_hub import HfApi

    for model in HfApi(endpoint=endpoint).list_models(sort="downloads"):
        yield model.id, float(model.downloads or 1)


def read_ids(path: Path) -> Iterator[tuple[str, float]]:
    """Yield (id, weight) of every line that has an id."""
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, weight = line.replace(",", " ").strip().partition(" ")
        if name:
            yield name, float(weight or 1)


def ask(session: Session, name: str, weight: float) -> Row:
    """Return the row of one model."""
    row: Row = {"id": name, "weight": weight}
    try:
        found = session.identify(name)
    except FamtreeError as fault:
        return {**row, "verdict": "unread", "why": fault.code, "type": None}
    architecture = found.fingerprint.architecture
    verdict = "named" if found.family else "open" if found.candidates else "unknown"
    return {
        **row,
        "verdict": verdict,
        "family": found.family.key if found.family else None,
        "why": found.unknown_because,
        "type": architecture.text_model_type or architecture.class_name or found.kind,
    }


def scan(models: Iterator[tuple[str, float]], rows: Path, session: Session) -> list[Row]:
    """Return the rows of `models`, those of an earlier run from `rows`."""
    known: dict[str, Row] = {}
    if rows.is_file():
        # The last line of a run that was killed may be half of one.
        for line in rows.read_text(encoding="utf-8").split("\n")[:-1]:
            row = json.loads(line)
            known[row["id"]] = row
    done = []
    lines = "".join(f"{json.dumps(row)}\n" for row in known.values())
    rows.write_text(lines, encoding="utf-8")
    with rows.open("a", encoding="utf-8") as stream:
        for name, weight in models:
            row = known.get(name)
            if row is None:
                row = ask(session, name, weight)
                stream.write(f"{json.dumps(row)}\n")
                stream.flush()
            done.append(row)
    return done


def add_up(rows: list[Row], name: str) -> Counter[str]:
    """Return the weight of each value of `name`."""
    found: Counter[str] = Counter()
    for row in rows:
        found[str(row.get(name) or "not said")] += row["weight"]
    return found


def report(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of the report."""
    whole = sum(row["weight"] for row in rows) or 1.0
    verdicts = add_up(rows, "verdict")
    for verdict in ("named", "open", "unknown", "unread"):
        share = verdicts[verdict] / whole
        count = sum(row["verdict"] == verdict for row in rows)
        yield f"{verdict:8} {share:.3f} of the weight, {count} of {len(rows)} models"
    rest = [row for row in rows if row["verdict"] != "named"]
    for title, name in (("by reason", "why"), ("add next, by type", "type")):
        yield f"not named {title}:"
        for value, weight in add_up(rest, name).most_common(SHOWN):
            yield f"  {weight / whole:.4f} {value}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--ids", type=Path)
    parser.add_argument("--rows", type=Path, default=Path("hub-coverage.jsonl"))
    parser.add_argument("--endpoint")
    asked = parser.parse_args()
    models = read_ids(asked.ids) if asked.ids else list_models(asked.endpoint)
    rows = scan(islice(models, asked.count), asked.rows, Session())
    print("\n".join(report(rows)))
    named = sum(row["weight"] for row in rows if row["verdict"] == "named")
    return int(named < AIM * sum(row["weight"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
