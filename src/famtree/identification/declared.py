"""What a checkpoint says of itself where its own design settles nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from famtree.checkpoint.adapter import UNSEEN
from famtree.checkpoint.bases import find_base
from famtree.checkpoint.composition import list_parts
from famtree.checkpoint.declaration import (
    describe_declaration,
    explain_absence,
    find_architecture,
    find_declaration,
    list_declared,
)
from famtree.types.identification import Candidate, Evidence, Notice

if TYPE_CHECKING:
    from famtree.checkpoint.adapter import AdapterFinding
    from famtree.checkpoint.findings import Findings
    from famtree.lineage.trace import Trace
    from famtree.registry.registry import Registry
    from famtree.types.family import Family, Generation

OPENED_BELIEF = 0.9
"""Belief in the family of a base that was opened, whose files show it."""


class Told(Struct):
    """Candidates, evidence and reason that rest on a declaration."""

    candidates: list[Candidate] = []
    evidence: list[Evidence] = []
    reason: str | None = None


class Declared(Struct):
    """A family that rests on what the checkpoint's own files declare."""

    family: Family
    generation: Generation | None
    belief: float
    told: Told


def settle_by_declaration(findings: Findings, trace: Trace, registry: Registry) -> Declared | None:
    """Return the family of an adapter's base, or of the language model that a config loads.

    None where the family rests on something better, or nothing is known of what is declared.
    """
    adapted = choose_adapted(findings, trace, registry)
    if adapted is not None and adapted.family is not None:
        return Declared(adapted.family, adapted.generation, adapted.belief, hear_base(adapted))
    if findings.result.outcome != "unknown" and not findings.found.config:
        return _choose_by_header(findings, registry)
    if findings.result.outcome != "unknown" or findings.kind != "model":
        return None
    parts = list_parts(findings.found.config)
    name = next((part.parent for part in parts if part.role == "language model"), None)
    base = find_base(name, registry) if name is not None else None
    if base is None:
        return None
    generation = (
        registry.find_generation(base.family, base.generations[0])
        if len(base.generations) == 1
        else None
    )
    belief = UNSEEN[base.known_by]
    reason = f"config.json loads {name} as its language model, which nothing here can check"
    candidate = _declare(base.family, generation, belief)
    family = registry.by_key[base.family]
    return Declared(family, generation, belief, Told(candidates=[candidate], reason=reason))


def _choose_by_header(findings: Findings, registry: Registry) -> Declared | None:
    """Return the one of the designs that the tensors leave open which the header names.

    An adapter's tensors leave open too what is on record as hard to tell from their design.
    """
    stated = find_architecture(findings.found)
    named = list_declared(stated, registry)
    left = {(one.family, one.generation) for one in findings.result.candidates}
    settled = findings.result.generation
    if settled is not None:
        pairs = (one.partition("/") for one in settled.hard_to_tell_from)
        left |= {(family, key) for family, _, key in pairs}
    chosen = [one for one in named if (one.family, one.generation) in left]
    if stated is None or len(chosen) != 1 or chosen[0].generation is None:
        return None
    family, key = chosen[0].family, chosen[0].generation
    if settled is not None and (settled.key == key or findings.kind != "adapter"):
        return None
    generation, belief = registry.find_generation(family, key), UNSEEN["words"]
    told = Told(
        candidates=[_declare(family, generation, belief)],
        evidence=[describe_declaration(stated, chosen)],
        reason=f"the tensors fit {len(left)} designs, and {stated.source} names {stated.base}",
    )
    return Declared(registry.by_key[family], generation, belief, told)


def warn_of_header(findings: Findings, family: Family | None, registry: Registry) -> list[Notice]:
    """Return a warning where the answer is another family than the header names."""
    stated = find_architecture(findings.found)
    named = {one.family for one in list_declared(stated, registry)}
    if stated is None or family is None or not named or family.key in named:
        return []
    message = f"{stated.source} names {stated.base}, the tensors are those of {family.name}"
    return [Notice.model_construct(code="header-disagrees", message=message)]


def _declare(family: str, generation: Generation | None, belief: float) -> Candidate:
    return Candidate.model_construct(
        family=family,
        generation=generation.key if generation else None,
        name=generation.name if generation else None,
        score=belief,
        decided_by="declared",
    )


def choose_adapted(findings: Findings, trace: Trace, registry: Registry) -> AdapterFinding | None:
    """Return the adapter with its base's family: as its own files show it where it was opened.

    None where the family rests on something better, or nothing is known of the base.
    """
    told = findings.adapted
    if findings.adapter is None or (told is None and findings.settled):
        return None
    for step in trace.walk.steps.get(trace.walk.start, ()):
        facts = trace.walk.nodes.get(step.parent)
        if step.relation != "adapter" or step.status == "contradicted" or facts is None:
            continue
        if facts.format is None or facts.family is None:  # on record, which was heard already
            continue
        if told is not None and told.family is not None and told.family.key == facts.family:
            return replace(told, belief=max(told.belief, OPENED_BELIEF))
        return replace(
            findings.adapter,
            family=registry.by_key[facts.family],
            generation=registry.find_generation(facts.family, facts.generation or ""),
            belief=OPENED_BELIEF,
        )
    return told


def hear_base(adapted: AdapterFinding) -> Told:
    """Return what the base of an adapter tells."""
    adapter, family, generation = adapted.adapter, adapted.family, adapted.generation
    if family is None:
        return Told()
    seen = [one.signal for one in adapted.evidence if one.supports]
    checked = f"; it fits by {', '.join(seen)}" if seen else ", which nothing here can check"
    if adapter.base_check == "consistent":
        checked = ", and the adapter has its widths"
    return Told(
        candidates=[_declare(family.key, generation, adapted.belief)],
        evidence=list(adapted.evidence),
        reason=f"{adapter.base_source} names {adapter.base} as base model{checked}",
    )


def hear_declaration(findings: Findings, registry: Registry) -> Told:
    """Return what is listed, and settles nothing, of a checkpoint without config.json."""
    found = findings.found
    if found.config or findings.result.outcome != "unknown":
        return Told()
    declaration = find_declaration(found) or find_architecture(found)
    declared = list_declared(declaration, registry)
    adapted = findings.adapter
    refuted = adapted is not None and adapted.adapter.base_check == "contradicted"
    if refuted:
        declared = []
    return Told(
        candidates=declared,
        evidence=[describe_declaration(declaration, declared)] if declaration else [],
        reason=found.explanation or explain_absence(found, declaration, declared, refuted=refuted),
    )
