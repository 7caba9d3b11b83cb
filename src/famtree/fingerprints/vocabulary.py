"""A vocabulary as read from any file, and the digests that do not depend on which file it was.

This module is the one definition of the vocabulary and merges digests. They are taken over packed
values and not over canonical JSON because a vocabulary has up to 262,144 entries and half a
million merges, and packing is ten times cheaper; equal values still give equal digests however
the file spelled them.
"""

from __future__ import annotations

import codecs
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from gc import disable, enable, isenabled
from hashlib import sha256
from io import BytesIO
from itertools import groupby, islice
from operator import eq, lt
from typing import Any, Literal
from zlib import crc32

from msgspec import Struct

from famtree.errors import TokenizerError
from famtree.fingerprints.vocabulary_bounds import check_merges, hint_for
from famtree.types.fingerprint import Digest

Form = Literal["byte-level", "sentencepiece", "wordpiece", "raw"]
"""How token strings spell bytes: GPT-2's alphabet, U+2581 for a blank, `##` for a continuation."""


class AddedToken(Struct, frozen=True, gc=False):
    """One token outside the trained vocabulary."""

    id: int
    special: bool


class Merges(Struct, frozen=True):
    """Ordered merges: `left right` lines in UTF-8 with NUL between them.

    `lengths` tells sides apart when some side itself holds a blank or a NUL: the code points of
    the left and right of every merge, little-endian u32; empty otherwise.
    """

    lines: bytes
    count: int
    lengths: bytes = b""


class Vocabulary(Struct):
    """What a vocabulary file says, before side files are applied."""

    kind: str
    form: Form
    tokens: dict[str, int]
    """Token string to id; control tokens may still be among them."""
    base_entries: int | None = None
    """Size of the trained vocabulary as the file counts it, control tokens that are part of it
    included; None where the file does not set it apart."""
    added: dict[str, AddedToken] = {}
    lists_added: bool = False
    """The file names every added token, so that an empty `added` means none."""
    merges: Merges | None = None
    pre_tokenizer: Any = None
    """Simplified JSON of the block, None when the file has none."""
    normalizer: Any = None
    pre: str | None = None
    """llama.cpp's word for the pre-tokenizer, `default` where it needs one and finds none."""
    prefix: list[str] = []
    """Tokens that the post-processor puts in front of a text."""
    special_tokens: dict[str, str] = {}


def byte_alphabet() -> str:
    """Return GPT-2's 256 printable characters, indexed by the byte they stand for.

    Printable Latin-1 stands for itself; the other 68 bytes take U+0100 onward, in order (the
    table of OpenAI's GPT-2 `encoder.py`).
    """
    plain = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x100 + 256 - len(plain)))
    return "".join(chr(byte if byte in plain else next(others)) for byte in range(256))


def spell_bytes(tokens: Iterable[bytes]) -> list[str]:
    """Spell byte tokens in GPT-2's alphabet, as transformers' converters do."""
    alphabet = byte_alphabet()
    decode = codecs.charmap_decode
    return [decode(token, "strict", alphabet)[0] for token in tokens]


@contextmanager
def pause_collector() -> Iterator[None]:
    """Hold off garbage collection while a million small objects are made."""
    if not isenabled():
        yield
        return
    disable()
    try:
        yield
    finally:
        enable()


def digest_vocabulary(tokens: Mapping[str, int]) -> Digest:
    """Digest (token, id) pairs in order of id, then token.

    sha256 over: number of pairs, code points of each token, ids (all little-endian u32), all
    tokens in UTF-8 without separators.
    """
    names, ids = _order_by_id(tokens)
    head = _make_array([len(names)])
    head.extend(map(len, names))
    head.extend(ids)
    hasher = sha256(_to_bytes(head))
    for block in split_blocks(names):
        hasher.update("".join(block).encode("utf-8", "surrogatepass"))
    return Digest(hasher.hexdigest())


