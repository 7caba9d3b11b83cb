"""The header of a safetensors file: eight bytes of length, then JSON, then the data.

Pure: takes the first bytes of a file, opens nothing. The checks are those of the reference
implementation (github.com/huggingface/safetensors, `SafeTensors::read_metadata`): offsets start
at zero, follow each other without a hole or an overlap, and end where the file ends; a tensor's
bytes are its shape times its element size.
"""

from __future__ import annotations

import json
from operator import attrgetter, eq
from typing import Any, TypeGuard

import msgspec
from msgspec import Struct

from famtree.errors import HeaderError
from famtree.types.checkpoint import TensorInfo

MAX_HEADER = 100_000_000
"""Longest JSON the reference implementation accepts, bytes."""
MAX_READ = 24 << 20
"""Longest header that is read; the longest released ones, of some 90,000 tensors in one file, have
about 14 MB. What is decoded takes several times its length in memory."""
MAX_TENSORS = 150_000
"""Tensors of one file; the largest released ones have some 90,000."""
MAX_COLONS, MAX_COMMAS = 6 * MAX_TENSORS, 16 * MAX_TENSORS
"""Signs of a header, counted before anything is built: a tensor has four colons, and a comma for
each dimension."""
MAX_DIMS = 64
MAX_NAME = 4096

DTYPE_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "I16": 16, "U16": 16, "I32": 32, "U32": 32, "I64": 64, "U64": 64,
    "F16": 16, "BF16": 16, "F32": 32, "F64": 64, "C64": 64,
    "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}  # fmt: skip
"""Bits an element of safetensors' dtypes, as of 0.8."""

_TYPED_FROM = 1 << 20
"""Length from which typed decoding repays making its types; below, json is faster in all."""
_METADATA = "__metadata__"
_LFS = b"version https://git-lfs"


class ParsedHeader(Struct, frozen=True):
    """One header: its tensors by name in file order, its metadata, and lengths in bytes."""

    tensors: dict[str, TensorInfo]
    metadata: dict[str, str] = {}
    length: int = 0
    """Length of the JSON; the data starts at `8 + length`."""
    data_size: int = 0


def header_length(data: bytes, file: str) -> int:
    """Return the length in bytes of the JSON that follows the first eight bytes.

    Raises HeaderError when `data` has fewer than eight bytes, when it is a git-LFS pointer, an
    HTML page or another format, or when the length is zero or over `MAX_HEADER`.
    """
    if data.startswith(_LFS):
        raise HeaderError(
            f"{file} is a git-LFS pointer, not the file itself",
            hint=f"run `git lfs pull --include {file}` in the repository",
        )
    if not data:
        raise HeaderError(f"{file} is empty", hint=_again(file))
    if len(data) < 8:
        raise HeaderError(
            f"{file} has {len(data)} bytes, too few for a safetensors header", hint=_again(file)
        )
    length = int.from_bytes(data[:8], "little")
    if length > MAX_HEADER and data[:64].lstrip()[:1] == b"<":
        raise HeaderError(
            f"{file} is an HTML or XML page, not safetensors",
            hint="a proxy or a login page answered in place of the file; fetch it again",
        )
    if length > MAX_HEADER:
        raise HeaderError(
            f"{file} states a header of {length} bytes, over the limit of {MAX_HEADER}",
            hint="it is not a safetensors file, or its beginning is damaged",
        )
    if length > MAX_READ:
        raise HeaderError(
            f"{file} states a header of {length} bytes, over the {MAX_READ} that are read",
            hint="no released model has as long a header; look at the file",
        )
    if length < 2:
        raise HeaderError(f"{file} states a header of {length} bytes", hint=_again(file))
    return length


