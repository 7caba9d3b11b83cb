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
from typing import Any, Literal, NamedTuple
from zlib import crc32

from msgspec import Struct

from famtree.errors import TokenizerError
from famtree.types.fingerprint import Digest

MAX_FILE = 48 << 20
"""Bytes; the largest released tokenizer file has 34 MB."""
MAX_ENTRIES = 600_000
"""Tokens, and merges; each takes some 300 bytes of memory. Large released vocabularies have 262,144
tokens and 514,906 merges; XLM-V's 901,629 tokens stay unread."""
MAX_ID = (1 << 31) - 1

Form = Literal["byte-level", "sentencepiece", "wordpiece", "raw"]
"""How token strings spell bytes: GPT-2's alphabet, U+2581 for a blank, `##` for a continuation."""


class AddedToken(NamedTuple):
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


def check_size(data: bytes, name: str) -> None:
    """Raise TokenizerError when a tokenizer file is empty or unreasonably large."""
    if not data:
        raise TokenizerError(f"{name} is empty", hint=hint_for(name))
    if len(data) > MAX_FILE:
        raise TokenizerError(
            f"{name} has {len(data)} bytes, more than {MAX_FILE}",
            hint="no released tokenizer is this large; look at the file",
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
    names, ids = list(tokens), list(tokens.values())
    in_order = ids == list(range(len(ids))) or (ids == sorted(ids) and len(ids) == len(set(ids)))
    if not in_order:
        pairs = sorted(zip(ids, names, strict=True))
        ids, names = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    hasher = sha256(_pack([len(ids), *map(len, names), *ids]))
    hasher.update("".join(names).encode("utf-8", "surrogatepass"))
    return Digest(hasher.hexdigest())


def digest_merges(merges: Merges) -> Digest:
    """Digest the ordered merges: sha256 over their count (u32), `lines` and `lengths`."""
    hasher = sha256(_pack([merges.count]))
    hasher.update(merges.lines)
    hasher.update(merges.lengths)
    return Digest(hasher.hexdigest())


def digest_merges_sorted(merges: Merges) -> Digest:
    """Digest the merges as a multiset, so that their order does not count.

    sha256 over their count, total bytes and the sum of their CRC-32, in decimal: sorting half a
    million merges would take longer than reading them. It tells published vocabularies apart
    and is not meant to resist forgery; `digest_merges` is.
    """
    total = sum(map(crc32, merges.lines.split(b"\0"))) if merges.count else 0
    text = f"{merges.count} {len(merges.lines)} {total}"
    return Digest(sha256(text.encode()).hexdigest())


def pack_merges(pairs: Iterable[Sequence[str]]) -> Merges:
    """Pack merges given as (left, right)."""
    pairs = list(pairs)
    text = "\0".join(map(" ".join, pairs))
    count = len(pairs)
    lengths = b""
    if count and (text.count(" ") != count or text.count("\0") != count - 1):
        lengths = _pack([len(side) for pair in pairs for side in pair])
    return Merges(text.encode("utf-8", "surrogatepass"), count, lengths)


def pack_merge_lines(lines: Iterable[str], name: str) -> Merges:
    """Pack merges given as `left right`; each line has exactly one blank.

    Raises TokenizerError otherwise.
    """
    lines = list(lines)
    text = "\0".join(lines)
    count = len(lines)
    if text.count("\0") != max(count - 1, 0) or any(line.count(" ") != 1 for line in lines):
        raise TokenizerError(f"{name} has a merge that is not a pair", hint=hint_for(name))
    return Merges(text.encode("utf-8", "surrogatepass"), count)


def _pack(values: Sequence[int]) -> bytes:
    """Pack as little-endian u32 on every platform."""
    packed = array("I", values)
    if packed.itemsize != 4:
        packed = array("L", values)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()
