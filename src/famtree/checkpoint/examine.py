"""One checkpoint, from its source to what its evidence settles."""

from __future__ import annotations

from famtree.checkpoint.completeness import assess_completeness
from famtree.checkpoint.findings import Findings
from famtree.checkpoint.forms.table import choose_form
from famtree.checkpoint.gathered import Gathered, OnProgress, require_anything
from famtree.fingerprints.draft_heads import DraftHead, find_draft_head
from famtree.matchers.classify import Classification
from famtree.registry.registry import Registry
from famtree.sources.weight_files import list_absent_weights
from famtree.types.checkpoint import Listing
from famtree.types.identification import Notice
from famtree.types.source import CheckpointSource


def examine_checkpoint(
    source: CheckpointSource,
    registry: Registry,
    on_progress: OnProgress | None = None,
    *,
    briefly: bool = False,
    keep_vocabulary: bool = False,
) -> Findings:
    """Return everything learnt about one checkpoint.

    `briefly` reads the listing and small files alone, neither tensor headers nor a vocabulary
    (of a GGUF its first bytes): enough to tell whether another checkpoint can come from it.
    `keep_vocabulary` keeps the tokens that were read, if they were.
    Raises FetchError kin (not reachable) and UnreadableError kin (not what it should be).
    """
    report = on_progress or (lambda _: None)
    report("listing files")
    listing = source.list_files()
    form = choose_form(listing, source.ref)(source)
    found = form.gather(listing, report, headers=not briefly)
    require_anything(found, source.ref.text)
    found.keeps_vocabulary = keep_vocabulary
    found.notices += _warn_of_listing(listing, found)
    observation, result = form.weigh(found, registry, on_progress, briefly=briefly)
    quantization, quantization_conflicts = form.read_quantization(found)
    fingerprint = observation.fingerprint
    adapter = None
    if form.is_adapter(found):
        from famtree.checkpoint.adapter import examine_adapter

        adapter = examine_adapter(found, registry, fingerprint)
    target = None
    head = None if adapter is not None else _find_head(found)
    if head is not None:
        from famtree.checkpoint.draft_heads import CONFIDENCE, describe_head, find_target

        target = find_target(head, found, registry)
        found.explanation = describe_head(head)
        result = Classification("unknown", CONFIDENCE, None, None)
    return Findings(
        found=found,
        fingerprint=fingerprint,
        wrapper=observation.wrapper or fingerprint.architecture.wrapper,
        result=result,
        quantization=quantization,
        quantization_conflicts=quantization_conflicts,
        adapter=adapter,
        target=target,
        completeness=None if briefly else assess_completeness(found, observation, result, registry),
    )


def _find_head(found: Gathered) -> DraftHead | None:
    """Return the draft head where there is one; its files may lie alone."""
    files = [entry.name for entry in found.form.list_weight_files(found)]
    return find_draft_head(found.config, found.index, files)


def _warn_of_listing(listing: Listing, found: Gathered) -> list[Notice]:
    """Return what the source has to say of its listing, and the weights that a cache lacks."""
    told = list(listing.notices)
    absent = list_absent_weights(listing)
    if absent and all(one.code != "shard-missing" for one in found.notices):
        more = f" and {len(absent) - 1} more" if absent[1:] else ""
        told.append(("shard-missing", f"{absent[0][:120]}{more} is not in the cache"))
    return [Notice.model_construct(code=code, message=message) for code, message in told]
