"""Everything a checkpoint's own files and listing claim about its parents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from msgspec.structs import replace

from famtree.checkpoint.composition import list_parts
from famtree.checkpoint.references import (
    base_name,
    read_reference,
    same_reference,
    spell_as_hub,
    strip_form,
)
from famtree.fingerprints.adapter import find_stated_base, read_adapter_config
from famtree.types.checkpoint import Listing
from famtree.types.claim import MIXTURE, STACKING, Claim, ClaimSource, MergeRecipe
from famtree.types.identification import LinkRelation

MERGE_FILES = ("mergekit_config.yml", "mergekit_config.yaml", "mergekit_moe_config.yml")
MAX_CLAIMS = 128
_GGUF_SOURCES = (
    "general.source.huggingface.repository",
    "general.source.repo_url",
    "general.source.url",
    "general.repo_url",
)
_PART = r"-\d{5}-of-\d{5}$"
"""One file of a split GGUF (llama.cpp's `gguf-split`)."""
_QUANTIZER_FILES = ("quantize_config.json", "quant_config.json", "quantization_config.json")
_QUANTIZER_KEYS = frozenset({"bits", "w_bit", "quant_method"})
"""What makes such a file a quantizer's: other programs use the names for what they do to ONNX."""
_RELATIONS: dict[str, LinkRelation] = {
    "finetune": "finetune",
    "adapter": "adapter",
    "merge": "merge",
    "quantized": "quantized",
}
"""The Hub's own words for `base_model_relation`."""


def collect_claims(
    name: str,
    listing: Listing,
    config: Mapping[str, Any],
    side_files: Mapping[str, Any],
    *,
    gguf: Mapping[str, Any] | None = None,
    origin: str | None = None,
) -> list[Claim]:
    """Return every claim, in order of trust, without repetitions of one source.

    `name` is the checkpoint's own id: a file that names the checkpoint itself claims nothing.
    `gguf` are the key-value pairs of a GGUF file, `origin` the repository that the path of a folder
    names, as in the Hub library's cache.
    """
    own = [
        *_from_merge(side_files),
        *_from_adapter(side_files.get("adapter_config.json")),
        *_from_card(listing.card, name),
        *_from_tags(listing, name),
        *_from_gguf(gguf or {}),
        *_from_files(listing, gguf or {}),
        *_from_cache(origin, listing.revision),
        *_from_quantizer(side_files),
        *_from_config(config),
    ]
    return keep_distinct([*own, *_from_parts(config, own, name), *_from_name(name)], name)


def names_itself(card: Mapping[str, Any], name: str) -> bool:
    """Return whether a card names its own repository as the parent."""
    return any(_is_itself(claim.parent, name) for claim in _read_card(card))


def keep_distinct(claims: Iterable[Claim], name: str) -> list[Claim]:
    """Return `claims` without repetitions of one source and without those of `name` itself."""
    kept: list[Claim] = []
    for claim in islice(claims, MAX_CLAIMS):
        repeated = any(
            same_reference(known.parent, claim.parent) and known.source == claim.source
            for known in kept
        )
        if not repeated and not _is_itself(claim.parent, name):
            kept.append(claim)
    return kept


def _is_itself(parent: str, name: str) -> bool:
    """True for a repository that names itself; local folders are often `org__name`."""
    own = spell_as_hub(name)
    return any(same_reference(parent, one) for one in (name, own, base_name(own)))


def _claim(
    text: object,
    source: ClaimSource,
    relation: LinkRelation | None = None,
    *,
    revision: object = None,
    weight: float | None = None,
) -> Iterator[Claim]:
    read = read_reference(text)
    if read is not None:
        parent, stated, resolvable = read
        if isinstance(revision, str) and revision and revision != "main":
            stated = revision[:64]
        yield Claim(parent, source, relation, stated, weight, resolvable=resolvable)


def _from_merge(side_files: Mapping[str, Any]) -> Iterator[Claim]:
    text = next((side_files[name] for name in MERGE_FILES if name in side_files), None)
    if not isinstance(text, str):
        return
    from famtree.checkpoint.mergekit import read_merge

    recipe = read_merge(text)
    if recipe is None:
        return
    relation = _relate_merge(recipe)
    for parent in recipe.parents:
        read = read_reference(parent)
        yield Claim(
            parent,
            "mergekit",
            relation,
            revision=recipe.revisions.get(parent),
            weight=recipe.weights.get(parent),
            layers=tuple(span for span in recipe.spans if span.parent == parent),
            resolvable=bool(read and read[2]),
        )


def _relate_merge(recipe: MergeRecipe) -> LinkRelation:
    """Stacking layers of one model alone makes it deeper or shallower, not a merge."""
    if recipe.method == MIXTURE:
        return "upcycled"
    if len(recipe.parents) > 1 or not recipe.spans or recipe.method != STACKING:
        return "merge"
    used = [layer for span in recipe.spans for layer in range(span.start, span.stop)]
    return "upscaled" if len(used) > len(set(used)) else "pruned"


def _from_adapter(found: object) -> Iterator[Claim]:
    config = read_adapter_config(found)
    if config is not None:
        base, revision = find_stated_base(config), config.get("revision")
        yield from _claim(base, "adapter", "adapter", revision=revision)


def _from_card(card: Mapping[str, Any], name: str) -> Iterator[Claim]:
    found = list(_read_card(card))
    told = card.get("base_model_relation")
    relation = _RELATIONS.get(told) if isinstance(told, str) else None
    if relation is None and _count_parents(found, name) > 1:
        relation = "merge"  # what the Hub infers from several parents
    for claim in found:
        yield replace(claim, relation=relation)


def _read_card(card: Mapping[str, Any]) -> Iterator[Claim]:
    stated = card.get("base_model")
    for parent in stated if isinstance(stated, list) else [stated]:
        yield from _claim(parent, "card")


def _count_parents(claims: Iterable[Claim], name: str) -> int:
    """A parent named twice is one, and nothing is a parent of itself."""
    return len({one.parent.strip("/").lower() for one in keep_distinct(claims, name)})


def _from_tags(listing: Listing, name: str) -> Iterator[Claim]:
    """`base_model:X` and `base_model:<relation>:X`; the second says more and comes first.

    The Hub tags a merge wherever a card lists two entries, be they one parent twice.
    """
    plain: list[str] = []
    told: list[Claim] = []
    for tag in listing.tags:
        if not tag.startswith("base_model:"):
            continue
        rest = tag.removeprefix("base_model:")
        word, colon, parent = rest.partition(":")
        if colon and word in _RELATIONS:
            told += _claim(parent, "tag", _RELATIONS[word])
        else:
            plain.append(rest)
    stated = listing.card.get("base_model_relation") == "merge"
    single = bool(told) and not stated and _count_parents(told, name) < 2
    for claim in told:
        merged = claim.relation == "merge"
        yield replace(claim, relation=None) if merged and single else claim
    for parent in plain:
        yield from _claim(parent, "tag")


def _from_gguf(metadata: Mapping[str, Any]) -> Iterator[Claim]:
    """The source is what was converted; base models are those that the source itself has.

    Keys as of ggml's GGUF specification and llama.cpp's converters, which copy `base_model` of the
    source's card.
    """
    for key in _GGUF_SOURCES:
        yield from _claim(metadata.get(key), "gguf")
    organisation, title = metadata.get("general.organization"), metadata.get("general.name")
    if isinstance(title, str) and title.strip():
        name = _hyphenate(title)
        if isinstance(organisation, str) and organisation.strip():
            yield from _claim(f"{_hyphenate(organisation)}/{name}", "gguf")
        elif read_reference(name) is not None:
            yield Claim(name, "name", resolvable=False)
    count = metadata.get("general.base_model.count")
    for number in range(min(count, MAX_CLAIMS) if type(count) is int else 0):
        prefix = f"general.base_model.{number}"
        address, maker = metadata.get(f"{prefix}.repo_url"), metadata.get(f"{prefix}.organization")
        title = metadata.get(f"{prefix}.name")
        if not address and isinstance(maker, str) and isinstance(title, str):
            address = f"{_hyphenate(maker)}/{_hyphenate(title)}"
        for claim in _claim(address, "gguf"):
            yield replace(claim, of_parent=True)


def _from_files(listing: Listing, metadata: Mapping[str, Any]) -> Iterator[Claim]:
    """GGUF files are named after the model that was converted, as llama.cpp's converter does."""
    stems = set()
    for entry in listing.files if metadata else ():
        stem, dot, suffix = base_name(entry.name).rpartition(".")
        if dot and suffix.lower() == "gguf":
            stems.add(strip_form(re.sub(_PART, "", stem))[0])
    if len(stems) == 1:
        yield Claim(stems.pop(), "name", resolvable=False)


def _from_cache(origin: str | None, revision: str | None) -> Iterator[Claim]:
    """A path like that of the Hub library's cache names a repository; anybody can make one."""
    yield from _claim(origin, "download", revision=revision)


def _from_quantizer(side_files: Mapping[str, Any]) -> Iterator[Claim]:
    """AutoGPTQ and GPTQModel write down what they quantized."""
    for name in _QUANTIZER_FILES:
        table = side_files.get(name)
        if isinstance(table, dict) and table.keys() & _QUANTIZER_KEYS:
            yield from _claim(table.get("model_name_or_path"), "quantizer", "quantized")


def _hyphenate(text: str) -> str:
    return "-".join(text.split())


def _from_config(config: Mapping[str, Any]) -> Iterator[Claim]:
    yield from _claim(config.get("_name_or_path"), "config")


def _from_parts(config: Mapping[str, Any], own: Iterable[Claim], name: str) -> Iterator[Claim]:
    """A fine-tune of a composition repeats what that was composed of."""
    parts = list(list_parts(config))
    named = [one for one in keep_distinct(own, name) if one.resolvable]
    whole = bool(named) and not any(
        same_reference(one.parent, part.parent) for one in named for part in parts
    )
    for part in parts:
        yield replace(part, of_parent=whole)


def _from_name(name: str) -> Iterator[Claim]:
    """`<name>-GPTQ` hints at a parent called `<name>`, of an unknown organisation."""
    own = base_name(spell_as_hub(name))
    stripped, relation = strip_form(own)
    if relation is not None and stripped != own:
        yield Claim(stripped, "name", relation, resolvable=False)
