"""A fingerprint as a flat map of dotted trait names, the language of rules and evidence."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from famtree.types.fingerprint import Architecture, Fingerprint, Recipe, Tokenizer

Value = bool | int | float | str | tuple[bool | int | float | str, ...]

_NOT_TRAITS = frozenset(
    {
        "digest",
        "seen_in",
        "disagreements",
        "reason",
        "status",
        "files",
        "sketch",
        "special_tokens",
        "special_ids",
        "prefix",
        "generation",
    }
)


class Trait(Struct, frozen=True):
    """One observed value and the most trusted place it was seen in."""

    value: Value
    source: str


Traits = Mapping[str, Trait]


def trait_names() -> frozenset[str]:
    """Return every trait name a rule may use."""
    sections = (("architecture", Architecture), ("tokenizer", Tokenizer), ("recipe", Recipe))
    return frozenset(
        f"{section}.{name}"
        for section, model in sections
        for name in model.model_fields
        if name not in _NOT_TRAITS
    )


def flatten(fingerprint: Fingerprint) -> dict[str, Trait]:
    """Return the known traits of `fingerprint`; unknown (None or empty) ones are left out."""
    found: dict[str, Trait] = {}
    sections: tuple[tuple[str, Architecture | Tokenizer | Recipe | None], ...] = (
        ("architecture", fingerprint.architecture),
        ("tokenizer", fingerprint.tokenizer),
        ("recipe", fingerprint.recipe),
    )
    for section, model in sections:
        if model is None:
            continue
        seen_in: dict[str, list[str]] = getattr(model, "seen_in", {})
        for name in type(model).model_fields:
            value = getattr(model, name)
            if name in _NOT_TRAITS or value is None or value == []:
                continue
            source = seen_in.get(name, [section if section == "tokenizer" else "config"])[0]
            stored = tuple(value) if isinstance(value, list) else value
            found[f"{section}.{name}"] = Trait(stored, source)
    return found
