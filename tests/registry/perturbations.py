"""Changes to recorded traits: harmless ones a derivative makes, and ones that take identity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from random import Random
from typing import Any

from famtree.matchers.recognition import without_digests
from famtree.registry.load import load_registry
from famtree.registry.registry import Registry

Traits = dict[str, Any]


@cache
def shipped() -> Registry:
    """Return the shipped registry, loaded once for all tests."""
    return load_registry()


@cache
def shipped_without_digests() -> Registry:
    """Return it without recorded digests, so that only the rules can speak."""
    return without_digests(shipped())


def change_depth(traits: Traits, random: Random) -> None:
    """Drop or stack layers."""
    layers = traits.get("architecture.layers")
    if layers is not None:
        traits["architecture.layers"] = max(1, layers + random.choice([-3, -2, -1, 1, 2, 5]))


def change_width(traits: Traits, random: Random) -> None:
    """Make a size nobody released: more or fewer heads of the same dimension."""
    heads = traits.get("architecture.heads")
    width = traits.get("architecture.hidden_size")
    if heads is None or width is None or width % heads:
        return
    other = heads + random.choice([2, 4, 8])
    traits["architecture.heads"] = other
    traits["architecture.hidden_size"] = width // heads * other
    if traits.get("architecture.kv_heads") == heads:
        traits["architecture.kv_heads"] = other
    if "architecture.ffn" in traits:
        traits["architecture.ffn"] += 256 * random.randint(1, 4)


def change_dtype(traits: Traits, random: Random) -> None:
    """Save in another precision."""
    others = {"float32", "float16", "bfloat16"} - {traits.get("recipe.dtype")}
    traits["recipe.dtype"] = random.choice(sorted(others))


def append_rows(traits: Traits, random: Random) -> None:
    """Append embedding rows for added tokens."""
    if "architecture.vocab_rows" in traits:
        traits["architecture.vocab_rows"] += random.randint(1, 64)


def change_context(traits: Traits, random: Random) -> None:
    """Train on for a longer, or allow a shorter, context."""
    if "recipe.context" in traits:
        traits["recipe.context"] = int(traits["recipe.context"] * random.choice([0.5, 2, 4]))


HARMLESS: dict[str, Callable[[Traits, Random], None]] = {
    "depth": change_depth,
    "width": change_width,
    "dtype": change_dtype,
    "rows": append_rows,
    "context": change_context,
}

DECIDING = (
    "architecture.model_type",
    "architecture.text_model_type",
    "architecture.class_name",
    "architecture.wrapper",
    "architecture.vocab_rows",
    "recipe.rope_theta",
    "recipe.rope_type",
)
"""With the vocabulary itself (`tokenizer.*`), what identity rests on."""


def perturb(traits: Mapping[str, Any], kind: str, seed: str) -> Traits:
    """Return a copy with one kind of harmless change; the same one for the same seed."""
    changed = dict(traits)
    HARMLESS[kind](changed, Random(f"{kind} {seed}"))
    return changed


def remove_deciding(traits: Mapping[str, Any]) -> Traits:
    """Return the traits without those that identity rests on."""
    return {
        name: value
        for name, value in traits.items()
        if name not in DECIDING and not name.startswith("tokenizer.")
    }


def shuffle_deciding(
    traits: Mapping[str, Any], others: Sequence[Mapping[str, Any]], seed: str
) -> Traits:
    """Return the traits with each deciding one taken from another, randomly drawn, checkpoint."""
    random = Random(f"shuffle {seed}")
    changed = remove_deciding(traits)
    for name in DECIDING:
        donors = [other[name] for other in others if name in other]
        if name in traits and donors:
            changed[name] = random.choice(donors)
    return changed
