"""The header of a GGUF file, v2 and v3: key-value pairs, then names and shapes of all tensors.

After the specification (github.com/ggml-org/ggml, docs/gguf.md). Bytes are pulled as they are
needed, so that a reader who only wants architecture and hyperparameters stops before the
vocabulary: strings carry their length inline, and an array of them can only be walked.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import pairwise
from math import prod
from typing import Any

from msgspec import Struct

from famtree.errors import HeaderError
from famtree.packings.ggml_types import stored_bytes, type_name
from famtree.sources.gguf_strings import decode_strings, pass_strings
from famtree.types.checkpoint import TensorInfo

MAGIC = b"GGUF"
STRING, ARRAY, BOOL = 8, 9, 7
VALUE_FORMATS: dict[int, str] = {
    0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d",
}  # fmt: skip
"""Number of a fixed-size value type to its `struct` letter (ggml's docs/gguf.md)."""
_NUMBERS = {
    f"{mark}{letter}": struct.Struct(f"{mark}{letter}")
    for mark in "<>"
    for letter in VALUE_FORMATS.values()
}
MAX_KEYS = 65_536
MAX_TENSORS = 32_768
"""Experts are fused in GGUF, so the largest released models have some 3,000."""
MAX_ITEMS = 600_000
"""Items of one array; the largest released vocabulary has 262,144, with half a million merges."""
MAX_KEY = 65_535
"""Longest key the specification allows, bytes."""
MAX_DIMS = 8
"""The specification has four and reserves the right to more."""
MAX_TEXT = 4 << 20
"""Longest single string, bytes; released chat templates stay under 100 kB."""
MAX_NAME = 4096
"""Longest tensor name, bytes; the specification has 64."""
MAX_TEXTS = 16 << 20
"""Bytes of all keys, names and single strings; in memory they take up to four times as many."""
MAX_JUMP = 64 << 20
"""Offset in the file up to which an unread array is jumped over."""
INLINE_ITEMS, MAX_INLINE = 4096, 250_000
"""Arrays up to this length (one value a layer) are decoded at once, so many items in all."""
DEFAULT_ALIGNMENT = 32
"""Bytes, where `general.alignment` is silent."""
SKIPPED_BYTES = 64 << 10
"""A fixed-size array whose unread rest is longer than this is jumped over unless it is wanted."""
_ONE_BY_ONE = 4096
"""Strings gone past singly before it is tried again to go past many at once."""
_UNSKIPPED = "tokenizer.ggml.token_type"
_OLD_MAGICS = (b"tjgg", b"lmgg", b"fmgg", b"algg", b"ggjt", b"ggml", b"ggmf", b"ggla")
_LFS = b"version https://git-lfs"

Fetch = Callable[[int, int], bytes]
"""Returns bytes [start, stop) of the file; fewer at its end."""


class GgufArray(Struct):
    """An array left undecoded: where it lies, and how many items it has."""

    kind: int
    count: int
    start: int
    stop: int | None
    """None while the array was not walked; its bytes were not all read then."""
    whole: bool = True
    """False where the array was jumped over."""


class GgufHeader(Struct):
    """What was read of one header."""

    version: int
    big_endian: bool
    metadata: dict[str, Any] = {}
    """Decoded values; long arrays and arrays of strings as `GgufArray`."""
    tensors: dict[str, TensorInfo] = {}
    """Shapes row-major (the file's order reversed), dtype the ggml type's name; `begin` and `end`
    count from the start of the data."""
    tensor_count: int = 0
    complete: bool = False
    """True when every key and every tensor was read."""
    length: int = 0
    """Bytes of the header, as far as it was read."""

    @property
    def data_start(self) -> int:
        """Offset of the tensors' data: the first aligned byte after a `complete` header."""
        alignment: int = self.metadata.get("general.alignment", DEFAULT_ALIGNMENT)
        return -(-self.length // alignment) * alignment


class HeaderLimitError(Exception):
    """The header is longer than the caller allowed to read; not an error of the file."""


class GgufReader:
    """Reads a header in one pass that can pause before the vocabulary."""

    def __init__(
        self,
        fetch: Fetch,
        file: str,
        *,
        size: int | None,
        steps: tuple[int, ...] = (1 << 20,),
        limit: int = 1 << 30,
    ) -> None:
        """Prepare to read `file` of `size` bytes (None where unknown).

        `steps` are the lengths of successive fetches, the last one repeated; no byte from `limit`
        on is fetched.
        """
        self._fetch, self.file, self._size = fetch, file, size
        self._steps = list(steps)
        self.limit = limit
        """No byte from here on is fetched; may be raised between two calls."""
        self._buffer = bytearray()
        self._at = 0
        self._keys_left = 0
        self._texts_left, self._inline_left = MAX_TEXTS, MAX_INLINE
        self._mark = "<"
        self.header = self._read_start()

    def read_design(self) -> GgufHeader:
        """Read key-value pairs up to the first array of strings under `tokenizer.`, not into it.

        That array is in the metadata with its count alone. Raises HeaderError when the bytes are
        not a GGUF header.
        """
        self._read_pairs(pause=True)
        return self.header

    def read_rest(self) -> GgufHeader:
        """Read all that is left. Raises HeaderError; HeaderLimitError when `limit` is reached."""
        self._read_pairs(pause=False)
        if not self.header.complete:
            self._read_tensors()
        return self.header

    def decode(self, key: str) -> list[Any] | None:
        """Return an array's items; None when the key is no array, or was not read."""
        found = self.header.metadata.get(key)
        if isinstance(found, list):
            return found
        if not isinstance(found, GgufArray) or found.stop is None or not found.whole:
            return None
        if found.kind == STRING:
            return self._decode_strings(found)
        if found.kind not in VALUE_FORMATS:
            return None
        return list(self._unpack_many(found.kind, found.count, found.start))

    def _read_start(self) -> GgufHeader:
        if self._size is not None and self._size < 24:
            raise self._bad("is too short for a GGUF header")
        self._need(24)
        start = bytes(self._buffer[:24])
        if start.startswith(_LFS[:24]):
            raise HeaderError(
                f"{self.file} is a git-LFS pointer, not the file itself",
                hint=f"run `git lfs pull --include {self.file}` in the repository",
            )
        if start[:4] in _OLD_MAGICS:
            raise HeaderError(
                f"{self.file} is of a format older than GGUF",
                hint="convert it with llama.cpp's convert_llama_ggml_to_gguf.py",
            )
        if start[:4] != MAGIC:
            raise self._bad(f"does not start with GGUF but {start[:4]!r}")
        (version,) = struct.unpack_from("<I", start, 4)
        # The version is small, so its low half is zero only where the bytes are swapped.
        swapped = version & 0xFFFF == 0 and version != 0
        if swapped:
            self._mark = ">"
            (version,) = struct.unpack_from(">I", start, 4)
        if version not in (2, 3):
            raise HeaderError(
                f"{self.file} is GGUF version {version}",
                hint="versions 2 and 3 are read; convert the file again with a current llama.cpp",
            )
        tensors, keys = struct.unpack_from(f"{self._mark}QQ", start, 8)
        if keys > MAX_KEYS or tensors > MAX_TENSORS:
            raise self._bad(f"claims {keys} keys and {tensors} tensors")
        # A key takes at least 13 bytes and a tensor 24: a lie is told before anything is read.
        if self._size is not None and 24 + 13 * keys + 24 * tensors > self._size:
            raise self._bad(f"claims {keys} keys and {tensors} tensors in {self._size} bytes")
        self._keys_left, self._at = keys, 24
        return GgufHeader(version, swapped, tensor_count=tensors, length=24)

    def _read_pairs(self, *, pause: bool) -> None:
        paused = False
        while self._keys_left and not paused:
            start = self._at
            try:
                paused = self._read_pair(start, pause)
            except HeaderLimitError:
                self._at = start  # to be read again, should the limit be raised
                raise

    def _read_pair(self, start: int, pause: bool) -> bool:
        """Read one pair; True where it is an array at which to pause."""
        metadata = self.header.metadata
        key = self._read_text(MAX_KEY, "a key")
        kind = self._read_number("I")
        known = metadata.get(key)
        if key in metadata and not (isinstance(known, GgufArray) and known.stop is None):
            raise self._bad(f"has the key {key[:120]!r} twice")
        if kind == ARRAY:
            value: Any = self._read_array(key, pause)
            if isinstance(value, GgufArray) and value.stop is None:
                metadata[key] = value
                self._at = start
                return True
        else:
            value = self._read_scalar(kind)
        metadata[key] = value
        self._keys_left -= 1
        self.header.length = self._at
        return False

    def _read_scalar(self, kind: int) -> Any:
        if kind == STRING:
            return self._read_text(MAX_TEXT, "a string")
        if kind not in VALUE_FORMATS:
            raise self._bad(f"has a value of unknown type {kind}")
        value = self._read_number(VALUE_FORMATS[kind])
        return bool(value) if kind == BOOL else value

    def _read_array(self, key: str, pause: bool) -> Any:
        kind = self._read_number("I")
        count = self._read_number("Q")
        if count > MAX_ITEMS:
            raise self._bad(f"claims {count} items in {key[:120]!r}")
        start = self._at
        if kind == STRING:
            if pause and key.startswith("tokenizer."):
                return GgufArray(kind, count, start, None)
            self._walk_strings(count)
            array = GgufArray(kind, count, start, self._at)
            return self._decode_strings(array) if self._take_inline(count) else array
        if kind not in VALUE_FORMATS:
            raise self._bad(f"has an array of type {kind} in {key[:120]!r}")
        stop = start + count * struct.calcsize(VALUE_FORMATS[kind])
        if self._size is not None and stop > self._size:
            raise self._bad("ends inside an array")
        if self._take_inline(count):
            self._need(stop)
            self._at = stop
            return list(self._unpack_many(kind, count, start))
        whole = key == _UNSKIPPED or stop - len(self._buffer) <= SKIPPED_BYTES
        if whole:
            self._need(stop)
        elif stop > MAX_JUMP:
            raise HeaderLimitError
        else:
            self._buffer.extend(bytes(stop - len(self._buffer)))
        self._at = stop
        return GgufArray(kind, count, start, stop, whole)

    def _take_inline(self, count: int) -> bool:
        """Return whether an array of so many items is decoded at once."""
        taken = count <= min(INLINE_ITEMS, self._inline_left)
        self._inline_left -= count if taken else 0
        return taken

    def _unpack_many(self, kind: int, count: int, start: int) -> tuple[Any, ...]:
        values = struct.unpack_from(
            f"{self._mark}{count}{VALUE_FORMATS[kind]}", self._buffer, start
        )
        return tuple(map(bool, values)) if kind == BOOL else values

    def _walk_strings(self, count: int) -> None:
        """Go past `count` strings; the hot loop of the whole reader."""
        if self._size is not None and self._at + 8 * count > self._size:
            raise self._bad("ends inside an array of strings")
        at, left, buffer = self._at, count, self._buffer
        unpack = struct.Struct(f"{self._mark}Q").unpack_from
        while left:
            passed, at = pass_strings(buffer, at, self._mark, left)
            left -= passed
            for _ in range(0 if passed else min(left, _ONE_BY_ONE)):
                if at + 8 > len(buffer):
                    self._need(at + 8)
                at += 8 + unpack(buffer, at)[0]
                left -= 1
        self._need(at)
        self._at = at

    def _decode_strings(self, array: GgufArray) -> list[str]:
        data = bytes(memoryview(self._buffer)[array.start : array.stop])
        try:
            return decode_strings(data, array.count, self._mark, MAX_TEXT)
        except ValueError as fault:
            raise self._bad(str(fault)) from fault

    def _read_tensors(self) -> None:
        header = self.header
        entries: list[tuple[str, int, tuple[int, ...], int]] = []
        seen: set[str] = set()
        ends = [struct.Struct(f"{self._mark}{dims}QIQ") for dims in range(MAX_DIMS + 1)]
        number = _NUMBERS[self._mark + "I"]
        for _ in range(header.tensor_count):
            name = self._read_text(MAX_NAME, "a tensor name")
            if name in seen:
                raise self._bad(f"has the tensor {name[:120]!r} twice")
            seen.add(name)
            (dims,) = self._unpack(number)
            if dims > MAX_DIMS:
                raise self._bad(f"has a tensor {name[:120]!r} of {dims} dimensions")
            *sizes, kind, offset = self._unpack(ends[dims])
            entries.append((name, kind, tuple(sizes[::-1]), offset))
        header.length = self._at
        header.tensors = self._place(entries)
        header.complete = True

    def _place(self, entries: list[tuple[str, int, tuple[int, ...], int]]) -> dict[str, TensorInfo]:
        """Give every tensor its bytes, and check that they lie in the file."""
        alignment = self.header.metadata.get("general.alignment", DEFAULT_ALIGNMENT)
        if type(alignment) is not int or not 0 < alignment <= 1 << 20:
            raise self._bad(f"has an alignment of {alignment!r}")
        data = self._size - self.header.data_start if self._size else None
        offsets = sorted({offset for *_, offset in entries})
        following = dict(pairwise(offsets))
        found = {}
        for name, kind, shape, offset in entries:
            numel = prod(shape)
            if numel >= 1 << 63:
                raise self._bad(f"has a tensor {name[:120]!r} of {numel} weights")
            try:
                nbytes = stored_bytes(kind, shape, numel)
            except ValueError as fault:
                raise self._bad(f"has a tensor {name[:120]!r} whose {fault}") from fault
            if nbytes is None:  # a newer type: its bytes reach to the next tensor
                last = data if data is not None else offset
                nbytes = max(0, following.get(offset, last) - offset)
            if data is not None and offset + nbytes > data:
                raise self._bad(f"ends before the data of tensor {name[:120]!r}")
            found[name] = TensorInfo(
                name, type_name(kind), shape, offset, offset + nbytes, self.file
            )
        return found

    def _read_text(self, longest: int, what: str) -> str:
        length = self._read_number("Q")
        if length > longest:
            raise self._bad(f"has {what} of {length} bytes")
        self._texts_left -= length
        if self._texts_left < 0:
            raise self._bad(f"has more than {MAX_TEXTS} bytes of keys, names and strings")
        start, stop = self._at, self._at + length
        if stop > len(self._buffer):
            self._need(stop)
        self._at = stop
        return self._buffer[start:stop].decode("utf-8", "replace")

    def _read_number(self, letter: str) -> Any:
        return self._unpack(_NUMBERS[self._mark + letter])[0]

    def _unpack(self, form: struct.Struct) -> tuple[Any, ...]:
        start, stop = self._at, self._at + form.size
        if stop > len(self._buffer):
            self._need(stop)
        self._at = stop
        return form.unpack_from(self._buffer, start)

    def _need(self, stop: int) -> None:
        """Have bytes up to `stop` in the buffer."""
        if stop <= len(self._buffer):
            return
        if self._size is not None and stop > self._size:
            raise self._bad("ends inside its header")
        if stop > self.limit:
            raise HeaderLimitError
        while len(self._buffer) < stop:
            step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
            start = len(self._buffer)
            end = min(max(stop, start + step), self.limit)
            if self._size is not None:
                end = min(end, self._size)
            data = self._fetch(start, end)
            if not data:
                raise self._bad("ends inside its header")
            self._buffer += data

    def _bad(self, reason: str) -> HeaderError:
        return HeaderError(
            f"{self.file} {reason}",
            hint=f"the download of {self.file} may be incomplete; fetch it again",
        )