def parse_header(data: bytes, file: str, *, file_size: int | None) -> ParsedHeader:
    """Parse the header at the beginning of `data`; what follows it is not looked at.

    `data` is the whole file or any prefix that holds the header; `file_size` is the size in bytes
    of the whole file, where known, and must fit the offsets exactly. Raises HeaderError.
    """
    length = header_length(data, file)
    if file_size is not None and 8 + length > file_size:
        raise HeaderError(
            f"{file} states a header of {length} bytes but has only {file_size} bytes in all",
            hint=_again(file),
        )
    if len(data) < 8 + length:
        raise HeaderError(
            f"{file}: the header is cut off after {len(data) - 8} of {length} bytes",
            hint=_again(file),
        )
    text = data[8 : 8 + length]
    if text[:1] != b"{":
        raise HeaderError(f"{file}: the header is not a JSON object", hint=_again(file))
    if text.count(b":") > MAX_COLONS or text.count(b",") > MAX_COMMAS:
        raise HeaderError(
            f"{file} has a header of more than {MAX_TENSORS} tensors, or of very many dimensions",
            hint="no released file has as many; look at it",
        )
    decoded = _decode_sound(text, file)
    if decoded is None and length >= _TYPED_FROM:
        decoded = _decode_typed(text, file)
    tensors, metadata = decoded or _decode_plain(text, file)
    if len(tensors) > MAX_TENSORS:
        raise HeaderError(
            f"{file} has {len(tensors)} tensors, more than {MAX_TENSORS}",
            hint="no released file has as many; look at it",
        )
    try:
        "".join(tensors).encode("utf-8")
    except UnicodeEncodeError as fault:
        raise HeaderError(f"{file}: a tensor name is not valid Unicode", hint="") from fault
    data_size = _check_layout(tensors, file)
    if file_size is not None and 8 + length + data_size != file_size:
        state = "truncated" if 8 + length + data_size > file_size else "longer than its header says"
        raise HeaderError(
            f"{file} is {state}: {file_size} bytes, {8 + length + data_size} expected",
            hint=_again(file),
        )
    return ParsedHeader(tensors, metadata, length, data_size)


class _Sound(msgspec.Struct, gc=False):
    """A tensor's entry as nearly all are."""

    dtype: str = ""
    shape: tuple[int, ...] | None = None
    data_offsets: tuple[int, int] = (-1, -1)


_KEYS = (b'"dtype"', b'"shape"', b'"data_offsets"')
_sound = msgspec.json.Decoder(dict[str, _Sound])


def _decode_sound(text: bytes, file: str) -> tuple[dict[str, TensorInfo], dict[str, str]] | None:
    """Return what a header says that is beyond doubt, in a third of the time; None for others.

    Each key has to be there as often as there are tensors, so that none is given twice, and nothing
    may be escaped; the other ways of reading say what is wrong.
    """
    if b"\\" in text or b'"__metadata__"' in text[_METADATA_AHEAD:]:
        return None
    try:
        found = _sound.decode(text)
        noted = found.pop(_METADATA, None)
        metadata = msgspec.json.decode(text, type=_Noted).table if noted is not None else {}
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if any(text.count(key) != len(found) for key in _KEYS):
        return None
    tensors = {}
    for name, one in found.items():
        if one.shape is None:
            return None
        tensors[name] = TensorInfo(name, one.dtype, one.shape, *one.data_offsets, file)
    return tensors, _check_metadata(metadata, file)


class _Noted(msgspec.Struct):
    table: dict[str, str] = msgspec.field(name="__metadata__", default_factory=dict)


_METADATA_AHEAD = 2
"""Writers put it first; where it is elsewhere it may be there twice."""


def _decode_plain(text: bytes, file: str) -> tuple[dict[str, TensorInfo], dict[str, str]]:
    try:
        found: dict[str, Any] = json.loads(text.decode("utf-8"), object_pairs_hook=_no_duplicates)
    except _DuplicateKeyError as fault:
        raise HeaderError(f"{file}: the header has {fault} twice", hint=_again(file)) from fault
    except (ValueError, RecursionError) as fault:
        raise HeaderError(
            f"{file}: the header is not valid JSON: {str(fault)[:120]}", hint=_again(file)
        ) from fault
    metadata = _check_metadata(found.pop(_METADATA, {}), file)
    tensors = {}
    for name, entry in found.items():
        if not isinstance(entry, dict):
            raise _bad(file, name, "is not described by an object")
        dtype, shape, span = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
        if not isinstance(dtype, str):
            raise _bad(file, name, "has no dtype")
        if not _integers(shape):
            raise _bad(file, name, "has a shape that is not a list of integers")
        if not _integers(span) or len(span) != 2:
            raise _bad(file, name, "has no pair of data_offsets")
        tensors[name] = TensorInfo(name, dtype, tuple(shape), span[0], span[1], file)
    return tensors, metadata


