"""tiktoken's `.tiktoken` files: one `base64 rank` line a token, rank being its id.

Some repositories call such a file `tokenizer.model`, so it is known by its content.
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64

from famtree.errors import TokenizerError
from famtree.fingerprints.vocabulary import (
    MAX_ENTRIES,
    Vocabulary,
    check_ids,
    check_size,
    hint_for,
    pause_collector,
    spell_bytes,
)

_FIRST_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2} \d{1,10}(?:\r?\n|\Z)")


_EMPTY = b"="
"""Whisper's files reserve an id for the empty token in this spelling."""


def looks_like_tiktoken(data: bytes) -> bool:
    """Tell whether the first line of `data` is a base64 token and its rank."""
    return _FIRST_LINE.match(data[:4096]) is not None


def read_tiktoken(data: bytes, name: str = "tokenizer.tiktoken") -> Vocabulary:
    """Read the ranks; tokens are spelled in GPT-2's alphabet, as in tokenizer.json.

    Raises TokenizerError naming the file when a line is not a token and its rank.
    """
    check_size(data, name)
    try:
        with pause_collector():
            parts = data.split()
            if len(parts) % 2 or len(parts) > 2 * MAX_ENTRIES:
                raise ValueError("some line is not a token and its rank")
            ids = [int(rank) for rank in parts[1::2]]
            texts = [
                b"" if text == _EMPTY else a2b_base64(text, strict_mode=True) for text in parts[::2]
            ]
            tokens = dict(zip(spell_bytes(texts), ids, strict=True))
    except (Error, ValueError) as fault:
        raise TokenizerError(
            f"{name} is not a tiktoken file: {str(fault)[:120]}", hint=hint_for(name)
        ) from fault
    check_ids(ids, name)
    if not tokens:
        raise TokenizerError(f"{name} holds no token", hint=hint_for(name))
    return Vocabulary(kind="tiktoken", form="byte-level", tokens=tokens, base_entries=len(tokens))
