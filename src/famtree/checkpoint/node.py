"""One examined checkpoint as an end of links: its traits, its hashes and its claims."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from famtree.checkpoint.claims import collect_claims, keep_distinct, names_itself
from famtree.checkpoint.composition import list_towers
from famtree.checkpoint.facts import NodeFacts, make_shapes, make_traits, read_license
from famtree.checkpoint.references import base_name, read_reference
from famtree.checkpoint.storage import judge_storage
from famtree.sources.weight_files import hash_weights
from famtree.types.checkpoint import CheckpointRef
from famtree.types.claim import Claim
from famtree.types.identification import Evidence, Notice
from famtree.types.source import CheckpointSource

if TYPE_CHECKING:
    from famtree.checkpoint.findings import Findings

CARD = "README.md"
MAX_CARD_TEXT = 64 * 1024
"""First bytes of the card's text that are read where nothing else names a parent."""


def describe_node(source: CheckpointSource, findings: Findings, *, text: bool) -> NodeFacts:
    """Return what links to and from the checkpoint are checked with.

    `text` allows reading the card's running text where nothing else names a parent.
    """
    found, result = findings.found, findings.result
    origin = source.origin
    name = base_name(origin) if origin else checkpoint_name(source.ref)
    if source.ref.repo_id is not None and found.listing.repo_id is not None:
        name = found.listing.repo_id
    size = result.best.size if result.best is not None else None
    claims = collect_claims(
        name,
        found.listing,
        found.config,
        found.side_files,
        gguf=found.form.list_metadata(),
        origin=origin,
    )
    if findings.kind != "adapter":
        # An adapter that lies beside a whole model tells how itself was made, not the model.
        claims = [replace(one, relation=None) if one.source == "adapter" else one for one in claims]
    if origin:
        # All that the files of a copy say, they say of the original.
        claims = [replace(one, of_parent=one.source != "download") for one in claims]
    elif text and not any(one.resolvable and one.source != "name" for one in claims):
        claims += _read_card_text(source, findings, name)
    floats, whole = judge_storage(findings)
    return NodeFacts(
        ref=name,
        traits=make_traits(findings.fingerprint),
        source=source.kind,
        family=findings.family.key if findings.family else None,
        generation=findings.generation.key if findings.generation else None,
        size=size.size.name if size is not None and size.size is not None else None,
        format=found.form.name,
        quantization=findings.quantization,
        plain_floats=floats,
        whole_model=whole,
        towers=list_towers(found.config),
        tokenizer=findings.fingerprint.tokenizer,
        shapes=make_shapes(found.index, findings.quantization),
        weight_hashes=hash_weights(found.listing, found.index.indexed),
        stated_hashes=hash_weights(found.listing, found.index.indexed, stated=True),
        created_at=found.listing.created_at,
        license=read_license(found.listing),
        claims=tuple(claims),
        refuted=_list_refuted(findings),
        notices=tuple(_note_itself(name)) if names_itself(found.listing.card, name) else (),
    )


def _note_itself(name: str) -> list[Notice]:
    told = f"the card of {name} names {name} itself as its parent; that is left out"
    return [Notice.model_construct(code="cycle", message=told)]


def _list_refuted(findings: Findings) -> dict[str, Evidence]:
    """Return the base whose widths an adapter does not have."""
    one = findings.adapter
    if one is None or one.adapter.base is None or one.adapter.base_check != "contradicted":
        return {}
    base = read_reference(one.adapter.base)
    name = base.parent if base is not None else one.adapter.base
    return {name.lower(): evidence for evidence in one.evidence}


def _read_card_text(source: CheckpointSource, findings: Findings, name: str) -> list[Claim]:
    if findings.found.listing.find(CARD) is None:
        return []
    from famtree.checkpoint.readme import read_text_claims

    data = source.read_wave([], {CARD: MAX_CARD_TEXT}, limit=0)[CARD]
    if not isinstance(data, bytes):
        return []
    return keep_distinct(read_text_claims(data.decode("utf-8", "replace")), name)


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
