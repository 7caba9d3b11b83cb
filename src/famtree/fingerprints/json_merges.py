"""The merges of a tokenizer.json, read as text rather than as half a million strings.

Only imported when such a file is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import chain
from typing import TypeVar

import msgspec

from famtree.errors import TokenizerError
from famtree.fingerprints.vocabulary import Merges, are_pairs, pack_merge_lines, pack_merges
from famtree.fingerprints.vocabulary_bounds import MAX_ENTRIES, check_merges, hint_for

_BLOCK = 1 << 18
"""Bytes of merges that are read at once."""
_T = TypeVar("_T")


class _Pair(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    left: str
    right: str


# Possessive throughout: a quantifier that may give back what it took keeps some hundred bytes for
# each character.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_FIRST_PAIR = re.compile(
    rb"\[\s*+\[\s*+" + _STRING + rb"(\s*+,\s*+)" + _STRING + rb"(\s*+\])(\s*+,\s*+\[\s*+)?+"
)
_FIRST_LINE = re.compile(rb"\[\s*+" + _STRING + rb"(\s*+,\s*+)?+")
_BEFORE = re.compile(rb'\[\s*+(?:\[\s*+)?+"')
_AFTER = re.compile(rb'"(?:\s*+\])?+\s*+\]\s*+\Z|"\s*+\]\s*+\Z')
_ESCAPE = rb"\\(?:u[0-9a-fA-F]{4}|[^u])"
_ESCAPES = re.compile(_ESCAPE + rb"(?:" + _ESCAPE + rb")*+")  # a literal first byte scans faster


def read_merges(raw: msgspec.Raw, name: str) -> Merges:
    """Read merges as `"a b"` or `["a", "b"]`.

    Raises TokenizerError naming the file, msgspec's error or UnicodeError for any other list.

    Half a million small strings cost more than all the rest of the file, so the array is first
    read as one text: the constant separators between its strings become NUL and a blank. Whatever
    does not come out as exactly one blank in each merge is decoded string by string.
    """
    data = memoryview(raw)
    return _read_uniform(data, name) or _read_one_by_one(data, name)


def _read_uniform(data: memoryview, name: str) -> Merges | None:
    before, after = _BEFORE.match(data), _AFTER.search(data[max(0, len(data) - 256) :])
    pair = _FIRST_PAIR.match(data)
    line = None if pair else _FIRST_LINE.match(data)
    if before is None or after is None or not (pair or line):
        return None
    inner = pair[1] if pair else b""
    outer = pair[2] + (pair[3] or b"") if pair else line[1] or b"" if line else b""
    packed, count = BytesIO(), 0
    stop = len(data) - (after.end() - after.start())
    for text in _split_uniform(data[before.end() : stop], b'"' + outer + b'"'):
        found = _pack_uniform(text, inner, outer, name)
        if found is None:
            return None
        packed.write(b"\0" if count else b"")
        packed.write(found)
        count += found.count(b"\0") + 1
        if count > MAX_ENTRIES:
            return None
    return Merges(packed.getvalue(), count)


def _split_uniform(data: memoryview, between: bytes) -> Iterator[bytes]:
    """Yield `_BLOCK` bytes or some more at a time, cut where `between` stands.

    A cut within a token leaves a quote in the next part, which is then not of one form.
    """
    sign, at = re.compile(re.escape(between)), 0
    while found := sign.search(data, at + _BLOCK):
        yield bytes(data[at : found.start()])
        at = found.end()
    yield bytes(data[at:])


def _pack_uniform(text: bytes, inner: bytes, outer: bytes, name: str) -> bytes | None:
    """Return the merges with NUL between them; None where they are not of one form."""
    if b"\0" in text or b"\\u0000" in text:
        return None
    if inner:
        text = _join_pairs(text, inner, outer)
    elif outer:
        text = text.replace(b'"' + outer + b'"', b"\0")
    if text.count(b'"') != text.count(b'\\"'):
        return None
    check_merges(text, name)
    text = _unescape(text)
    return text if are_pairs(text, text.count(b"\0") + 1) else None


def _join_pairs(text: bytes, inner: bytes, outer: bytes) -> bytes:
    """Replace the separators within and between pairs.

    Indentation is most of such a file and deleting it first halves the time. It is safe where
    separators keep a line break, which no JSON string holds, and where the count of deleted
    blanks shows that none came from a token.
    """
    if b"\n" in inner and b"\n" in outer:
        packed = text.translate(None, b" ")
        found = packed.replace(b'"' + outer.replace(b" ", b"") + b'"', b"\0")
        rows = found.count(b"\0") + 1
        found = found.replace(b'"' + inner.replace(b" ", b"") + b'"', b" ")
        if len(text) - len(packed) == rows * inner.count(b" ") + (rows - 1) * outer.count(b" "):
            return found
    return text.replace(b'"' + outer + b'"', b"\0").replace(b'"' + inner + b'"', b" ")


def _unescape(text: bytes) -> bytes:
    """Resolve JSON escapes; a text that is full of them is quicker to decode whole."""
    if text.count(b"\\") > len(text) // 64:
        whole = b'"' + text.replace(b"\0", b"\\u0000") + b'"'
        return msgspec.json.decode(whole, type=str).encode()
    return _ESCAPES.sub(
        lambda found: msgspec.json.decode(b'"' + found[0] + b'"', type=str).encode(), text
    )


def _read_one_by_one(raw: memoryview, name: str) -> Merges:
    found = _decode_merges(raw, name)
    first = next(found, None)
    if first is None:
        return Merges(b"", 0)
    merges = chain((first,), found)
    if isinstance(first, str) and not _NUL.search(raw):
        return pack_merge_lines((_expect(merge, str, name) for merge in merges), name)
    if isinstance(first, str):
        packed = pack_merges(_cut(_expect(merge, str, name), name) for merge in merges)
    else:
        pairs = (_expect(merge, _Pair, name) for merge in merges)
        packed = pack_merges((one.left, one.right) for one in pairs)
    check_merges(packed.lines, name)
    return packed


_NUL = re.compile(rb"\\u0000")
"""A token may hold what stands between packed lines."""


def _cut(line: str, name: str) -> tuple[str, str]:
    left, blank, right = line.partition(" ")
    if not blank or " " in right:
        raise TokenizerError(f"{name} has a merge that is not a pair", hint=hint_for(name))
    return left, right


_ENTRY = rb"(?:" + _STRING + rb"|\[\s*+" + _STRING + rb"\s*+,\s*+" + _STRING + rb"\s*+\])"
_ENTRIES = re.compile(rb"(?:\s*+,?+\s*+" + _ENTRY + rb"){1,4096}+")


def _decode_merges(raw: memoryview, name: str) -> Iterator[str | _Pair]:
    """Decode some thousand at a time: all of half a million take three times their text."""
    at, count = 1, 0
    while entries := _ENTRIES.match(raw, at):
        text = entries[0].lstrip(b", \t\r\n")
        block = msgspec.json.decode(b"[" + text + b"]", type=list[str | _Pair])
        count += len(block)
        if count > MAX_ENTRIES:
            raise TokenizerError(f"{name} has more than {MAX_ENTRIES} merges", hint=hint_for(name))
        yield from block
        at = entries.end()
    if bytes(raw[at:]).strip() != b"]":  # null, or of another form, which the decoder names
        yield from msgspec.json.decode(raw, type=list[str | _Pair] | None) or ()


def _expect(merge: str | _Pair, kind: type[_T], name: str) -> _T:
    if not isinstance(merge, kind):
        raise TokenizerError(f"{name} mixes two spellings of merges", hint=hint_for(name))
    return merge
