"""An adapter by its base: whom it names, and whether its shapes fit that model.

An adapter has no design of its own. The trainer writes the name of its base beside it; the
matrices show the widths of that base. A base that is on record and has these widths gives the
family. A name alone is a claim and settles nothing (`declaration`).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from famtree.checkpoint.declaration import DeclaredBase, find_declaration
from famtree.checkpoint.facts import NodeFacts
from famtree.checkpoint.gathered import Gathered
from famtree.checkpoint.records import find_known, find_named
from famtree.fingerprints.adapter import (
    AdapterShapes,
    describe_adapter,
    find_conflicts,
    observe_adapter,
)
from famtree.matchers.names import find_claims
from famtree.registry.registry import Registry
from famtree.types.adapter import Adapter
from famtree.types.family import Family, Generation, Size
from famtree.types.identification import Evidence, Notice
from famtree.types.traits import Traits

RECORDED_BELIEF = 0.9
"""Belief in the family of a base that is on record and whose widths the adapter has.
Trainers write the name themselves; what is left are renamed folders and bases that were replaced
by another of equal widths."""
NAMED_BELIEF = 0.75
"""The same where only the words of the name, and an official size of these widths, speak."""
FEWEST = 2
"""So many equal widths make a check; a single one is shared by unrelated models."""
_WIDTHS = ("hidden_size", "ffn", "layers")


class AdapterFinding(Struct, frozen=True):
    """The adapter, and the family that its base has, where it could be checked."""

    adapter: Adapter
    family: Family | None = None
    generation: Generation | None = None
    belief: float = 0.0
    evidence: tuple[Evidence, ...] = ()
    notices: tuple[Notice, ...] = ()


def examine_adapter(found: Gathered, registry: Registry) -> AdapterFinding | None:
    """Return what is known of the adapter; None for a checkpoint that is none."""
    shapes = observe_adapter(found.index.tensors.values())
    config = found.side_files.get("adapter_config.json")
    adapter = describe_adapter(shapes, config if isinstance(config, Mapping) else None)
    if adapter is None:
        return None
    declaration = find_declaration(found)
    if declaration is None:
        return AdapterFinding(adapter)
    adapter = adapter.model_copy(
        update={"base": declaration.base, "base_source": declaration.source}
    )
    if shapes is None:
        return AdapterFinding(adapter)
    known = find_known(declaration.base, registry) or find_named(declaration.base, registry)
    if known is not None:
        return _check(adapter, shapes, known, declaration, registry)
    return _check_names(adapter, shapes, declaration, registry)


def _check(
    adapter: Adapter,
    shapes: AdapterShapes,
    base: NodeFacts,
    declaration: DeclaredBase,
    registry: Registry,
) -> AdapterFinding:
    conflicts, compared = find_conflicts(shapes, _widths_of(base.traits))
    rows = _number(base.traits, "vocab_rows")
    if rows and adapter.vocab_rows and adapter.vocab_rows > rows:
        adapter = adapter.model_copy(update={"added_rows": adapter.vocab_rows - rows})
    if conflicts:
        return _contradict(adapter, conflicts, declaration)
    if compared < FEWEST:
        return AdapterFinding(adapter)
    return _agree(
        adapter,
        registry.by_key.get(base.family or ""),
        registry.find_generation(base.family or "", base.generation or ""),
        RECORDED_BELIEF,
        declaration,
    )


def _check_names(
    adapter: Adapter, shapes: AdapterShapes, declaration: DeclaredBase, registry: Registry
) -> AdapterFinding:
    """Take the families that the name mentions whose official sizes have these widths."""
    fitting: list[tuple[str, str]] = []
    claims = find_claims(declaration.own_name, registry)
    checked = 0
    for family, key in claims:
        generation = registry.find_generation(family, key)
        sizes = generation.sizes if generation else []
        judged = [find_conflicts(shapes, _widths_of_size(size)) for size in sizes]
        enough = [conflicts for conflicts, compared in judged if compared >= FEWEST]
        checked += bool(enough)
        if any(not conflicts for conflicts in enough):
            fitting.append((family, key))
    if claims and checked == len(claims) and not fitting:
        names = ", ".join(f"{family}/{key}" for family, key in claims)
        return _contradict(adapter, [f"widths that no official size of {names} has"], declaration)
    families = {family for family, _ in fitting}
    if len(families) != 1 or {family for family, _ in claims} != families:
        return AdapterFinding(adapter)
    family = families.pop()
    generation = registry.find_generation(*fitting[0]) if len(fitting) == 1 else None
    return _agree(adapter, registry.by_key[family], generation, NAMED_BELIEF, declaration)


def _agree(
    adapter: Adapter,
    family: Family | None,
    generation: Generation | None,
    belief: float,
    declaration: DeclaredBase,
) -> AdapterFinding:
    adapter = adapter.model_copy(update={"base_check": "consistent"})
    if family is None:
        return AdapterFinding(adapter)
    evidence = Evidence.model_construct(
        signal="adapter.widths",
        source="header",
        expected=f"the widths of {declaration.base}",
        seen="the same",
        supports=True,
        weight=0.0,
    )
    return AdapterFinding(adapter, family, generation, belief, (evidence,))


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
