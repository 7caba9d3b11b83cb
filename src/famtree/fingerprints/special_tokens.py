"""What the small files beside a vocabulary say: class, special tokens, added tokens, markers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from msgspec import Struct

from famtree.errors import ConfigError, TokenizerError
from famtree.fingerprints.json_text import decode_object
from famtree.fingerprints.vocabulary import (
    AddedToken,
)
from famtree.fingerprints.vocabulary_bounds import (
    MAX_ID,
    check_size,
)

SIDE_FILES = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
ROLES = ("bos", "eos", "pad", "unk")
MAX_MARKERS = 64
MAX_TOKEN = 256
"""Characters kept of a declared token or class name."""

_COMMON = frozenset({"<s>", "</s>", "<unk>", "<pad>", "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"})
"""Shared by designs that have nothing else in common, so they name no line."""
_MARKER = re.compile(r"[^\w\s]\S*[^\w\s]")
_NUMBERED = re.compile(r"(?<!\d)(\d++)\W{0,4}+\Z")


class SideFacts(Struct):
    """Facts of the side files that were read."""

    tokenizer_class: str | None = None
    special_tokens: dict[str, str] = {}
    declared_special: set[str] = set()
    """Every token some file declares special, roles such as `mask` included."""
    added: dict[str, AddedToken] = {}


def read_side_files(files: Mapping[str, bytes]) -> SideFacts:
    """Read those of `SIDE_FILES` that are present.

    `added_tokens_decoder` of tokenizer_config.json is believed before added_tokens.json, which
    knows no special flag, and tokenizer_config.json before special_tokens_map.json. Raises
    TokenizerError naming a file that is not a JSON object; odd values inside are skipped.
    """
    tables = {name: _decode(files[name], name) for name in SIDE_FILES if name in files}
    config = tables.get("tokenizer_config.json", {})
    facts = SideFacts()
    named = config.get("tokenizer_class")
    facts.tokenizer_class = named[:MAX_TOKEN] if isinstance(named, str) and named else None
    for table in (config, tables.get("special_tokens_map.json", {})):
        _read_roles(table, facts)
    _read_decoder(config.get("added_tokens_decoder"), facts)
    for content, number in tables.get("added_tokens.json", {}).items():
        if _is_id(number) and content not in facts.added:
            facts.added[content] = AddedToken(number, content in facts.declared_special)
    return facts


def find_markers(contents: Iterable[str]) -> list[str]:
    """Return the added tokens that name a line, sorted, at most 64.

    A marker is bracketed by signs and has a letter (`<think>`, `[INST]`, `<|im_start|>`). Of
    tokens that differ in a trailing number (`<unused12>`) only number 0 stays.
    """
    return list(islice(filter(_is_marker, sorted(set(contents))), MAX_MARKERS))


def _is_marker(content: str) -> bool:
    if len(content) > 64 or content in _COMMON or not _MARKER.fullmatch(content):
        return False
    if not any(map(str.isalpha, content)):
        return False
    number = _NUMBERED.search(content)
    return number is None or int(number[1]) == 0


def _read_roles(table: Mapping[str, Any], facts: SideFacts) -> None:
    for key, value in table.items():
        if not key.endswith("_token"):
            continue
        content = _content(value)
        if content:
            facts.declared_special.add(content)
            role = key.removesuffix("_token")
            if role in ROLES:
                facts.special_tokens.setdefault(role, content)
    extra = table.get("additional_special_tokens")
    if isinstance(extra, list):
        facts.declared_special.update(found for item in extra if (found := _content(item)))


def _read_decoder(decoder: Any, facts: SideFacts) -> None:
    if not isinstance(decoder, dict):
        return
    for number, entry in decoder.items():
        content = entry.get("content") if isinstance(entry, dict) else None
        if isinstance(content, str) and re.fullmatch(r"\d{1,10}", number, re.ASCII):
            at = int(number)
            if at <= MAX_ID:
                facts.added[content] = AddedToken(at, entry.get("special") is True)


def _content(value: Any) -> str | None:
    """Return the string of a token given as text or as a serialised AddedToken."""
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) and 0 < len(value) <= MAX_TOKEN else None


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_ID


def _decode(data: bytes, name: str) -> dict[str, Any]:
    check_size(data, name)
    try:
        return decode_object(data, name)
    except ConfigError as fault:
        raise TokenizerError(fault.message, hint=fault.hint) from fault
