"""A fingerprint from recorded traits: exemplars of the registry, and perturbed copies of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from famtree.fingerprints.architecture import DIGESTED as ARCHITECTURE_DIGESTED
from famtree.fingerprints.digest import digest
from famtree.fingerprints.recipe import DIGESTED as RECIPE_DIGESTED
from famtree.types.fingerprint import Architecture, Fingerprint, Recipe, Tokenizer


def fingerprint_traits(traits: Mapping[str, Any]) -> Fingerprint:
    """Build the fingerprint whose known traits are exactly `traits` (dotted name to value).

    Raises pydantic's ValidationError when a name or type is wrong.
    """
    parts: dict[str, dict[str, Any]] = {"architecture": {}, "tokenizer": {}, "recipe": {}}
    for name, value in traits.items():
        section, _, field = name.partition(".")
        parts.setdefault(section, {})[field] = list(value) if isinstance(value, tuple) else value
    architecture, recipe, tokenizer = (
        parts["architecture"],
        parts["recipe"],
        parts["tokenizer"],
    )
    return Fingerprint(
        architecture=Architecture(
            digest=digest({name: architecture.get(name) for name in ARCHITECTURE_DIGESTED}),
            seen_in={name: ["config"] for name in architecture},
            **architecture,
        ),
        tokenizer=Tokenizer(digest=digest(tokenizer), **tokenizer) if tokenizer else None,
        recipe=Recipe(
            digest=digest({name: recipe.get(name) for name in RECIPE_DIGESTED}),
            seen_in={name: ["config"] for name in recipe},
            **recipe,
        ),
    )
