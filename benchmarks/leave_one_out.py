"""Is the family right for a checkpoint whose own record is taken out of the registry?

    python benchmarks/leave_one_out.py

Each published row loses its exemplar, and its official size where no other exemplar and no other
row of the same family has that shape. What stays is what a new checkpoint of a known family
meets. Exits with 1 if a target is missed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.fingerprints.digest import digest
from famtree.matchers.classify import classify
from famtree.matchers.observation import observe
from famtree.matchers.recognition import without_exemplar
from famtree.registry.load import load_registry
from famtree.registry.registry import Registry
from famtree.types.family import Size
from famtree.types.fingerprint import Fingerprint, Tokenizer
from reference_data import (
    Row,
    Tally,
    Truth,
    config_of_reference,
    find_shared,
    number,
    read_rows,
    report,
)

TARGETS = {
    "right": ("at least", 0.95),
    "confidently_wrong_of_confident": ("at most", 0.01),
}
Shape = tuple[int | None, int | None]


def build_tokenizer(row: Row) -> Tokenizer | None:
    """Return the tokenizer's counts, all that the figures state of it."""
    entries, merges = number(row["tok_vocab_size"]), number(row["num_merges"])
    counts: dict[str, Any] = {}
    if isinstance(entries, int) and entries:
        counts["base_entries"] = entries
    if isinstance(merges, int) and merges:
        counts["merges_count"] = merges
    return Tokenizer(digest=digest(counts), **counts) if counts else None


def build_row(row: Row) -> Fingerprint:
    """Return the fingerprint that one published row allows."""
    facts = CheckpointFacts(config=config_of_reference(row), tokenizer=build_tokenizer(row))
    return build_fingerprint(facts)


def without_shape(registry: Registry, shape: Shape, families: Iterable[str]) -> Registry:
    """Return the registry with the sizes of `shape` (layers, hidden size) taken from `families`."""
    taken = set(families)

    def keep(size: Size) -> bool:
        return (size.layers, size.hidden_size) != shape

    return replace(
        registry,
        families=tuple(
            replace(
                family,
                generations=[
                    replace(generation, sizes=[one for one in generation.sizes if keep(one)])
                    for generation in family.generations
                ],
            )
            if family.key in taken
            else family
            for family in registry.families
        ),
    )


def walk_shapes(registry: Registry, repo: str) -> Iterable[tuple[str, Shape]]:
    """Yield (family, shape) of every exemplar other than `repo`."""
    for family in registry.families:
        for exemplar in family.exemplars:
            if exemplar.repo == repo:
                continue
            layers = exemplar.traits.get("architecture.layers")
            hidden = exemplar.traits.get("architecture.hidden_size")
            if isinstance(layers, int) and isinstance(hidden, int):
                yield family.key, (layers, hidden)


def main() -> int:
    shared = find_shared()
    registry = load_registry()
    truth = Truth(shared, registry)
    rows = read_rows(shared / "knowledge" / "reference_models.csv")
    cases: list[tuple[str, frozenset[str], str, Fingerprint, Shape]] = []
    left_out = []
    for row in rows:
        known = truth.of(row["hf_repo"], row["architectures"])
        if known is None:
            left_out.append(row["hf_repo"])
            continue
        fingerprint = build_row(row)
        shape = (fingerprint.architecture.layers, fingerprint.architecture.hidden_size)
        cases.append((row["hf_repo"], *known, fingerprint, shape))
    tally = Tally()
    alone = 0
    for repo, families, source, fingerprint, shape in cases:
        held_back = without_exemplar(registry, repo)
        supported = any(
            family in families and one == shape for family, one in walk_shapes(registry, repo)
        ) or any(
            other != repo and families & right and one == shape for other, right, _, _, one in cases
        )
        if not supported:
            alone += 1
            held_back = without_shape(held_back, shape, families)
        observation = observe(fingerprint, held_back.generic)
        tally.add(repo, classify(observation, held_back), families, source)
    print(f"{len(left_out)} rows left out (truth open): {', '.join(left_out) or 'none'}")
    print(f"{alone} rows lost their official size too")
    return report(tally, TARGETS, left_out=len(left_out), shape_held_back=alone)


if __name__ == "__main__":
    sys.exit(main())
