"""Official sizes by shape signature."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

from famtree.registry.conditions import show
from famtree.registry.registry import Registry
from famtree.types.family import Family, Generation, Size
from famtree.types.fingerprint import Architecture
from famtree.types.identification import Evidence

FIELDS = (
    "layers", "hidden_size", "heads", "kv_heads", "ffn", "experts", "expert_ffn",
    "decoder_layers", "vocab_rows",
)  # fmt: skip
OFFICIAL_SHARE = 0.85
"""Share of a generation's derivatives that keep one of its official shapes; the rest are pruned,
stacked, or small models trained from scratch on the same design."""
ONE_SIZE_SHARE = 0.25
"""Share of one official size among a generation's checkpoints. The same for all generations: one
that was released in a single size is not thereby the likelier owner of a shape both have."""
CAP = 5.0
CUSTOM = -1.4
"""log((1 - OFFICIAL_SHARE) / share of unrelated models that have no official shape either)."""
SIBLING = 2 * CUSTOM
"""The shape is an official size of another generation of the family, so no custom one of this."""
RESTACKED = -0.7
"""All widths of an official size with another depth: pruned or stacked, so half a custom size."""


class SizeMatch(Struct, frozen=True):
    """How a shape stands to the official sizes of one generation."""

    size: Size | None
    weight: float
    custom: bool
    """True when the generation has sizes and none has this shape."""


Stated = tuple[tuple[str, int], ...]
"""The shape fields an official size states."""

_CUSTOM = SizeMatch(None, CUSTOM, custom=True)
_SIBLING = SizeMatch(None, SIBLING, custom=True)
_RESTACKED = SizeMatch(None, RESTACKED, custom=True)


def match_sizes(architecture: Architecture, registry: Registry) -> dict[tuple[str, str], SizeMatch]:
    """Return a size verdict for every generation that lists sizes."""
    if architecture.layers is None or architecture.hidden_size is None:
        return {}
    seen = {name: getattr(architecture, name) for name in FIELDS}
    hits: dict[tuple[str, str], Size] = {}
    shared: set[tuple[str, str]] = set()
    for width in (architecture.hidden_size, None):
        for key, size, stated, least in _list_of_width(registry, width):
            if (architecture.vocab_rows or least) < least:
                continue  # rows for fewer tokens than its vocabulary has
            differing = _compare(stated, seen)
            if differing == "":
                # Sizes that differ in rows alone: the one with exactly these rows is meant.
                if key not in hits or size.vocab_rows == architecture.vocab_rows:
                    hits[key] = size
            elif differing == "layers":
                shared.add(key)
    counted = len(hits.keys() & registry.population) or bool(hits)
    background = (counted + 0.5) / (len(_counted(registry)) + 1.0)
    gain = max(0.2, math.log(OFFICIAL_SHARE * ONE_SIZE_SHARE / background))
    owners = {family for family, _ in hits}
    verdicts = {
        key: _SIBLING if key[0] in owners else _CUSTOM for key in _generations_with_sizes(registry)
    }
    verdicts |= dict.fromkeys(shared, _RESTACKED)
    for key, size in hits.items():
        verdicts[key] = SizeMatch(size, min(CAP, gain), custom=False)
    return verdicts


def describe_shape(
    match: SizeMatch, architecture: Architecture, generation: Generation
) -> Evidence:
    """Return the size verdict as evidence."""
    seen = ", ".join(
        f"{name} {show(value)}"
        for name in FIELDS[:-1]
        if (value := getattr(architecture, name)) is not None
    )
    names = ", ".join(size.name for size in generation.sizes[:12])
    return Evidence.model_construct(
        signal="architecture.shape",
        source=architecture.seen_in.get("hidden_size", ["config"])[0],
        expected=match.size.name if match.size else f"an official size ({names})",
        seen=seen,
        supports=match.size is not None,
        weight=round(match.weight, 3),
    )


def share_of_sizes(name: str, value: object, registry: Registry) -> float:
    """Return the share of the population's sizes that have `value` in the shape field `name`."""
    stated = [getattr(size, name) for size in _counted(registry)]
    known = [one for one in stated if one is not None]
    return (known.count(value) + 0.5) / (len(known) + 1.0)


@lru_cache(maxsize=2)
def _official(registry: Registry) -> tuple[tuple[Family, Generation, Size], ...]:
    return tuple(
        (family, generation, size)
        for family, generation in registry.walk_generations()
        for size in generation.sizes
    )


@lru_cache(maxsize=2)
def _counted(registry: Registry) -> tuple[Size, ...]:
    """Return the official sizes of the registry's population."""
    population = registry.population
    return tuple(
        size for family, one, size in _official(registry) if (family.key, one.key) in population
    )


@lru_cache(maxsize=2)
def _generations_with_sizes(registry: Registry) -> tuple[tuple[str, str], ...]:
    return tuple({(family.key, one.key): None for family, one, _ in _official(registry)})


@lru_cache(maxsize=2)
def _sort_by_width(registry: Registry) -> dict[int | None, list[tuple[Family, Generation, Size]]]:
    """Return the official sizes by hidden size; under None those that do not state one."""
    found: dict[int | None, list[tuple[Family, Generation, Size]]] = {}
    for official in _official(registry):
        found.setdefault(official[2].hidden_size, []).append(official)
    return found


@lru_cache(maxsize=256)
def _list_of_width(
    registry: Registry, width: int | None
) -> tuple[tuple[tuple[str, str], Size, Stated, int], ...]:
    """Return the sizes of this width: whose, what each states, and the least rows it needs."""
    return tuple(
        (
            (family.key, generation.key),
            size,
            tuple((name, one) for name in FIELDS if (one := getattr(size, name)) is not None),
            _least_rows(family, generation, size),
        )
        for family, generation, size in _sort_by_width(registry).get(width, ())
    )


def _least_rows(family: Family, generation: Generation, size: Size) -> int:
    """Return the tokens of the largest vocabulary of a size with rows of its own; 0 if unknown.

    Fine-tuners trim padding, never the vocabulary itself; of what was published with fewer rows it
    is no matter.
    """
    shipped = [one for one in family.tokenizers if generation.key in one.generations]
    counts = [one.base_entries or 0 for one in shipped]
    most = max((one for one in counts if one <= (size.vocab_rows or 0)), default=0)
    for one in family.exemplars if most else ():
        stated = [one.traits.get(f"architecture.{name}") for name in ("layers", "hidden_size")]
        rows = one.traits.get("architecture.vocab_rows")
        same = one.generation == generation.key and stated == [size.layers, size.hidden_size]
        most = min(most, rows) if same and isinstance(rows, int) else most
    return most


def _compare(stated: Stated, seen: Mapping[str, int | None]) -> str | None:
    """Return the only field that may differ, `layers`, or "" where none does; None for others.

    At least two fields have to be equal.
    """
    differing, equal = "", 0
    for name, value in stated:
        found = seen[name]
        if found is None:
            continue
        if name == "vocab_rows" and abs(found - value) <= max(512, 0.02 * value):
            continue
        if found == value:
            equal += 1
        elif name == "layers":
            differing = name
        else:
            return None
    return differing if equal >= 2 else None