def _decode_typed(text: bytes, file: str) -> tuple[dict[str, TensorInfo], dict[str, str]]:
    """Decode a long header without building what is not asked for."""

    class Entry(msgspec.Struct, gc=False):
        dtype: str = ""
        shape: tuple[int, ...] = ()
        data_offsets: tuple[int, int] = (-1, -1)

    class Metadata(msgspec.Struct):
        table: dict[str, str] = msgspec.field(name=_METADATA, default_factory=dict)

    try:
        found = msgspec.json.decode(text, type=dict[str, Entry])
        metadata = msgspec.json.decode(text, type=Metadata).table if _METADATA in found else {}
    except (msgspec.MsgspecError, ValueError, RecursionError) as fault:
        raise HeaderError(
            f"{file}: the header is not valid: {str(fault)[:120]}", hint=_again(file)
        ) from fault
    found.pop(_METADATA, None)
    if text.count(b'"data_offsets"') != len(found) or text.count(b'"__metadata__"') > 1:
        raise HeaderError(f"{file}: the header has a key twice", hint=_again(file))
    return {
        name: TensorInfo(name, entry.dtype, entry.shape, *entry.data_offsets, file)
        for name, entry in found.items()
    }, _check_metadata(metadata, file)


def _check_layout(tensors: dict[str, TensorInfo], file: str) -> int:
    """Check names, dtypes, sizes and the chain of offsets; return the bytes of data."""
    position = 0
    for tensor in _sort_by_place(list(tensors.values())):
        name, begin, end, shape = tensor.name, tensor.begin, tensor.end, tensor.shape
        if len(name) > MAX_NAME or len(shape) > MAX_DIMS:
            raise _bad(file, name, "has an absurdly long name or shape")
        bits = DTYPE_BITS.get(tensor.dtype)
        if bits is None:
            raise _bad(file, name, f"has the unknown dtype {tensor.dtype[:32]!r}")
        if begin < 0 or end < begin:
            raise _bad(file, name, f"has the data_offsets [{begin}, {end}]")
        if begin != position:
            word = "overlaps the tensor before it" if begin < position else "leaves a hole before"
            raise _bad(file, name, f"{word}: it begins at {begin}, not at {position}")
        for size in shape:
            if size < 0:
                raise _bad(file, name, "has a negative dimension")
            bits *= size
        if bits != (end - begin) * 8:
            needed = f"{min(bits, 1 << 64) / 8:g}"  # a hostile one is too long for a float
            raise _bad(
                file, name, f"has {end - begin} bytes, its {tensor.dtype} shape needs {needed}"
            )
        position = end
    return position


def _sort_by_place(tensors: list[TensorInfo]) -> list[TensorInfo]:
    """Return the tensors in the order of their bytes, in which most writers name them."""
    begins, ends = map(attrgetter("begin"), tensors[1:]), map(attrgetter("end"), tensors)
    if not all(map(eq, begins, ends)):
        tensors.sort(key=attrgetter("begin", "end"))
    return tensors


class _DuplicateKeyError(Exception):
    """A JSON object names one key twice."""


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _DuplicateKeyError(repr(twice[:80]))
    return table


def _check_metadata(found: Any, file: str) -> dict[str, str]:
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise HeaderError(f"{file}: __metadata__ is not a table of strings", hint=_again(file))
    return found


def _integers(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(item) is int for item in value)


def _bad(file: str, name: str, reason: str) -> HeaderError:
    return HeaderError(f"{file}: tensor {name[:120]!r} {reason}", hint=_again(file))


def _again(file: str) -> str:
    return f"the download of {file} may be incomplete; fetch it again"
