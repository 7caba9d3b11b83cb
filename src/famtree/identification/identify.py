"""One checkpoint, from its source to the finished answer."""

from __future__ import annotations

import time

from famtree.errors import TokenizerError
from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.fingerprints.quantization import read_quantization
from famtree.fingerprints.tensors import observe_tensors
from famtree.identification.gather import Gathered, OnProgress, gather, require_anything
from famtree.identification.report import Findings, assemble
from famtree.identification.vocabulary import first_look, read_vocabulary, worth_reading
from famtree.matchers.classify import classify
from famtree.matchers.observation import observe
from famtree.registry.registry import Registry
from famtree.types.fingerprint import Fingerprint, Tokenizer
from famtree.types.identification import Identification, Notice
from famtree.types.source import CheckpointSource


def identify_checkpoint(
    source: CheckpointSource, registry: Registry, on_progress: OnProgress | None = None
) -> Identification:
    """Fetch, fingerprint and classify one checkpoint.

    Raises FetchError kin (not reachable) and UnreadableError kin (not what it should be).
    """
    started = time.perf_counter()
    found = gather(source, on_progress)
    require_anything(found, source.ref.text)
    local = source.kind != "hub"
    quantization, quantization_conflicts = read_quantization(
        found.config, found.side_files, found.index
    )
    observed = observe_tensors(found.index)
    tokenizer = first_look(found, registry, local=local)
    fingerprint = fingerprint_files(found, observed, tokenizer)
    observation = observe(fingerprint, registry.generic)
    result = classify(observation, registry)
    chosen = worth_reading(found, tokenizer, result, local=local)
    if chosen:
        if on_progress is not None:
            on_progress("reading the tokenizer")
        try:
            tokenizer = read_vocabulary(source, found, chosen, registry)
        except TokenizerError as fault:
            found.notices.append(Notice(code=fault.code, message=fault.message))
        else:
            fingerprint = fingerprint_files(found, observed, tokenizer)
            observation = observe(fingerprint, registry.generic)
            result = classify(observation, registry)
    findings = Findings(
        found=found,
        fingerprint=fingerprint,
        wrapper=observation.wrapper or fingerprint.architecture.wrapper,
        result=result,
        quantization=quantization,
        quantization_conflicts=quantization_conflicts,
    )
    return assemble(source, registry, findings, seconds=time.perf_counter() - started)


def fingerprint_files(
    found: Gathered, observed: dict[str, object], tokenizer: Tokenizer | None
) -> Fingerprint:
    """Build the three signatures from what was gathered."""
    return build_fingerprint(
        CheckpointFacts(
            config=found.config,
            side_files=found.side_files,
            observed=observed,
            tokenizer=tokenizer,
        )
    )
