"""Put findings into the published document, with warnings and one sentence of reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree import __version__
from famtree.checkpoint.consistency.consult import list_unchecked
from famtree.checkpoint.declaration import DECLARED_BELIEF
from famtree.checkpoint.facts import read_license
from famtree.checkpoint.findings import Findings
from famtree.checkpoint.node import checkpoint_name
from famtree.fingerprints.parameters import count_active
from famtree.identification.declared import (
    Told,
    hear_declaration,
    settle_by_declaration,
    warn_of_header,
)
from famtree.identification.doubt import limit_belief
from famtree.identification.measure import makes_embeddings, measure
from famtree.identification.reason import explain, name_signal
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
    from famtree.checkpoint.gathered import Gathered
    from famtree.lineage.trace import Trace
    from famtree.types.family import Family, Generation


def report_identification(checkpoint: Checkpoint, trace: Trace, cost: CostReport) -> Identification:
    """Return the document of the contract; `trace` is the checkpoint's ancestry."""
    source, registry, findings = checkpoint.source, checkpoint.registry, checkpoint.findings
    result, fingerprint = findings.result, findings.fingerprint
    name = checkpoint_name(source.ref)
    claims = find_claims(name, registry)
    declared = settle_by_declaration(findings, trace, registry)
    tie = None if declared else trace.tie
    told = declared.told if declared else hear_declaration(findings, registry)
    if tie is not None:
        told = Told(tie.candidates, [tie.evidence], tie.reason)
    candidates = told.candidates or order_by_claims(result.candidates, claims)
    size, parameters = measure(findings, registry, settled=declared is None)
    warnings = list(findings.found.notices)
    best = None if declared else result.best
    warnings += checkpoint.contradictions
    if not declared:
        warnings += warn_of_claims(name, claims, result)
        warnings += _warn_of_conflicts(findings)
        warnings += _warn_of_shape(findings, parameters)
    settled = declared or tie
    family = settled.family if settled else result.family
    warnings += warn_of_header(findings, family, registry)
    generation = settled.generation if settled else result.generation
    confidence = result.confidence * (DISPUTED_FACTOR if is_disputed(claims, result) else 1.0)
    if settled:
        confidence = settled.belief
    elif told.candidates:
        confidence = min(confidence, DECLARED_BELIEF)
    else:
        confidence = limit_belief(confidence, findings, trace, parameters, registry)
    if findings.adapter is not None:
        warnings += findings.adapter.notices
    outcome = "identified" if settled else result.outcome
    return Identification.model_construct(
        famtree=__version__,
        checkpoint=_summarise(checkpoint, trace),
        kind=findings.kind,
        for_=_describe_target(findings, family, generation, registry),
        outcome=outcome,
        unknown_because=findings.unknown_because if outcome == "unknown" else None,
        reason=explain(findings, told.reason, size, registry),
        family=FamilyName.model_construct(key=family.key, name=family.name, maker=family.maker)
        if family
        else None,
        generation=GenerationName.model_construct(key=generation.key, name=generation.name)
        if generation
        else None,
        candidates=candidates,
        decided_by="declared" if settled else best.decided_by if best else None,
        confidence=round(confidence, 4),
        parameters=parameters,
        active_parameters=count_active(
            findings.found.index,
            findings.quantization,
            fingerprint.architecture,
            findings.found.config,
            parameters,
        ),
        size=size,
        variant=find_variant(fingerprint, result, embeds=makes_embeddings(findings))
        if findings.target is None
        else None,
        wrapper=findings.wrapper,
        components=[*findings.components, *find_components(findings, registry)],
        fingerprint=fingerprint,
        quantization=findings.quantization,
        license=_find_license(findings.found),
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


def _summarise(checkpoint: Checkpoint, trace: Trace) -> CheckpointSummary:
    source, found = checkpoint.source, checkpoint.findings.found
    sizes = [found.plan.sizes.get(name) or 0 for name in found.plan.shards]
    return CheckpointSummary.model_construct(
        ref=source.ref.text,
        source="gguf" if source.ref.file and found.form.alone else source.kind,
        revision=found.listing.revision,
        format=found.form.name,
        weights_read=any(
            side.bytes_planned for proof in trace.proofs.values() for side in proof.sides
        ),
        files=len(sizes) or None,
        bytes=sum(sizes) if sizes and all(sizes) and not found.plan.missing_shards else None,
    )


def _find_license(found: Gathered) -> str | None:
    stated = read_license(found.listing)
    if stated is None:
        header = found.form.list_metadata().get("general.license")
        stated = header.strip().lower()[:64] if isinstance(header, str) else None
    return stated or None


def _describe_target(
    findings: Findings,
    family: Family | None,
    generation: Generation | None,
    registry: Registry,
) -> Target | None:
    """Return what a draft head guesses for, or an adapter is added to."""
    adapter, layout = findings.adapter, findings.found.layout
    if adapter is None and layout is None:
        if (target := findings.target) is None or target.family is None:
            return findings.target
        family = registry.by_key[target.family]
        generation = registry.find_generation(family.key, target.generation or "")
        return target.model_copy(update={"name": (generation or family).name})
    return Target.model_construct(
        family=family.key if family else None,
        generation=generation.key if generation else None,
        hidden_size=(adapter.hidden_size if adapter is not None else None)
        or findings.fingerprint.architecture.hidden_size,
        vocab_rows=adapter.vocab_rows if adapter is not None else None,
        name=(generation or family).name if family else None,
        layout=layout or (adapter.adapter.method if adapter is not None else None),
    )


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
                    message=f"{name_signal(signal)}: {one.seen}, where {best.generation.name} "
                    f"has {one.expected}",
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
            message=f"custom size: no official size of {best.generation.name} "
            f"has this shape{about}",
        )
    ]
