"""A draft head by its target: what it guesses for, which is never what it is."""

from __future__ import annotations

from famtree.checkpoint.bases import find_base
from famtree.checkpoint.declaration import find_declaration
from famtree.checkpoint.gathered import Gathered
from famtree.fingerprints.draft_heads import DraftHead
from famtree.registry.conditions import fits
from famtree.registry.registry import Registry
from famtree.types.family import Generation
from famtree.types.identification import Target

CONFIDENCE = 0.95
"""That it is a head, and has no family: class, keys or tensors of a method are no model's."""


def describe_head(head: DraftHead) -> str:
    """Return one sentence: what it is, and for what."""
    layers = f" of {head.layers} layer{'s' * (head.layers != 1)}" if head.layers else ""
    told = [
        f"{word} {number:,}"
        for word, number in (("hidden size", head.hidden_size), ("vocabulary", head.vocab_rows))
        if number is not None
    ]
    of = f" for a target of {', '.join(told)}" if told else ""
    return f"{head.method} draft head{layers}{of}; a head has no family of its own"


def find_target(head: DraftHead, found: Gathered, registry: Registry) -> Target:
    """Return what the head guesses for: the target that is named, else the only one that fits."""
    declaration = find_declaration(found)
    names = [head.target, declaration.base if declaration is not None else None]
    bases = [find_base(name, registry) for name in names if name]
    base = next((one for one in bases if one is not None), None)
    if base is not None:
        fitting = [(base.family, key) for key in base.generations]
    else:
        fitting = _list_fitting(head, registry)
    families = list(dict.fromkeys(family for family, _ in fitting))
    return Target.model_construct(
        family=families[0] if len(families) == 1 else None,
        generation=fitting[0][1] if len(fitting) == 1 else None,
        hidden_size=head.hidden_size,
        vocab_rows=head.vocab_rows,
        layout=head.method,
    )


def _list_fitting(head: DraftHead, registry: Registry) -> list[tuple[str, str]]:
    """Return the generations with an official size of this width and a vocabulary of these rows."""
    if head.hidden_size is None or head.vocab_rows is None:
        return []
    return [
        (family.key, generation.key)
        for family, generation in registry.walk_generations()
        if _fits(generation, head.hidden_size, head.vocab_rows)
    ]


def _fits(generation: Generation, width: int, rows: int) -> bool:
    sizes = [one for one in generation.sizes if one.hidden_size == width]
    stated = [
        rule.when["architecture.vocab_rows"]
        for rule in generation.rules
        if "architecture.vocab_rows" in rule.when
    ]
    own = any(one.vocab_rows == rows for one in sizes)
    return bool(sizes) and (own or any(fits(one, rows) for one in stated))
