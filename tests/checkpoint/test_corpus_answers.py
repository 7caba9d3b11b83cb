"""Answers to real checkpoints' metadata, where it is at hand."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from examining import identify_source
from famtree.registry.load import load_registry
from famtree.sources.open import open_source
from famtree.sources.reference import parse_reference

FAMILY_RIGHT = 0.98
GENERATION_RIGHT = 0.93
CONFIDENT = 0.9


@pytest.mark.corpus
def test_labelled_checkpoints_are_identified(shared: Path) -> None:
    """No crash; nearly all families and generations right; no confident answer wrong.

    A settled family with the right generation among several candidates counts as right: some
    generations publish the very same metadata.
    """
    labels = shared / "corpus" / "labels.csv"
    if not labels.is_file():
        pytest.skip("no corpus")
    registry = load_registry()
    families, generations, wrong = [], [], []
    with labels.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["family"]]
    for row in rows:
        folder = shared / "corpus" / "checkpoints" / row["folder"]
        if not (folder / "config.json").exists():
            continue
        result = identify_source(open_source(parse_reference(str(folder))), registry)
        family = result.family.key if result.family else None
        generation = result.generation.key if result.generation else None
        families.append(right := family == row["family"])
        if row["generation"]:
            listed = {one.generation for one in result.candidates if one.family == family}
            right = right and (
                generation == row["generation"]
                or (generation is None and row["generation"] in listed)
            )
            generations.append(right)
        if not right and family is not None and result.confidence >= CONFIDENT:
            wrong.append(f"{row['folder']}: {family}/{generation} {result.confidence}")
    assert families, "no labelled checkpoint is there"
    assert sum(families) / len(families) >= FAMILY_RIGHT
    assert sum(generations) / len(generations) >= GENERATION_RIGHT
    assert wrong == []
