"""Draft a registry file from checkpoints of one family; what needs judgement is left to people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
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
_DERIVED = frozenset({"architecture.head_dim"})
"""What is no class default though no file states it: it follows from the shape."""
_DESIGN = ("class_name", "model_type", "text_model_type", "wrapper")
"""Checkpoints that differ in one of them have a rule each."""
_MOST_VALUES = 8
"""More values than this belong to checkpoints, not to a design."""
_SIZE_WORD = re.compile(r"(?<![a-z0-9.])[0-9]{1,4}(?:\.[0-9]{1,3})?[bm](?![a-z0-9])")
_MISSING = ""
"""An empty name or source: `families check` asks for it."""


def draft_family(results: Sequence[Identification], apart: Mapping[str, Sequence[str]]) -> str:
    """Return TOML text with one generation, its rules, sizes, tokenizers and exemplars.

    `results` are of one family, at least one; what all of them state is stated once. `apart` says
    of the nearest families on record, as `family/generation`, what tells them from all of these.
    """
    seen = [flatten(result.fingerprint) for result in results]
    repos = [_name_repo(result) for result in results]
    word = _word(seen[0], "text_model_type") or _word(seen[0], "model_type")
    key = _slug(word or repos[0])
    lines = [*_head(key, repos), *_tell_apart(apart), *_generation(key), *_rules(seen)]
    shapes: set[str] = set()
    for result, traits in zip(results, seen, strict=True):
        size = list(_size(result, traits))
        shape = "\n".join(line for line in size if not line.startswith(("name", "parameters")))
        if shape not in shapes:
            shapes.add(shape)
            lines += size
    known: set[str | None] = set()
    for result, repo in zip(results, repos, strict=True):
        tokenizer = result.fingerprint.tokenizer
        if tokenizer is not None and tokenizer.digest not in known:
            name = key if len(known) == 0 else f"{key} ({repo})"
            lines += _tokenizer(tokenizer, key, name)
            known.add(tokenizer.digest if tokenizer.vocabulary else None)
    for result, traits, repo in zip(results, seen, repos, strict=True):
        lines += _exemplar(result, traits, repo, key)
    return "\n".join([*lines, ""])


def _name_repo(result: Identification) -> str:
    repo = result.checkpoint.ref.removeprefix("hf://")
    return repo if result.checkpoint.source == "hub" else PurePath(repo).name or "local"


def _head(key: str, repos: Sequence[str]) -> Iterator[str]:
    makers = dict.fromkeys(repo.partition("/")[0] for repo in repos if "/" in repo)
    yield f"# Save as {key}.toml beside the other families. Fill in name, maker and sources, and"
    yield "# take out of the rule what is not the same for all sizes of this generation."
    yield 'schema = "famtree/family/1"'
    yield f"key = {_text(key)}"
    yield f"name = {_text(_MISSING)}"
    yield f"maker = {_text(_MISSING)}"
    yield f"sources = [{_text(_MISSING)}]"
    if makers:
        yield f"publishers = {_value(tuple(makers))}"


def _tell_apart(apart: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield ""
    if apart:
        yield "# The nearest families on record, and what tells them from this one:"
    else:
        yield "# No family on record comes near."
    for other, names in apart.items():
        told = ", ".join(names) or "nothing; name it in hard_to_tell_from or state more"
        yield f"# {other}: {told}"


def _generation(key: str) -> Iterator[str]:
    yield ""
    yield "[[generation]]"
    yield f"key = {_text(key)}"
    yield f"name = {_text(key)}"
    yield f"names = [{_text(key)}]"


def _rules(seen: Sequence[dict[str, Trait]]) -> Iterator[str]:
    """Yield a rule a design; what all of several designs state stands in `common`."""
    designs: dict[tuple[str | None, ...], list[dict[str, Trait]]] = {}
    for traits in seen:
        designs.setdefault(tuple(_word(traits, name) for name in _DESIGN), []).append(traits)
    stated = [_conditions(members) for members in designs.values()]
    common = {
        name: line
        for name, line in stated[0].items()
        if len(stated) > 1 and all(other.get(name) == line for other in stated)
    }
    if common:
        yield ""
        yield "[generation.common]"
        yield from common.values()
    for number, conditions in enumerate(stated, start=1):
        yield ""
        yield "[[generation.rule]]"
        if len(stated) > 1:
            yield f"name = {_text(f'design-{number}')}"
        yield "[generation.rule.when]"
        yield from (line for name, line in conditions.items() if name not in common)


def _conditions(members: Sequence[dict[str, Trait]]) -> dict[str, str]:
    """Return the line of every trait that may belong to the design."""
    lines = {}
    for name in sorted({name for traits in members for name in traits} - _NOT_RULES):
        found = [traits[name] for traits in members if name in traits]
        defaulted = all(trait.source == "default" for trait in found)
        if defaulted and name in _DERIVED:
            continue
        values = list(dict.fromkeys(trait.value for trait in found if trait.value != ()))
        if not values or len(values) > _MOST_VALUES:
            continue
        lines[name] = f"{name} = {_condition(name, values)}"
        if defaulted:
            lines[name] += "  # a default of the class"
    return lines


def _condition(name: str, values: list[Value]) -> str:
    lists = [value for value in values if isinstance(value, tuple)]
    single = tuple(value for value in values if not isinstance(value, tuple))
    if not lists:
        return _value(single[0]) if len(single) == 1 else f"{{one_of = {_value(single)}}}"
    items = dict.fromkeys(item for value in lists for item in value)
    if name == "recipe.chat_markers":
        shared = tuple(item for item in items if all(item in value for value in lists))
        if shared:
            return f"{{contains = {_value(shared)}}}"
    if len(items) == 1:
        return _value(next(iter(items)))
    return f"{{one_of = {_value(tuple(items))}}}"


def _size(result: Identification, traits: dict[str, Trait]) -> Iterator[str]:
    shape = {
        name: traits[f"architecture.{name}"].value
        for name in _SHAPE
        if f"architecture.{name}" in traits
    }
    if "layers" not in shape or "hidden_size" not in shape:
        return
    size = validate(Size, {"name": _size_name(result), **shape})
    yield ""
    yield "[[generation.size]]"
    yield f"name = {_text(size.name)}"
    if result.parameters is not None:
        yield f"parameters = {result.parameters}"
    for name, value in shape.items():
        yield f"{name} = {_value(value)}"


def _tokenizer(tokenizer: Tokenizer | None, key: str, name: str) -> Iterator[str]:
    if tokenizer is None or tokenizer.vocabulary is None:
        return
    yield ""
    yield "[[tokenizer]]"
    yield f"name = {_text(name)}"
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


def _size_name(result: Identification) -> str:
    """Return the usual short form: 494032768 -> `494M`, 8030261248 -> `8B`; else the name's."""
    parameters = result.parameters
    if parameters is None:
        told = _SIZE_WORD.search(_name_repo(result).lower())
        return told[0].upper() if told else "unnamed"
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
