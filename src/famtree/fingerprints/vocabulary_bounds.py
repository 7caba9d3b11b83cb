"""How large a vocabulary may be, and the checks that hold each reader to it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence

from famtree.errors import TokenizerError

MAX_FILE = 48 << 20
"""Bytes; the largest released tokenizer file has 34 MB."""
MAX_TOKEN = 16 << 10
"""Characters of a token, bytes of a merge; the longest released ones have some hundred."""
MAX_ADDED = 250_000
"""Tokens outside the trained vocabulary; models of speech add some 65,000."""
MAX_STRING = 1 << 20
"""Bytes of one string of a JSON file; a normalizer's table of characters has some 300 kB."""
MAX_WIDE = 4 << 20
"""Bytes of all strings that have a character beyond U+FFFF, which make Python take four bytes for
each of their characters; released vocabularies have some thousand emoji."""
MAX_HELD = 128 << 20
"""Bytes that the texts of all tokens take in memory; those of 262,144 tokens take some 16 MB."""
MAX_ENTRIES = 600_000
"""Tokens, and merges; each takes some 300 bytes of memory. Large released vocabularies have 262,144
tokens and 514,906 merges; XLM-V's 901,629 tokens stay unread."""
MAX_ID = (1 << 31) - 1


def check_size(data: bytes, name: str) -> None:
    """Raise TokenizerError when a tokenizer file is empty or unreasonably large."""
    if not data:
        raise TokenizerError(f"{name} is empty", hint=hint_for(name))
    if len(data) > MAX_FILE:
        raise TokenizerError(
            f"{name} has {len(data)} bytes, more than {MAX_FILE}",
            hint="no released tokenizer is this large; look at the file",
        )


_QUOTE = re.compile(rb'(?<!\\)"')
_WIDE_BYTES = tuple(bytes([first]) for first in range(0xF0, 0xF5))
"""First bytes of a character beyond U+FFFF in UTF-8."""
_WIDE_ESCAPE = re.compile(rb"\\u[dD][89abAB]")
_TO_QUOTE = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)


def check_strings(data: bytes, name: str) -> None:
    """Raise TokenizerError where decoding the JSON in `data` would make too large strings.

    Told before anything is built, and without a look at every string: that would take as long as
    decoding them.
    """
    half = MAX_STRING // 2
    for at in range(0, len(data) - half, half):
        if _QUOTE.search(data, at, at + half) is None:
            raise TokenizerError(f"{name} has a string of a megabyte", hint=hint_for(name))
    at = wide = 0
    ahead: dict[bytes, int] = {}
    while (found := _find_wide(data, at, ahead)) < len(data):
        start = _find_opening(data, found)
        rest = _TO_QUOTE.match(data, found)
        at = rest.end() if rest is not None else len(data)
        wide += at - start
        if wide > MAX_WIDE:
            raise TokenizerError(
                f"{name} has {MAX_WIDE} bytes of rare characters", hint=hint_for(name)
            )


def _find_wide(data: bytes, at: int, ahead: dict[bytes, int]) -> int:
    """Return where the next character beyond U+FFFF starts from `at` on, else the length.

    `ahead` keeps where each sign of one comes next: a search for each by itself takes a tenth of
    the time of one pattern for all.
    """
    for sign in _WIDE_BYTES:
        if ahead.get(sign, -1) < at:
            found = data.find(sign, at)
            ahead[sign] = found if found >= 0 else len(data)
    if ahead.get(b"\\", -1) < at:
        escape = _WIDE_ESCAPE.search(data, at)
        ahead[b"\\"] = escape.start() if escape is not None else len(data)
    return min(ahead.values())


def _find_opening(data: bytes, at: int) -> int:
    """Return where the string starts that byte `at` is in, or `MAX_WIDE` before at the most."""
    least = max(0, at - MAX_WIDE - 1)
    while (quote := data.rfind(b'"', least, at)) > least:
        before = data[max(least, quote - 64) : quote]
        if (len(before) - len(before.rstrip(b"\\"))) % 2 == 0:
            return quote
        at = quote
    return least


class Texts:
    """Counts the memory of tokens while they are made one by one."""

    def __init__(self, name: str) -> None:
        self._name, self._left = name, MAX_HELD

    def count(self, tokens: Sequence[str]) -> None:
        """Count so many more. Raises TokenizerError when they are too large."""
        self._left -= sum(map(sys.getsizeof, tokens))
        if self._left < 0 or max(map(len, tokens), default=0) > MAX_TOKEN:
            raise too_long(self._name)


def check_tokens(tokens: Iterable[str], name: str) -> None:
    """Raise TokenizerError when a token is longer than `MAX_TOKEN`."""
    if max(map(len, tokens), default=0) > MAX_TOKEN:
        raise too_long(name)


def check_added(count: int, name: str) -> None:
    """Raise TokenizerError when there are more added tokens than `MAX_ADDED`."""
    if count > MAX_ADDED:
        raise TokenizerError(
            f"{name} has {count} added tokens, more than {MAX_ADDED}",
            hint="no released vocabulary has as many; look at the file",
        )


def too_long(name: str) -> TokenizerError:
    """Return the error for a token or merge that is longer than any vocabulary has."""
    return TokenizerError(
        f"{name} has a token or merge of more than {MAX_TOKEN} characters, or too many long ones",
        hint="no released vocabulary has one as long; look at the file",
    )


def check_ids(ids: Sequence[int], name: str) -> None:
    """Raise TokenizerError unless all ids are in [0, 2**31) and there are at most `MAX_ENTRIES`."""
    if len(ids) > MAX_ENTRIES:
        raise TokenizerError(
            f"{name} has {len(ids)} entries, more than {MAX_ENTRIES}",
            hint="no released vocabulary is this large; look at the file",
        )
    if ids and (min(ids) < 0 or max(ids) > MAX_ID):
        raise TokenizerError(f"{name} has token ids outside 0..2**31-1", hint=hint_for(name))


def hint_for(name: str) -> str:
    """Return what to do about an unreadable tokenizer file."""
    return f"the download of {name} may be incomplete; fetch it again or look at the file"


def check_merges(lines: bytes | bytearray, name: str) -> None:
    """Raise TokenizerError when some line between NULs is longer than `MAX_TOKEN`."""
    half = MAX_TOKEN // 2
    for at in range(0, len(lines), half):
        if lines.find(b"\0", at, at + half) < 0:
            start = lines.rfind(b"\0", 0, at) + 1
            stop = lines.find(b"\0", at, start + MAX_TOKEN + 1)
            if (stop if stop >= 0 else len(lines)) - start > MAX_TOKEN:
                raise too_long(name)
