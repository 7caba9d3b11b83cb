"""Checkpoints without a config.json: what they say they were made from, and why that is all.

An adapter, a GGUF or a pickle file often names its base model. A name is a claim that nothing here
can check, so it is listed as a candidate and settles nothing.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from famtree.checkpoint.bases import name_model
from famtree.checkpoint.gathered import CONFIG, Gathered
from famtree.checkpoint.references import read_reference
from famtree.fingerprints.adapter import find_stated_base, read_adapter_config
from famtree.matchers.names import find_claims
from famtree.registry.registry import Registry
from famtree.types.identification import Candidate, Evidence

DECLARED_BELIEF = 0.5
"""Most that a base model's name is believed, shared by all families it mentions: authors name
what they trained on, but also copies, merges and renamed checkpoints."""
LONGEST_NAME = 200

_ARCHITECTURES = ("modelspec.architecture", "ss_base_model_version")
"""Keys of safetensors headers: github.com/Stability-AI/ModelSpec, github.com/kohya-ss/sd-scripts
(library/sai_model_spec.py, library/train_util.py)."""
_HEADER = "the header"
_ADAPTER_CONFIG = "adapter_config.json"


class DeclaredBase(Struct, frozen=True):
    """The one base model a checkpoint names, and the file that names it."""

    base: str
    """Hub id, or a path on somebody's machine, as written."""
    source: str


def find_declaration(found: Gathered) -> DeclaredBase | None:
    """Return the one base model that an adapter's config, its GGUF header or the card names."""
    adapter = read_adapter_config(found.side_files.get(_ADAPTER_CONFIG))
    base = _clean(find_stated_base(adapter)) if adapter is not None else None
    if base is not None:
        return DeclaredBase(base, _ADAPTER_CONFIG)
    metadata = found.form.list_metadata()
    if metadata:
        for key in ("repo_url", "name"):
            base = _clean(metadata.get(f"general.base_model.0.{key}"))
            if base is not None and metadata.get("general.base_model.count", 1) == 1:
                read = read_reference(base)
                return DeclaredBase(read[0] if read else base, "the GGUF header")
    card = found.listing.card.get("base_model")
    if isinstance(card, list):
        card = card[0] if len(card) == 1 else None
    base = _clean(card)
    return None if base is None else DeclaredBase(base, "the model card")


def find_architecture(found: Gathered) -> DeclaredBase | None:
    """Return the design that a trainer wrote into the header of its file, without the kind of file.

    It names a design and no parent: `stable-diffusion-xl-v1-base` of `…/lora`, or `sdxl_base_v1-0`.
    """
    for key in _ARCHITECTURES:
        stated = _clean((found.index.header_metadata.get(key) or "").partition("/")[0])
        if stated is not None:
            return DeclaredBase(stated, f"{_HEADER} ({key})")
    return None


def list_declared(declaration: DeclaredBase | None, registry: Registry) -> list[Candidate]:
    """Return what the base model's name mentions; one half of belief among all of it."""
    if declaration is None:
        return []
    claims = find_claims(name_model(declaration.base), registry)
    return [
        Candidate.model_construct(
            family=family,
            generation=generation,
            name=known.name if (known := registry.find_generation(family, generation)) else None,
            score=round(DECLARED_BELIEF / len(claims), 4),
            decided_by="declared",
        )
        for family, generation in claims
    ]


def describe_declaration(declaration: DeclaredBase, declared: list[Candidate]) -> Evidence:
    """Return the declaration as evidence, which it is of no weight."""
    names = ", ".join(f"{one.family}/{one.generation}" for one in declared)
    header = _is_header(declaration)
    return Evidence.model_construct(
        signal="architecture" if header else "base_model",
        source="header"
        if header
        else "config"
        if declaration.source == _ADAPTER_CONFIG
        else "card",
        expected=names or "a name the registry knows",
        seen=declaration.base,
        supports=bool(declared),
        weight=0.0,
    )


def explain_absence(
    found: Gathered,
    declaration: DeclaredBase | None,
    declared: list[Candidate],
    *,
    refuted: bool = False,
) -> str:
    """Return one sentence: why a checkpoint without config.json stays unknown, and what to try.

    `refuted` is whether the tensors rule out what is declared.
    """
    listed = found.listing.find(CONFIG) is not None
    start = "config.json tells nothing" if listed else "there is no config.json"
    if declaration is None:
        return f"{start}, and {_describe_weights(found)}"
    names = ", ".join(f"{one.family}/{one.generation}" for one in declared)
    claim = f"a name that says {names}" if names else "a name the registry does not know"
    told = "which its tensors rule out" if refuted else f"{claim}: declared, not confirmed"
    return (
        f"{start}, and {_describe_weights(found)}; "
        f"{declaration.source} names {declaration.base} as {_name_role(declaration)}, {told}"
    )


def _name_role(declaration: DeclaredBase) -> str:
    return "its design" if _is_header(declaration) else "base model"


def _is_header(declaration: DeclaredBase) -> bool:
    return declaration.source.startswith(_HEADER)


def _describe_weights(found: Gathered) -> str:
    if found.index.names and not found.form.is_adapter(found):
        return "the tensors' names and shapes settle nothing"
    suffixes = found.form.suffixes
    names = (one.name for one in found.listing.files if one.name.lower().endswith(suffixes))
    return found.form.describe_unread(min(names, default="")[:LONGEST_NAME])


def _clean(value: Any) -> str | None:
    text = " ".join(value.split())[:LONGEST_NAME] if isinstance(value, str) else ""
    return text or None
