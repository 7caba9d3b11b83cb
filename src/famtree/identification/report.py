"""Put findings into the published document, with warnings and one sentence of reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree import __version__
from famtree.checkpoint.consistency.consult import list_unchecked
from famtree.checkpoint.declaration import DECLARED_BELIEF
from famtree.checkpoint.findings import Findings
from famtree.checkpoint.node import checkpoint_name
from famtree.fingerprints.defaults import known_model_type
from famtree.identification.declared import Told, hear_declaration, settle_by_declaration
from famtree.identification.measure import makes_embeddings, measure
from famtree.identification.towers import find_components
from famtree.lineage.document import summarise_lineage
from famtree.matchers.confidence import DISPUTED_FACTOR
from famtree.matchers.names import find_claims, is_disputed, order_by_claims, warn_of_claims
from famtree.matchers.variant import find_variant
from famtree.registry.registry import Registry
from famtree.types.identification import (
    CheckpointSummary,
    CostReport,
    FamilyName,
    GenerationName,
    Identification,
    Notice,
    Target,
)

if TYPE_CHECKING:
    from famtree.checkpoint.checkpoint import Checkpoint
    from famtree.lineage.trace import Trace
    from famtree.types.family import Generation


def report_identification(checkpoint: Checkpoint, trace: Trace, cost: CostReport) -> Identification:
    """Return the document of the contract; `trace` is the checkpoint's ancestry."""
    source, registry, findings = checkpoint.source, checkpoint.registry, checkpoint.findings
    result, fingerprint = findings.result, findings.fingerprint
    name = checkpoint_name(source.ref)
    claims = find_claims(name, registry)
    declared = settle_by_declaration(findings, trace, registry)
    told = declared.told if declared else hear_declaration(findings, registry)
    candidates = told.candidates or order_by_claims(result.candidates, claims)
    size, parameters = measure(findings, registry, settled=declared is None)
    warnings = list(findings.found.notices)
    best = None if declared else result.best
    warnings += checkpoint.contradictions
    if not declared:
        warnings += warn_of_claims(name, claims, result)
        warnings += _warn_of_conflicts(findings)
        warnings += _warn_of_shape(findings, parameters)
    family = declared.family if declared else result.family
    generation = declared.generation if declared else result.generation
    confidence = result.confidence * (DISPUTED_FACTOR if is_disputed(claims, result) else 1.0)
    if declared:
        confidence = declared.belief
    elif told.candidates:
        confidence = min(confidence, DECLARED_BELIEF)
    if findings.adapter is not None:
        warnings += findings.adapter.notices
    outcome = "identified" if declared else result.outcome
    return Identification.model_construct(
        famtree=__version__,
        checkpoint=CheckpointSummary.model_construct(
            ref=source.ref.text,
            source="gguf" if source.ref.file and findings.found.form.alone else source.kind,
            revision=findings.found.listing.revision,
            format=findings.found.form.name,
            weights_read=any(
                side.bytes_planned for proof in trace.proofs.values() for side in proof.sides
            ),
        ),
        kind=findings.kind,
        for_=_describe_target(findings, family.key if family else None, generation),
        outcome=outcome,
        unknown_because=findings.unknown_because if outcome == "unknown" else None,
        reason=_explain(findings, told, registry),
        family=FamilyName.model_construct(key=family.key, name=family.name, maker=family.maker)
        if family
        else None,
        generation=GenerationName.model_construct(key=generation.key, name=generation.name)
        if generation
        else None,
        candidates=candidates,
        decided_by=best.decided_by if best else "declared" if declared else None,
        confidence=round(confidence, 4),
        parameters=parameters,
        size=size,
        variant=find_variant(fingerprint, result, embeds=makes_embeddings(findings))
        if findings.target is None
        else None,
        wrapper=findings.wrapper,
        components=[*findings.components, *find_components(findings, registry)],
        fingerprint=fingerprint,
        quantization=findings.quantization,
        adapter=findings.adapter.adapter if findings.adapter else None,
        pickled=findings.found.pickled,
        completeness=findings.completeness,
        lineage=summarise_lineage(trace),
        evidence=result.evidence + told.evidence,
        warnings=[*warnings, *trace.walk.notices],
        registry=registry.knowledge,
        unchecked=list_unchecked(findings),
        cost=cost,
    )


