"""Draft a registry file from one checkpoint: facts filled in, judgement left to people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePath

from famtree.registry.parse import validate
from famtree.types.family import Scalar, Size
from famtree.types.fingerprint import Tokenizer
from famtree.types.identification import Identification
from famtree.types.traits import Trait, Value, flatten

_SHAPE = ("layers", "hidden_size", "heads", "kv_heads", "ffn", "experts", "expert_ffn")
_NOT_RULES = frozenset(
    {
        *(f"architecture.{name}" for name in (*_SHAPE, "vision_layers", "vision_hidden_size")),
        "architecture.encoder_layers",
        "architecture.decoder_layers",
        "recipe.dtype",
        "recipe.pad_id",
        "recipe.chat_template",
        "tokenizer.added",
        "tokenizer.vocabulary",
        "tokenizer.merges",
        "tokenizer.merges_sorted",
        "tokenizer.normalizer",
        "tokenizer.pre_tokenizer",
        "tokenizer.tokenizer_class",
        "tokenizer.markers",
        "tokenizer.max_id",
        "tokenizer.added_count",
    }
)
"""Dimensions belong to sizes, digests to the tokenizer entry, and the rest is edited too often."""
_MISSING = ""
"""An empty name or source: `families check` asks for it."""


def draft_family(result: Identification) -> str:
    """Return TOML text with one generation, rule, size, tokenizer and exemplar."""
    traits = flatten(result.fingerprint)
    repo = result.checkpoint.ref.removeprefix("hf://")
    if result.checkpoint.source != "hub":
        repo = PurePath(repo).name or "local"
    key = _slug(_word(traits, "text_model_type") or _word(traits, "model_type") or repo)
    return "\n".join(
        [
            *_head(key, repo),
            *_rule(traits),
            *_size(result, traits),
            *_tokenizer(result.fingerprint.tokenizer, key),
            *_exemplar(result, traits, repo, key),
            "",
        ]
    )


def _head(key: str, repo: str) -> Iterator[str]:
    maker = repo.partition("/")[0] if "/" in repo else ""
    yield f"# Save as {key}.toml beside the other families. Fill in name, maker and sources, and"
    yield "# take out of the rule what is not the same for all sizes of this generation."
    yield 'schema = "famtree/family/1"'
    yield f"key = {_text(key)}"
    yield f"name = {_text(_MISSING)}"
    yield f"maker = {_text(_MISSING)}"
    yield f"sources = [{_text(_MISSING)}]"
    if maker:
        yield f"publishers = [{_text(maker)}]"
    yield ""
    yield "[[generation]]"
    yield f"key = {_text(key)}"
    yield f"name = {_text(key)}"
    yield f"names = [{_text(key)}]"


def _rule(traits: dict[str, Trait]) -> Iterator[str]:
    yield ""
    yield "[[generation.rule]]"
    yield "[generation.rule.when]"
    for name, trait in sorted(traits.items()):
        if name in _NOT_RULES or trait.source == "default":
            continue
        if isinstance(trait.value, tuple):
            if trait.value and name == "recipe.chat_markers":
                yield f"{name} = {{contains = {_value(trait.value)}}}"
            elif trait.value:
                yield f"{name} = {{one_of = {_value(trait.value)}}}"
        else:
            yield f"{name} = {_value(trait.value)}"


def _size(result: Identification, traits: dict[str, Trait]) -> Iterator[str]:
    shape = {
        name: traits[f"architecture.{name}"].value
        for name in _SHAPE
        if f"architecture.{name}" in traits
    }
    if "layers" not in shape or "hidden_size" not in shape:
        return
    size = validate(Size, {"name": _size_name(result.parameters), **shape})
    yield ""
    yield "[[generation.size]]"
    yield f"name = {_text(size.name)}"
    if result.parameters is not None:
        yield f"parameters = {result.parameters}"
    for name, value in shape.items():
        yield f"{name} = {_value(value)}"


def _tokenizer(tokenizer: Tokenizer | None, key: str) -> Iterator[str]:
    if tokenizer is None or tokenizer.vocabulary is None:
        return
    yield ""
    yield "[[tokenizer]]"
    yield f"name = {_text(key)}"
    yield f"generations = [{_text(key)}]"
    if tokenizer.files:
        hashes = sorted(set(tokenizer.files.values()))
        yield f"files = {_value(tuple(hashes))}"
    for name in (
        "kind", "entries", "base_entries", "vocabulary", "merges", "merges_sorted", "added",
        "added_count", "pre_tokenizer", "sketch",
    ):  # fmt: skip
        value = getattr(tokenizer, name)
        if value is not None and value != "":
            yield f"{name} = {_value(value)}"
    yield f"source = {_text('the checkpoint named below')}"


def _exemplar(
    result: Identification, traits: dict[str, Trait], repo: str, key: str
) -> Iterator[str]:
    fingerprint = result.fingerprint
    yield ""
    yield "[[exemplar]]"
    yield f"repo = {_text(repo)}"
    if result.checkpoint.revision is not None:
        yield f"revision = {_text(result.checkpoint.revision)}"
    yield f"generation = {_text(key)}"
    yield f"source = {_text('its own files')}"
    yield "[exemplar.digests]"
    yield f"architecture = {_text(fingerprint.architecture.digest)}"
    if fingerprint.tokenizer is not None and fingerprint.tokenizer.vocabulary is not None:
        yield f"tokenizer = {_text(fingerprint.tokenizer.digest)}"
    yield f"recipe = {_text(fingerprint.recipe.digest)}"
    yield "[exemplar.traits]"
    for name, trait in sorted(traits.items()):
        if trait.source != "default" and trait.value != ():
            yield f"{name} = {_value(trait.value)}"


def _size_name(parameters: int | None) -> str:
    """Return the usual short form: 494032768 -> `494M`, 8030261248 -> `8B`."""
    if parameters is None:
        return "unnamed"
    if parameters < 1e9:
        return f"{parameters / 1e6:.0f}M"
    return f"{parameters / 1e9:.1f}B".replace(".0B", "B")


def _word(traits: dict[str, Trait], name: str) -> str | None:
    trait = traits.get(f"architecture.{name}")
    return trait.value if trait is not None and isinstance(trait.value, str) else None


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")[:64] or "unnamed"


def _text(text: str) -> str:
    """Return a TOML basic string; JSON's escapes are a subset of TOML's."""
    return json.dumps(text).replace("\x7f", "\\u007f")


def _value(value: Value | Scalar) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    return repr(value)
