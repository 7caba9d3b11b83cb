"""How many labelled checkpoints of all kinds are named right?

    python benchmarks/second_corpus.py FOLDER [--all]

FOLDER holds `checkpoints/` and `labels.csv` with the columns folder, family_key, generation,
kind_key and parents. Whole checkpoints, adapters and draft heads are scored apart: a whole
checkpoint by its family and, where that is right, its generation; an adapter by its base's family;
a draft head by its kind, and by naming no family as its own. A row without a family_key has none
on record, so that any name is a false one; one without a kind_key is left out. Prints every answer
that is not right (`--all`: every answer), then the figures. Exits with 1 where an answer of
CONFIDENT is wrong, or a false name has FALSE.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from famtree import FamtreeError, Identification, Session
from famtree.checkpoint.bases import find_base
from famtree.checkpoint.references import read_reference
from famtree.registry.load import load_registry
from famtree.registry.registry import Registry

CONFIDENT = 0.9
FALSE = 0.8
HEAD = "draft-head"
ADAPTER = "adapter"


@dataclass(frozen=True, slots=True)
class Score:
    """One answer beside its label."""

    row: Mapping[str, str]
    kind: str
    family: str | None
    generation: str | None
    candidates: frozenset[tuple[str, str | None]]
    confidence: float
    told: str
    on_record: bool
    """The label's family is in the registry; of an adapter, so is what its base is."""

    @property
    def group(self) -> str:
        """Whole checkpoints, adapters and draft heads are different questions."""
        kind = self.row["kind_key"]
        return kind if kind in (ADAPTER, HEAD) else "whole"

    @property
    def kind_right(self) -> bool:
        """Whether the kind is the label's."""
        return self.row["kind_key"] in ("", self.kind)

    @property
    def family_right(self) -> bool:
        """Whether the family is the label's; a draft head has none."""
        if self.group == HEAD:
            return self.kind == HEAD and self.family is None
        return self.family == (self.row["family_key"] or None)

    @property
    def generation_right(self) -> bool | None:
        """A generation left open is right where it is among the candidates; None without label."""
        wanted = self.row["generation"]
        if not wanted or not self.row["family_key"]:
            return None
        left_open = self.generation is None and (self.family or "", wanted) in self.candidates
        return self.generation == wanted or left_open

    @property
    def right(self) -> bool:
        """Whether nothing that was named is wrong."""
        return self.family_right and self.generation_right is not False

    @property
    def is_false(self) -> bool:
        """A family was named where the registry has none."""
        return self.family is not None and not self.row["family_key"] and self.group != ADAPTER

    def __str__(self) -> str:
        label = "/".join(filter(None, (self.row["family_key"], self.row["generation"]))) or "-"
        answer = "/".join(filter(None, (self.family, self.generation))) or "-"
        return (
            f"{self.row['folder'][:60]:60} {self.row['kind_key'] or '-'} {label}: "
            f"{self.kind} {answer} {self.confidence:.2f} {self.told}"
        )


def ask(folder: Path, registry: Registry) -> Iterator[Score]:
    """Yield the score of every row, with the answer that the whole pipeline gives offline."""
    session = Session(offline=True)
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["kind_key"]]
    for row in rows:
        try:
            answer = session.identify(str(folder / "checkpoints" / row["folder"]))
        except FamtreeError as fault:
            yield Score(
                row, "-", None, None, frozenset(), 0.0, fault.code, _is_known(row, registry)
            )
            continue
        yield _score(row, answer, registry)


def _score(row: Mapping[str, str], answer: Identification, registry: Registry) -> Score:
    return Score(
        row,
        answer.kind,
        answer.family.key if answer.family else None,
        answer.generation.key if answer.generation else None,
        frozenset((one.family, one.generation) for one in answer.candidates),
        answer.confidence,
        answer.unknown_because or answer.decided_by or "",
        _is_known(row, registry),
    )


def _is_known(row: Mapping[str, str], registry: Registry) -> bool:
    if row["family_key"] not in registry.by_key:
        return not row["family_key"]
    if row["kind_key"] != ADAPTER:
        return True
    return any(
        (read := read_reference(parent)) is not None and find_base(read[0], registry) is not None
        for parent in row["parents"].split()
    )


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} ({part / whole:.3f})" if whole else "none"


def report(scores: list[Score], *, everything: bool) -> Iterator[str]:
    """Yield the lines of the report."""
    yield from (str(one) for one in scores if everything or not (one.right and one.kind_right))
    for group, what in (("whole", "whole checkpoints"), (ADAPTER, "adapters"), (HEAD, "heads")):
        members = [one for one in scores if one.group == group]
        known = [one for one in members if one.on_record]
        named = [one for one in members if one.family_right and one.generation_right is not None]
        yield (
            f"{what}: family {_share(sum(one.family_right for one in members), len(members))}, "
            f"of those on record {_share(sum(one.family_right for one in known), len(known))}, "
            f"generation {_share(sum(bool(one.generation_right) for one in named), len(named))}, "
            f"kind {_share(sum(one.kind_right for one in members), len(members))}"
        )
    for one in list_faults(scores):
        yield f"FAULT {one}"


def list_faults(scores: list[Score]) -> list[Score]:
    """Return the answers that are confident and wrong."""
    return [
        one
        for one in scores
        if one.family is not None
        and not one.right
        and (one.confidence >= CONFIDENT or (one.is_false and one.confidence >= FALSE))
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", dest="everything")
    options = parser.parse_args()
    scores = list(ask(options.folder, load_registry()))
    print("\n".join(report(scores, everything=options.everything)))
    return int(bool(list_faults(scores)))


if __name__ == "__main__":
    sys.exit(main())
