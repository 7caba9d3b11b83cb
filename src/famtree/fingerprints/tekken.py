"""Mistral's `tekken.json`: ranked byte tokens behind a block of special tokens.

Only the first `default_vocab_size - default_num_special_tokens` ranks are in use, and an id is
the rank plus the number of special tokens (mistral-common, `tokens/tokenizers/tekken.py`). Only
imported when such a file is read.
"""

from __future__ import annotations

from binascii import Error, a2b_base64

import msgspec

from famtree.errors import TokenizerError
from famtree.fingerprints.tokenizer_json import simplify_block
from famtree.fingerprints.vocabulary import (
    MAX_ENTRIES,
    AddedToken,
    Vocabulary,
    check_ids,
    check_size,
    hint_for,
    pause_collector,
    spell_bytes,
)


class _Token(msgspec.Struct):
    rank: int
    token_bytes: str


class _Special(msgspec.Struct):
    rank: int
    token_str: str


class _Config(msgspec.Struct):
    default_vocab_size: int
    default_num_special_tokens: int
    pattern: str | None = None


class _File(msgspec.Struct):
    config: _Config
    vocab: list[_Token]
    special_tokens: list[_Special] | None = None


def read_tekken(data: bytes, name: str = "tekken.json") -> Vocabulary:
    """Read the ranks in use and the special tokens the file names.

    The oldest files name no special token; the reserved ids then stay unnamed. Raises
    TokenizerError naming the file when it is not JSON of this form.
    """
    check_size(data, name)
    try:
        with pause_collector():
            found = msgspec.json.decode(data, type=_File)
            reserved = found.config.default_num_special_tokens
            used = found.config.default_vocab_size - reserved
            if not 0 <= reserved <= MAX_ENTRIES or not 0 < used <= MAX_ENTRIES:
                raise ValueError("its sizes are out of bounds")
            entries = [entry for entry in found.vocab if 0 <= entry.rank < used]
            texts = [a2b_base64(entry.token_bytes, strict_mode=True) for entry in entries]
            ids = [entry.rank + reserved for entry in entries]
            tokens = dict(zip(spell_bytes(texts), ids, strict=True))
    except (msgspec.MsgspecError, Error, ValueError, RecursionError) as fault:
        raise TokenizerError(
            f"{name} is not a tekken file: {str(fault)[:160]}", hint=hint_for(name)
        ) from fault
    check_ids(ids, name)
    added = {
        entry.token_str: AddedToken(entry.rank, special=True)
        for entry in found.special_tokens or ()
    }
    check_ids([token.id for token in added.values()], name)
    return Vocabulary(
        kind="tekken",
        form="byte-level",
        tokens=tokens,
        base_entries=len(tokens),
        added=added,
        pre_tokenizer=_spell_pattern(found.config.pattern),
    )


def _spell_pattern(pattern: str | None) -> object:
    """Return the split pattern as the blocks a conversion to tokenizer.json has."""
    if not pattern:
        return None
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated"}
    level = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
    return simplify_block({"type": "Sequence", "pretokenizers": [split, level]})
