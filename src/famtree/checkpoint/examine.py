"""One checkpoint, from its source to what its evidence settles."""

from __future__ import annotations

from famtree.checkpoint.completeness import assess_completeness
from famtree.checkpoint.findings import Findings
from famtree.checkpoint.gather import gather
from famtree.checkpoint.gathered import (
    Gathered,
    OnProgress,
    may_be_adapter,
    require_anything,
)
from famtree.checkpoint.settled import could_change_answer
from famtree.checkpoint.vocabulary import (
    find_unread,
    first_look,
    read_vocabulary,
)
from famtree.errors import TokenizerError
from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.fingerprints.quantization import read_quantization
from famtree.fingerprints.tensors import observe_tensors
from famtree.matchers.classify import Classification, classify
from famtree.matchers.observation import Observation, observe
from famtree.registry.registry import Registry
from famtree.types.fingerprint import Tokenizer
from famtree.types.identification import Notice
from famtree.types.source import CheckpointSource


def examine_checkpoint(
    source: CheckpointSource,
    registry: Registry,
    on_progress: OnProgress | None = None,
    *,
    briefly: bool = False,
) -> Findings:
    """Return everything learnt about one checkpoint.

    `briefly` reads the listing and small files alone, neither tensor headers nor a vocabulary
    (of a GGUF its first bytes): enough to tell whether another checkpoint can come from it.
    Raises FetchError kin (not reachable) and UnreadableError kin (not what it should be).
    """
    found = gather(source, on_progress, headers=not briefly)
    require_anything(found, source.ref.text)
    if found.gguf is not None:
        from famtree.checkpoint.gguf import weigh_gguf

        observation, result = weigh_gguf(source, registry, found, on_progress, briefly=briefly)
        quantization, quantization_conflicts = found.gguf.quantization, found.gguf.conflicts
    else:
        quantization, quantization_conflicts = read_quantization(
            found.config, found.side_files, found.index
        )
        observation, result = _weigh_evidence(source, registry, found, on_progress, briefly=briefly)
    adapter = None
    if may_be_adapter(found):
        from famtree.checkpoint.adapter import examine_adapter

        adapter = examine_adapter(found, registry)
    fingerprint = observation.fingerprint
    return Findings(
        found=found,
        fingerprint=fingerprint,
        wrapper=observation.wrapper or fingerprint.architecture.wrapper,
        result=result,
        quantization=quantization,
        quantization_conflicts=quantization_conflicts,
        adapter=adapter,
        completeness=None if briefly else assess_completeness(found, observation, result, registry),
    )


def _weigh_evidence(
    source: CheckpointSource,
    registry: Registry,
    found: Gathered,
    on_progress: OnProgress | None,
    *,
    briefly: bool,
) -> tuple[Observation, Classification]:
    """Classify; read the vocabulary before where that is cheap, after where it is needed."""
    local = source.kind != "hub"
    observed = observe_tensors(found.index)

    def weigh(tokenizer: Tokenizer | None) -> tuple[Observation, Classification]:
        facts = CheckpointFacts(found.config, found.side_files, observed, tokenizer)
        observation = observe(build_fingerprint(facts), registry.generic)
        return observation, classify(observation, registry)

    def read(chosen: tuple[str, ...], otherwise: Tokenizer | None) -> Tokenizer | None:
        if on_progress is not None:
            on_progress("reading the tokenizer")
        try:
            return read_vocabulary(source, found, chosen, registry)
        except TokenizerError as fault:
            found.notices.append(Notice.model_construct(code=fault.code, message=fault.message))
            return otherwise

    tokenizer = first_look(found, registry, local=local and not briefly)
    if briefly:
        return weigh(tokenizer)
    unread = find_unread(found, tokenizer)
    if unread.files and unread.cheap(local=local):
        return weigh(read(unread.files, tokenizer))
    answer = weigh(tokenizer)
    if unread.files and could_change_answer(answer[1]):
        return weigh(read(unread.files, tokenizer))
    return answer