def _order_by_id(tokens: Mapping[str, int]) -> tuple[list[str], list[int]]:
    """Return the tokens in order of id, then token, and their ids.

    Each list is sorted by itself, since a pair for each would take twice the memory of the tokens.
    """
    names, ids = list(tokens), list(tokens.values())
    if all(map(lt, ids, islice(ids, 1, None))):
        return names, ids
    names.sort(key=tokens.__getitem__)
    ids.sort()
    if any(map(eq, ids, islice(ids, 1, None))):
        start = 0
        for _, same in groupby(ids):
            stop = start + len(list(same))
            names[start:stop] = sorted(names[start:stop])
            start = stop
    return names, ids


BLOCK = 4096
"""Tokens handled at once: a whole vocabulary as one text takes as much memory as the tokens."""


def split_blocks(tokens: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield `BLOCK` tokens at a time."""
    for at in range(0, len(tokens), BLOCK):
        yield tokens[at : at + BLOCK]


def digest_merges(merges: Merges) -> Digest:
    """Digest the ordered merges: sha256 over their count (u32), `lines` and `lengths`."""
    hasher = sha256(_to_bytes(_make_array([merges.count])))
    hasher.update(merges.lines)
    hasher.update(merges.lengths)
    return Digest(hasher.hexdigest())


def digest_merges_sorted(merges: Merges) -> Digest:
    """Digest the merges as a multiset, so that their order does not count.

    sha256 over their count, total bytes and the sum of their CRC-32, in decimal: sorting half a
    million merges would take longer than reading them. It tells published vocabularies apart
    and is not meant to resist forgery; `digest_merges` is.
    """
    total = sum(sum(map(crc32, lines)) for lines in _split_lines(merges.lines))
    text = f"{merges.count} {len(merges.lines)} {total if merges.count else 0}"
    return Digest(sha256(text.encode()).hexdigest())


def _split_lines(text: bytes) -> Iterator[list[bytes]]:
    """Yield the parts of `text` between its NULs, some thousand at a time."""
    at = 0
    while at <= len(text):
        stop = text.find(b"\0", at + (1 << 18))
        stop = len(text) if stop < 0 else stop
        yield text[at:stop].split(b"\0")
        at = stop + 1


def pack_merges(pairs: Iterable[Sequence[str]]) -> Merges:
    """Pack merges given as (left, right)."""
    pairs = iter(pairs)
    text, lengths = BytesIO(), _make_array([])
    count = blanks = nuls = 0
    while taken := list(islice(pairs, BLOCK)):
        block = "\0".join(map(" ".join, taken))
        blanks, nuls = blanks + block.count(" "), nuls + block.count("\0") + bool(count)
        text.write(b"\0" if count else b"")
        text.write(block.encode("utf-8", "surrogatepass"))
        lengths.extend(len(side) for pair in taken for side in pair)
        count += len(taken)
    plain = not count or (blanks == count and nuls == count - 1)
    return Merges(text.getvalue(), count, b"" if plain else _to_bytes(lengths))


def pack_merge_lines(lines: Iterable[str], name: str) -> Merges:
    """Pack merges given as `left right`; each line has exactly one blank.

    Raises TokenizerError otherwise, and for one that is too long.
    """
    lines, text, count = iter(lines), BytesIO(), 0
    while block := list(islice(lines, BLOCK)):
        packed = "\0".join(block).encode("utf-8", "surrogatepass")
        if not are_pairs(packed, len(block)):
            raise TokenizerError(f"{name} has a merge that is not a pair", hint=hint_for(name))
        check_merges(packed, name)
        text.write(b"\0" if count else b"")
        text.write(packed)
        count += len(block)
    return Merges(text.getvalue(), count)


_NEITHER = bytes({*range(256)} - {*b" \0"})


def are_pairs(lines: bytes, count: int) -> bool:
    """Tell whether these are `count` lines with NUL between them and one blank in each."""
    return lines.translate(None, _NEITHER) == (b" \0" * count)[:-1]


def _make_array(values: Sequence[int]) -> array[int]:
    """Return an array of u32, whichever letter that has on this platform."""
    made = array("I", values)
    return made if made.itemsize == 4 else array("L", values)


def _to_bytes(values: array[int]) -> bytes:
    """Return as little-endian u32 on every platform."""
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()
