"""Are undeclared parents found again? Every checkpoint of the zoo, its parents withheld.

    python benchmarks/atlas_zoo.py CACHE

CACHE holds the networks of `make_zoo.py`. Two atlases are asked about each member: one of all the
others, each with the parents it has by construction, and one of those of other roots alone. Right
is an ancestor as first parent in the first, and no parent in the second. A member's own descendants
name it, as they would on the Hub. Exits with 1 if a budget is exceeded.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]


from famtree.atlas.advisor import AtlasAdvisor  # noqa: E402
from famtree.atlas.build import build_atlas  # noqa: E402
from famtree.atlas.connect import open_atlas  # noqa: E402
from famtree.atlas.lookup import Atlas  # noqa: E402
from famtree.checkpoint.checkpoint import Checkpoint  # noqa: E402
from famtree.checkpoint.facts import NodeFacts, make_traits  # noqa: E402
from famtree.lineage.opener import Opener  # noqa: E402
from famtree.lineage.proving import prove_weights  # noqa: E402
from famtree.registry.load import load_registry  # noqa: E402
from famtree.scan.checkpoint import scan_checkpoint  # noqa: E402
from famtree.scan.jsonl import JsonLines  # noqa: E402
from famtree.scan.settings import ScanSettings  # noqa: E402
from famtree.sources.reference import parse_reference  # noqa: E402
from famtree.types.fingerprint import Fingerprint  # noqa: E402
from famtree.types.proof import Proof  # noqa: E402
from famtree.weights.thresholds import SHARED_INIT_COSINE  # noqa: E402
from zoo.records import Member, Zoo, read_zoo  # noqa: E402

LEAST_FOUND = 0.95


Rows = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Replay:
    """What an atlas said of one member."""

    member: Member
    first: str | None
    """The parent it names."""
    kin: tuple[str, ...]
    """Those it says the weights depend on, shared initialisations left out."""


def scan_zoo(zoo: Zoo) -> Rows:
    """Return one row with a sketch for each member; nothing in the files names a parent."""
    registry = load_registry()
    rows = {}
    for name, member in zoo.members.items():
        row = scan_checkpoint(str(member.path), registry, ScanSettings(sketch=True))
        if row["error_code"]:
            raise SystemExit(f"{name}: {row['error_message']}")
        rows[name] = row | {"name": name}
    return rows


def declare(row: dict[str, Any], parents: tuple[str, ...]) -> dict[str, Any]:
    """Return the row as it would be if the checkpoint's card named `parents`."""
    name, document = row["name"], json.loads(row["document"])
    document["lineage"]["chain"] = [
        {"child": name, "parent": parent, "relation": "unknown", "status": "declared",
         "confidence": 0.6} for parent in parents
    ]  # fmt: skip
    claims = [{"parent": parent, "source": "card"} for parent in parents]
    return row | {"document": json.dumps(document), "claims": json.dumps(claims)}


@contextmanager
def build(rows: Iterable[dict[str, Any]]) -> Iterator[Atlas]:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "rows.jsonl", Path(folder) / "zoo.duckdb"
        with JsonLines(source) as lines:
            for row in rows:
                lines.write(row)
        build_atlas([source], target)
        with open_atlas(target) as opened:
            yield Atlas(opened)


def ask(atlas: Atlas, zoo: Zoo, member: Member, row: dict[str, Any]) -> Replay:
    opener = Opener(load_registry(), reach=0)

    def open_member(name: str) -> Checkpoint:
        return opener.open_start(parse_reference(str(zoo[name].path)))

    def prove(checkpoint: Checkpoint, name: str) -> Proof | None:
        return prove_weights(checkpoint.weights, open_member(name).weights, details=True)

    fingerprint = Fingerprint.model_validate(json.loads(row["document"])["fingerprint"])
    node = NodeFacts(member.name, make_traits(fingerprint), format=row["format"])
    source = open_member(member.name)
    advice = AtlasAdvisor(atlas, prove=prove).find(node, fingerprint, row["sketch"], source)
    kin = [
        one.ref
        for one in advice.relatives
        if one.basis == "weights" and (one.cosine is None or one.cosine >= SHARED_INIT_COSINE)
    ]
    return Replay(member, advice.claims[0].parent if advice.claims else None, tuple(kin))


def replay(zoo: Zoo, rows: Rows, members: list[Member], foreign: bool) -> list[Replay]:
    """Ask about each of `members`: an atlas of all others, or one of other roots alone."""
    if not foreign:
        with build(rows.values()) as atlas:
            return [ask(atlas, zoo, one, rows[one.name]) for one in members]
    found = []
    for root in sorted({one.root for one in members}):
        with build(row for name, row in rows.items() if zoo[name].root != root) as atlas:
            found += [ask(atlas, zoo, one, rows[one.name]) for one in members if one.root == root]
    return found


def report(zoo: Zoo, rows: Rows, members: list[Member]) -> bool:
    """Print the figures of `members`; return whether they are within the budget."""
    good = True
    inside = [one for one in replay(zoo, rows, members, foreign=False) if one.member.parents]
    for name, chosen in (
        ("undisguised", [one for one in inside if not one.member.disguised]),
        ("permuted or rotated", [one for one in inside if one.member.disguised]),
        ("all", inside),
    ):
        right = [one for one in chosen if one.first in set(zoo.ancestors(one.member.name))]
        direct = sum(one.first in one.member.parents for one in chosen)
        share = len(right) / len(chosen) if chosen else 1.0
        print(f"{name:22} {len(right)} of {len(chosen)} found ({share:.3f}), {direct} the parent")
        missed = [f"{one.member.name}: {one.first}" for one in chosen if one not in right]
        if missed:
            print(f"{'':22} not found: {', '.join(missed)}")
    good &= share >= LEAST_FOUND
    outside = replay(zoo, rows, members, foreign=True)
    false = [one for one in outside if one.first is not None or one.kin]
    print(f"{'not in the atlas':22} {len(false)} of {len(outside)} given a parent or kin")
    for one in false:
        print(f"{'':22} {one.member.name}: {one.first} {one.kin}")
    return good and not false


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("cache", type=Path)
    options = parser.parse_args()
    zoo = read_zoo(options.cache)
    rows = {name: declare(row, zoo[name].parents) for name, row in scan_zoo(zoo).items()}
    good = True
    for held_out in (False, True):
        members = zoo.pick(held_out)
        if members:
            print("held-out trees" if held_out else "design families", flush=True)
            good &= report(zoo, rows, members)
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
