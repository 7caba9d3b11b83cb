"""An adapter by its base: whom it names, and what of the adapter fits that model.

An adapter has no design of its own. The trainer writes the name of its base beside it, which is a
declaration of that file and no name that somebody gave a repository; the matrices show the widths
of the base, the targets its modules. What is declared gives the family where nothing better does,
and what can be checked of it decides how far it is believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from famtree.checkpoint.bases import Base, find_base
from famtree.checkpoint.declaration import DeclaredBase, find_declaration
from famtree.checkpoint.gathered import Gathered
from famtree.fingerprints.adapter import (
    AdapterShapes,
    describe_adapter,
    find_conflicts,
    observe_adapter,
    read_adapter_config,
)
from famtree.registry.registry import Registry
from famtree.types.adapter import Adapter
from famtree.types.family import Family, Generation, Size
from famtree.types.identification import Evidence, Notice
from famtree.types.traits import Traits

if TYPE_CHECKING:
    from famtree.types.fingerprint import Fingerprint

BELIEF = {"record": 0.92, "repository": 0.92, "words": 0.87}
"""Belief in the family of a base whose widths the adapter has, by how the base's name is known.
Trainers write the name themselves; what is left are renamed folders and bases that were replaced
by another of equal widths."""
UNSEEN = {"record": 0.88, "repository": 0.88, "words": 0.82}
"""The same where no matrix was read. Of 22 labelled adapters every base so named was of the family
that its name says, 8 of them told by words alone: (n + 1) / (n + 2), the less for the few."""
SUPPORTED = 0.04
"""More, where tokenizer, targets or task are seen and fit."""
DOUBTED = 0.5
"""Share of the belief that one of them leaves which does not fit."""
_TRAINERS = ("peft", "diffusers")
"""Libraries that write the card of an adapter themselves, and its base into it."""
FEWEST = 2
"""So many equal widths make a check; a single one is shared by unrelated models."""
_WIDTHS = ("hidden_size", "ffn", "layers")


class AdapterFinding(Struct, frozen=True):
    """The adapter, and the family that its base has, as far as it is told."""

    adapter: Adapter
    family: Family | None = None
    generation: Generation | None = None
    belief: float = 0.0
    hidden_size: int | None = None
    """Of the base, as the matrices show it or as it is on record."""
    vocab_rows: int | None = None
    evidence: tuple[Evidence, ...] = ()
    notices: tuple[Notice, ...] = ()


def examine_adapter(
    found: Gathered, registry: Registry, fingerprint: Fingerprint
) -> AdapterFinding | None:
    """Return what is known of the adapter; None for a checkpoint that is none.

    `fingerprint` is of everything beside it.
    """
    shapes = observe_adapter(found.index.tensors.values())
    config = read_adapter_config(found.side_files.get("adapter_config.json"))
    adapter = describe_adapter(shapes, config)
    if adapter is None:
        return None
    declaration = find_declaration(found)
    width = next(iter(shapes.widths.get("hidden_size", ())), None) if shapes is not None else None
    if declaration is None:
        return AdapterFinding(adapter, hidden_size=width)
    adapter = adapter.model_copy(
        update={"base": declaration.base, "base_source": declaration.source}
    )
    base = find_base(declaration.base, registry)
    if base is None:
        return AdapterFinding(adapter, hidden_size=width)
    adapter = _count_added_rows(adapter, base)
    conflicts, fitting = _compare_widths(shapes, base, registry) if shapes is not None else ([], ())
    if conflicts:
        return _contradict(adapter, conflicts, declaration)
    if fitting:
        adapter = adapter.model_copy(update={"base_check": "consistent"})
    traits = base.facts.traits if base.facts is not None else {}
    finding = AdapterFinding(
        adapter,
        registry.by_key[base.family],
        _choose_generation(base, fitting, registry),
        (BELIEF if fitting else UNSEEN)[base.known_by],
        width or _number(traits, "hidden_size"),
        _number(traits, "vocab_rows"),
        (_tell_widths(declaration),) if fitting else (),
    )
    written = found.listing.card.get("library_name") in _TRAINERS
    if declaration.source != "adapter_config.json" and not fitting and not written:
        return AdapterFinding(adapter, hidden_size=width)  # a card's word alone settles nothing
    from famtree.checkpoint.adapter_fit import list_fits

    return _weigh(finding, list_fits(adapter, config or {}, fingerprint, base, registry))


def _count_added_rows(adapter: Adapter, base: Base) -> Adapter:
    rows = _number(base.facts.traits, "vocab_rows") if base.facts is not None else None
    if not rows or not adapter.vocab_rows or adapter.vocab_rows <= rows:
        return adapter
    return adapter.model_copy(update={"added_rows": adapter.vocab_rows - rows})


def _compare_widths(
    shapes: AdapterShapes, base: Base, registry: Registry
) -> tuple[list[str], tuple[str, ...]]:
    """Return (widths that the base has not, generations of it that have all).

    Of a base that is not on record the official sizes stand for it; both are empty where too little
    could be compared.
    """
    if base.facts is not None:
        conflicts, compared = find_conflicts(shapes, _widths_of(base.facts.traits))
        return conflicts, base.generations if compared >= FEWEST and not conflicts else ()
    fitting, checked = [], 0
    for key in base.generations:
        generation = registry.find_generation(base.family, key)
        sizes = generation.sizes if generation else []
        judged = [find_conflicts(shapes, _widths_of_size(size)) for size in sizes]
        enough = [conflicts for conflicts, compared in judged if compared >= FEWEST]
        checked += bool(enough)
        if any(not conflicts for conflicts in enough):
            fitting.append(key)
    if checked == len(base.generations) and not fitting:
        names = ", ".join(f"{base.family}/{key}" for key in base.generations)
        return [f"widths that no official size of {names} has"], ()
    return [], tuple(fitting)


def _choose_generation(
    base: Base, fitting: tuple[str, ...], registry: Registry
) -> Generation | None:
    left = fitting or base.generations
    return registry.find_generation(base.family, left[0]) if len(left) == 1 else None


def _weigh(finding: AdapterFinding, fits: list[Evidence]) -> AdapterFinding:
    belief = finding.belief
    if any(one.supports for one in fits):
        belief += SUPPORTED
    for one in fits:
        belief *= 1 if one.supports else DOUBTED
    odd = [one for one in fits if not one.supports]
    notices = [
        Notice.model_construct(
            code="base-doubted",
            message=f"{finding.adapter.base_source} names {finding.adapter.base} as base model, "
            f"but {one.signal} is {one.seen}, where that has {one.expected}",
        )
        for one in odd
    ]
    return replace(
        finding,
        belief=round(belief, 4),
        evidence=(*finding.evidence, *fits),
        notices=(*finding.notices, *notices),
    )


def _tell_widths(declaration: DeclaredBase) -> Evidence:
    return Evidence.model_construct(
        signal="adapter.widths",
        source="header",
        expected=f"the widths of {declaration.base}",
        seen="the same",
        supports=True,
        weight=0.0,
    )


def _contradict(
    adapter: Adapter, conflicts: list[str], declaration: DeclaredBase
) -> AdapterFinding:
    adapter = adapter.model_copy(update={"base_check": "contradicted", "base_conflicts": conflicts})
    notice = Notice.model_construct(
        code="base-contradicted",
        message=f"{declaration.source} names {declaration.base} as base model, but the adapter "
        f"has {conflicts[0]}",
    )
    evidence = Evidence.model_construct(
        signal="adapter.widths",
        source="header",
        expected=f"the widths of {declaration.base}",
        seen="; ".join(conflicts),
        supports=False,
        weight=0.0,
    )
    return AdapterFinding(adapter, evidence=(evidence,), notices=(notice,))


def _widths_of(traits: Traits) -> dict[str, int]:
    stated = {name: _number(traits, name) for name in _WIDTHS}
    width = _number(traits, "head_dim")
    for name, heads in (("attention_width", "heads"), ("kv_width", "kv_heads")):
        count = _number(traits, heads)
        stated[name] = count * width if count and width else None
    return {name: value for name, value in stated.items() if value is not None}


def _widths_of_size(size: Size) -> dict[str, int]:
    stated = {name: getattr(size, name) for name in _WIDTHS}
    return {name: value for name, value in stated.items() if value is not None}


def _number(traits: Traits, name: str) -> int | None:
    trait = traits.get(f"architecture.{name}")
    return trait.value if trait is not None and type(trait.value) is int else None
