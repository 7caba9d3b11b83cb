"""tiktoken's `.tiktoken` files: one `base64 rank` line a token, rank being its id.

Some repositories call such a file `tokenizer.model`, so it is known by its content.
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64
from collections.abc import Iterator
from itertools import chain

from famtree.errors import TokenizerError
from famtree.fingerprints.vocabulary import (
    Vocabulary,
    pause_collector,
    spell_bytes,
)
from famtree.fingerprints.vocabulary_bounds import (
    MAX_ENTRIES,
    MAX_TOKEN,
    Texts,
    check_ids,
    check_size,
    hint_for,
)

_FIRST_LINE = re.compile(rb"[A-Za-z0-9+/]++={0,2}+ \d{1,10}+(?:\r?\n|\Z)")


_BLOCK = 1 << 18
"""Bytes that are decoded at once; no line is as long."""
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
    tokens: dict[str, int] = {}
    held = Texts(name)
    try:
        with pause_collector():
            for parts in _split_parts(data):
                ids = [int(rank) for rank in parts[1::2]]
                texts = [
                    b"" if text == _EMPTY else a2b_base64(text, strict_mode=True)
                    for text in parts[::2]
                ]
                spelled = spell_bytes(texts)
                held.count(spelled)
                tokens.update(zip(spelled, ids, strict=True))
                check_ids(ids, name)
                if len(tokens) > MAX_ENTRIES:
                    raise ValueError(f"more than {MAX_ENTRIES} tokens")
    except (Error, ValueError) as fault:
        raise TokenizerError(
            f"{name} is not a tiktoken file: {str(fault)[:120]}", hint=hint_for(name)
        ) from fault
    if not tokens:
        raise TokenizerError(f"{name} holds no token", hint=hint_for(name))
    return Vocabulary(kind="tiktoken", form="byte-level", tokens=tokens, base_entries=len(tokens))


def _split_parts(data: bytes) -> Iterator[list[bytes]]:
    """Yield tokens and ranks in turn, some thousand at a time."""
    odd: list[bytes] = []
    at, left = 0, 2 * MAX_ENTRIES
    while at < len(data):
        stop = data.find(b"\n", at + _BLOCK) + 1 or len(data)
        if stop - at > 2 * _BLOCK:
            raise ValueError("a line is too long")
        parts = odd + data[at:stop].split()
        at = stop
        odd = [parts.pop()] if len(parts) % 2 else []
        left -= len(parts)
        if left < 0 or max(map(len, chain(parts, odd)), default=0) > 2 * MAX_TOKEN:
            raise ValueError("too many tokens, or too long ones")
        yield parts
    if odd:
        raise ValueError("some line is not a token and its rank")
