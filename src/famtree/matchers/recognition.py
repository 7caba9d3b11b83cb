"""Does every family know its own published checkpoints, and leave its neighbours' alone?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from pydantic import ValidationError

from famtree.errors import RegistryError
from famtree.fingerprints.from_traits import fingerprint_traits
from famtree.matchers.classify import Classification, classify
from famtree.matchers.observation import observe
from famtree.registry.check import check_registry
from famtree.registry.load import load_registry
from famtree.registry.parse import GENERIC
from famtree.registry.places import Places, find_places, list_places, load_places
from famtree.registry.registry import Registry
from famtree.types.family import Exemplar, Family


def check_families(folder: Path | None, places: Places) -> list[str]:
    """Return every fault of the registry in `folder`, or of famtree's own under `places`.

    A `folder` without general knowledge is laid over famtree's own before `places`.
    """
    if folder is not None and (folder / GENERIC).exists():
        known = load_registry()
        return check_registry(folder) or [
            *check_recognition(whole := load_registry(folder)),
            *list_losses(known, whole),
        ]
    asked = [*([] if folder is None else [folder]), *list_places(places)]
    try:
        known = load_places(find_places(asked))
    except RegistryError as fault:
        return fault.faults
    return check_registry() or check_recognition(known) + list_losses(load_registry(), known)


def check_recognition(registry: Registry) -> list[str]:
    """Return a fault for every exemplar that is not recognised by the rules alone."""
    faults: list[str] = []
    plain = without_digests(registry)
    for family in registry.families:
        for exemplar in family.exemplars:
            faults += [
                f"{family.key}.toml: exemplar {exemplar.repo}: {reason}"
                for reason in judge_exemplar(family, exemplar, plain)
            ]
    return faults


def list_losses(before: Registry, after: Registry) -> list[str]:
    """Return a line for every exemplar of `before` that `after` answers otherwise.

    Exemplars of families whose key `after` has for another file are left to that file.
    """
    if after.families == before.families:
        return []
    told = []
    plain, laid_over = without_digests(before), without_digests(after)
    for family in before.families:
        if after.by_key.get(family.key) != family:
            continue
        for exemplar in family.exemplars:
            old, new = (
                _name(classify_traits(exemplar.traits, known)) for known in (plain, laid_over)
            )
            if old != new:
                told.append(f"{family.key}.toml: exemplar {exemplar.repo}: {old} before, now {new}")
    return told


def _name(result: Classification) -> str:
    if result.family is None:
        return result.outcome
    generation = f"/{result.generation.key}" if result.generation else ""
    return f"{result.outcome} as {result.family.key}{generation}"


def judge_exemplar(family: Family, exemplar: Exemplar, registry: Registry) -> Iterator[str]:
    """Yield what is wrong with the answer to one exemplar."""
    try:
        result = classify_traits(exemplar.traits, registry)
    except ValidationError as fault:
        yield f"traits: {fault.errors()[0]['loc']}: {fault.errors()[0]['msg']}"
        return
    right = set(exemplar.answers(family.key))
    wanted = f"{family.key}/{exemplar.generation}"
    if result.family is None:
        if not right & {(one.family, one.generation) for one in result.candidates}:
            yield f"{result.outcome} instead of {wanted}"
    elif result.generation is not None:
        if (result.family.key, result.generation.key) not in right:
            yield f"taken for {result.family.key}/{result.generation.key} ({result.confidence})"
    elif not right & {(one.family, one.generation) for one in result.candidates}:
        yield f"ambiguous, and {wanted} is not among the candidates"


def classify_traits(traits: Mapping[str, Any], registry: Registry) -> Classification:
    """Classify a fingerprint that shows exactly these traits."""
    return classify(observe(fingerprint_traits(traits), registry.generic), registry)


def without_digests(registry: Registry) -> Registry:
    """Return the registry with exemplar digests hidden, so that only the rules can speak."""
    return replace(
        registry,
        families=tuple(
            replace(family, exemplars=[replace(one, digests={}) for one in family.exemplars])
            for family in registry.families
        ),
    )


def without_exemplar(registry: Registry, repo: str) -> Registry:
    """Return the registry as if the checkpoint `repo` had never been recorded."""
    return replace(
        registry,
        families=tuple(
            replace(family, exemplars=[one for one in family.exemplars if one.repo != repo])
            for family in registry.families
        ),
    )