def _explain(findings: Findings, told: Told, registry: Registry) -> str:
    """Return what the checkpoint is where it is no model by itself, else what decided."""
    what, best = findings.found.explanation, findings.result.best
    if told.reason is not None or (what is not None and best is None):
        return told.reason or what or ""
    decided = explain(findings, registry)
    return f"{what}; {decided}" if what is not None and findings.kind == "pipeline" else decided


def _describe_target(
    findings: Findings, family: str | None, generation: Generation | None
) -> Target | None:
    """Return what a draft head guesses for, or an adapter is added to."""
    if findings.adapter is None:
        return findings.target
    return Target.model_construct(
        family=family,
        generation=generation.key if generation else None,
        hidden_size=findings.adapter.hidden_size,
        vocab_rows=findings.adapter.vocab_rows,
        layout=findings.adapter.adapter.method,
    )


def explain(findings: Findings, registry: Registry) -> str:
    """Return one sentence: what decided, or why nothing could."""
    result = findings.result
    best = result.best
    if best is not None:
        strongest = [one.signal for one in result.evidence if one.supports and one.weight > 0][:3]
        spoke = ", ".join(dict.fromkeys(strongest)) or "nothing in particular"
        if result.generation is not None:
            return f"decided by {best.decided_by}: {spoke}"
        names = ", ".join(str(one.generation) for one in result.candidates)
        return f"the family is settled by {spoke}; these generations show the same traits: {names}"
    alike = result.contradicted
    if alike is not None:
        told = ", ".join(dict.fromkeys(alike.conflicts))
        return f"it looks like {alike.generation.name}, but {told} are none of its members'"
    architecture = findings.fingerprint.architecture
    if result.nested is not None:
        return (
            f"model_type {architecture.wrapper!r} is known neither by itself nor as a chat model "
            f"over a decoder: what it nests, {result.nested.family.name}, is a part of it"
        )
    model_type = architecture.text_model_type or architecture.model_type
    if result.outcome == "ambiguous":
        names = ", ".join(dict.fromkeys(one.family for one in result.candidates))
        return f"several families fit about equally: {names}"
    if model_type is None:
        return "config.json names no model_type, and no known design fits what it does say"
    mentioned = {
        family.key
        for family, generation in registry.walk_generations()
        for rule in generation.rules
        if any(
            condition.equals == model_type or model_type in (condition.one_of or ())
            for trait, condition in rule.when.items()
            if trait.endswith("model_type")
        )
    }
    if mentioned:
        return (
            f"model_type {model_type!r} is used by known families "
            f"({', '.join(sorted(mentioned)[:6])}), but too little else fits any of them"
        )
    known = known_model_type(model_type, architecture.class_name)
    if known is not None:
        return f"transformers knows model_type {known!r}; the registry has no such family yet"
    return f"model_type {model_type!r} is known neither to transformers nor to the registry"


def _warn_of_conflicts(findings: Findings) -> list[Notice]:
    warnings: list[Notice] = []
    best = findings.result.best or findings.result.contradicted
    if best is not None:
        by_signal = {one.signal: one for one in findings.result.evidence}
        for signal in dict.fromkeys(best.conflicts):
            one = by_signal[signal]
            warnings.append(
                Notice.model_construct(
                    code="identity-conflict",
                    message=f"{signal} is {one.seen}, where {best.family.name} "
                    f"{best.generation.name} has {one.expected}",
                )
            )
    return warnings


def _warn_of_shape(findings: Findings, parameters: int | None) -> list[Notice]:
    best = findings.result.best
    if best is None or best.size is None or not best.size.custom:
        return []
    about = f", about {parameters / 1e9:.2g} B parameters" if parameters else ""
    return [
        Notice.model_construct(
            code="custom-size",
            message=f"custom size: no official size of {best.family.name} "
            f"{best.generation.name} has this shape{about}",
        )
    ]
