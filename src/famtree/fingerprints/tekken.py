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
    BLOCK,
    AddedToken,
    Vocabulary,
    pause_collector,
    spell_bytes,
)
from famtree.fingerprints.vocabulary_bounds import (
    MAX_ENTRIES,
    Texts,
    check_added,
    check_ids,
    check_size,
    check_strings,
    hint_for,
)


class _Token(msgspec.Struct, gc=False):
    rank: int
    token_bytes: str


class _Special(msgspec.Struct, gc=False):
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
    if data.count(b"{") > 2 * MAX_ENTRIES:  # told before anything is built
        raise TokenizerError(f"{name} has too many entries", hint=hint_for(name))
    check_strings(data, name)
    tokens: dict[str, int] = {}
    held = Texts(name)
    try:
        with pause_collector():
            found = msgspec.json.decode(data, type=_File)
            reserved = found.config.default_num_special_tokens
            used = found.config.default_vocab_size - reserved
            if not 0 <= reserved <= MAX_ENTRIES or not 0 < used <= MAX_ENTRIES:
                raise ValueError("its sizes are out of bounds")
            for at in range(0, len(found.vocab), BLOCK):
                entries = [one for one in found.vocab[at : at + BLOCK] if 0 <= one.rank < used]
                texts = spell_bytes(
                    a2b_base64(one.token_bytes, strict_mode=True) for one in entries
                )
                held.count(texts)
                tokens.update(zip(texts, (one.rank + reserved for one in entries), strict=True))
    except (msgspec.MsgspecError, Error, ValueError, RecursionError) as fault:
        raise TokenizerError(
            f"{name} is not a tekken file: {str(fault)[:160]}", hint=hint_for(name)
        ) from fault
    check_ids(list(tokens.values()), name)
    check_added(len(found.special_tokens or ()), name)
    added = {
        entry.token_str: AddedToken(entry.rank, special=True)
        for entry in found.special_tokens or ()
    }
    check_ids([token.id for token in added.values()], name)
    held.count(list(added))
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
