"""One examined checkpoint as an end of links: its traits, its hashes and its claims."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from famtree.lineage.claims import collect_claims
from famtree.lineage.facts import NodeFacts, hash_weights, make_traits
from famtree.types.checkpoint import CheckpointRef
from famtree.types.source import CheckpointSource

if TYPE_CHECKING:
    from famtree.identification.report import Findings


def describe_node(source: CheckpointSource, findings: Findings) -> NodeFacts:
    """Return what links to and from the checkpoint are checked with."""
    found, result = findings.found, findings.result
    name = checkpoint_name(source.ref)
    return NodeFacts(
        ref=name,
        traits=make_traits(findings.fingerprint),
        family=result.family.key if result.family else None,
        generation=result.generation.key if result.generation else None,
        format=found.plan.format,
        quantization=findings.quantization,
        weight_hashes=hash_weights(found.listing),
        created_at=found.listing.created_at,
        claims=tuple(collect_claims(name, found.listing, found.config, found.side_files)),
    )


def checkpoint_name(ref: CheckpointRef) -> str:
    """Return the name a person would call it: the Hub id, or the folder's own name."""
    if ref.repo_id is not None:
        return ref.repo_id
    path = Path(ref.path or ref.text)
    try:
        path = path.resolve()
    except (OSError, RuntimeError):
        return path.name
    if path.suffix == ".gguf":
        return path.stem
    return path.parent.name if path.suffix in (".safetensors", ".json") else path.name
