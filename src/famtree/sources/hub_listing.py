"""The Hub's model document (`GET /api/models/{id}?blobs=true`) as a Listing, and back.

Only what a listing is made of is built; all else is skipped as it is read, so that no document
within the bound takes more than a few times its length.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from famtree.errors import NetworkError
from famtree.sources.hashes import is_blob_id, is_sha256
from famtree.types.checkpoint import FileEntry, Listing

MAX_DOCUMENT_BYTES = 40 * 1024 * 1024
"""A repository with 100,000 files makes 20 to 30 MB."""
MAX_FILES = 100_000
"""The Hub advises against more in one repository."""
MAX_FIELD_BYTES = 2 * 1024 * 1024
"""Of card, tags and configuration each; as plain JSON they take up to thirty times as much."""

_COMMAS = 10
"""More than the description of a file has, or that of a model in a list."""
_MAX_ESCAPES = 200_000
_MAX_VALUE = 16 * 1024
_STARTS: dict[type, bytes] = {str: b'"', int: b"-0123456789", bool: b"tf"}
"""First bytes of JSON values by kind; of all others `{`."""
"""Bytes of one value by itself: four times the longest name, each letter escaped."""
_REPO_ID = re.compile(r"[\w.-]{1,96}(?:/[\w.-]{1,96})?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f]")
# What nearly all names are, without a dot before a part.
_PLAIN = re.compile(r"(?:[\w-][\w.-]*+/)*+[\w-][\w.-]*+", re.ASCII)
_BOM = b"\xef\xbb\xbf"
# Every escape is taken in turn, so that an escaped backslash before a `u` is none of these.
_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_NULL = Raw(b"null")
_T = TypeVar("_T")


class _Document(Struct):
    siblings: Raw = _NULL
    id: Raw = _NULL
    sha: Raw = _NULL
    cardData: Raw = _NULL  # noqa: N815 - the Hub's own words, here and below
    tags: Raw = _NULL
    createdAt: Raw = _NULL  # noqa: N815
    gated: Raw = _NULL
    config: Raw = _NULL
    etag: Raw = _NULL
    """Not the Hub's: see `encode_listing`."""


class _Lfs(Struct, gc=False, omit_defaults=True):
    size: int | None = None
    sha256: str | None = None
    oid: str | None = None
    """The same, as the Hub's `/tree` names it."""


class _Sibling(Struct, gc=False, omit_defaults=True):
    rfilename: str
    size: int | None = None
    blobId: str | None = None  # noqa: N815
    lfs: _Lfs | None = None


class _LooseLfs(Struct):
    size: Raw = _NULL
    sha256: Raw = _NULL
    oid: Raw = _NULL


class _LooseSibling(_LooseLfs):
    rfilename: Raw = _NULL
    blobId: Raw = _NULL  # noqa: N815
    lfs: Raw = _NULL


def decode_json(data: bytes, kind: type[_T]) -> _T:
    """Decode what a server sent; a half of a surrogate pair, which no text has, becomes a NUL.

    Raises ValueError for anything that is no JSON of that kind.
    """
    data = data.removeprefix(_BOM)
    try:
        try:
            return msgspec.json.decode(data, type=kind)
        except msgspec.DecodeError as fault:
            # Cutting a text in the middle of a pair is a slip that whole documents have survived.
            if isinstance(fault, msgspec.ValidationError) or b"\\u" not in data:
                raise
            if data.count(b"\\") > _MAX_ESCAPES:
                raise
            return msgspec.json.decode(_ESCAPES.sub(_drop_half, data), type=kind)
    except (msgspec.MsgspecError, RecursionError) as fault:
        raise ValueError(str(fault)[:120]) from fault


def decode_each(data: bytes, kind: type[_T], most: int) -> list[_T]:
    """Decode a JSON array, without the items that are not of `kind`.

    Raises ValueError for what is no array, OverflowError for one of more than `most` items.
    """
    try:
        return _decode_array(data, kind, most)
    except ValueError:
        items = _decode_array(data, Raw, most)
    return [found for item in items if (found := _take(item, kind)) is not None]


def decode_listing(data: bytes, what: str) -> Listing:
    """Return the listing in the JSON document that a server sent for `what`.

    Fields of wrong types count as absent, and names that no repository can hold are dropped.
    Raises NetworkError for what is no such document (a login page, a proxy's error page, another
    server), and for one beyond the bounds.
    """
    try:
        found = decode_json(data, _Document)
    except ValueError as fault:
        page = data.lstrip()[:1] == b"<"
        listed = data.removeprefix(_BOM).lstrip()[:1] == b"{"
        told = "an HTML page" if page else "no valid JSON" if listed else "something else"
        raise NetworkError(
            f"{what}: the server sent {told}, not a model's description",
            hint="a proxy or login page may answer for the Hub; check HF_ENDPOINT and the network",
        ) from fault
    for field, value in (("card", found.cardData), ("tags", found.tags), ("config", found.config)):
        if len(memoryview(value)) > MAX_FIELD_BYTES:
            raise _beyond(what, f"{field} of more than {MAX_FIELD_BYTES} bytes")
    tags = _load(found.tags)
    commit, name = _take(found.sha, str), _take(found.id, str)
    return Listing(
        files=_decode_files(found.siblings, what),
        revision=commit if is_blob_id(commit) else None,
        card=_load_object(found.cardData),
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        created_at=_take(found.createdAt, str),
        gated=_take(found.gated, bool) or bool(_take(found.gated, str)),
        config=_load_object(found.config),
        repo_id=name if name is not None and _is_repository(name) else None,
        etag=_take(found.etag, str),
    )


def encode_listing(listing: Listing) -> bytes:
    """Return the document that `decode_listing` reads, the `etag` beside the rest."""
    siblings = [
        _Sibling(
            entry.name,
            entry.size,
            entry.blob_id,
            _Lfs(entry.size, entry.sha256) if entry.sha256 is not None else None,
        )
        for entry in listing.files
    ]
    # Card and tags may hold what msgspec does not encode.
    rest = {
        "id": listing.repo_id,
        "sha": listing.revision,
        "cardData": listing.card,
        "tags": listing.tags,
        "createdAt": listing.created_at,
        "gated": listing.gated,
        "config": listing.config,
        "etag": listing.etag,
    }
    text = json.dumps(rest, separators=(",", ":")).encode()
    return text[:-1] + b',"siblings":' + msgspec.json.encode(siblings) + b"}"


def _is_repository(name: str) -> bool:
    return _REPO_ID.fullmatch(name) is not None and not {".", ".."} & set(name.split("/"))


def is_safe_name(name: str) -> bool:
    """Return whether `name` is a relative path that stays inside its repository."""
    if _PLAIN.fullmatch(name) is not None:
        return len(name) <= 1024
    return (
        0 < len(name) <= 1024
        and not name.startswith("/")
        and "\\" not in name
        and _CONTROL.search(name) is None
        and not {"", ".", ".."} & set(name.split("/"))
        and is_text(name)
    )


def is_text(name: str) -> bool:
    """Return whether `name` can be sent and stored: halves of surrogate pairs cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _decode_array(data: bytes, kind: type[_T], most: int) -> list[_T]:
    # Told before anything is built: every value but the last of its list or table has a comma.
    if data.count(b",") > _COMMAS * most:
        raise OverflowError
    items: list[_T] = decode_json(data, list[kind])  # type: ignore[valid-type]
    if len(items) > most:
        raise OverflowError
    return items


def _decode_files(siblings: Raw, what: str) -> tuple[FileEntry, ...]:
    data = bytes(siblings)
    try:
        try:
            listed = _decode_array(data, _Sibling, MAX_FILES)
        except ValueError:
            listed = [_tighten(item) for item in decode_each(data, _LooseSibling, MAX_FILES)]
    except OverflowError as fault:
        raise _beyond(what, f"more than {MAX_FILES} files") from fault
    except ValueError as fault:
        raise NetworkError(
            f"{what}: the server's description lists no files",
            hint="check that HF_ENDPOINT points at a Hub",
        ) from fault
    return tuple(_make_entry(item) for item in listed if is_safe_name(item.rfilename))


def _tighten(item: _LooseSibling) -> _Sibling:
    """Return the entry with what is of a wrong type left out."""
    lfs = _take(item.lfs, _LooseLfs)
    return _Sibling(
        _take(item.rfilename, str) or "",
        _take(item.size, int),
        _take(item.blobId, str),
        _Lfs(_take(lfs.size, int), _take(lfs.sha256, str), _take(lfs.oid, str))
        if lfs is not None
        else None,
    )


def _make_entry(item: _Sibling) -> FileEntry:
    lfs = item.lfs
    size = item.size if lfs is None or lfs.size is None else lfs.size
    sha256 = (lfs.sha256 or (lfs.oid or "").removeprefix("sha256:")) if lfs is not None else None
    return FileEntry(
        name=item.rfilename,
        size=size if size is not None and size >= 0 else None,
        blob_id=item.blobId if is_blob_id(item.blobId) else None,
        sha256=sha256 if is_sha256(sha256) else None,
    )


def _drop_half(escape: re.Match[bytes]) -> bytes:
    return b"\\u0000" if escape[1] else escape[0]


def _take(value: Raw, kind: type[_T]) -> _T | None:
    """Return a small value by itself; None for one of another kind."""
    text = memoryview(value)
    # A refusal costs an exception: the first byte tells most of what is of another kind.
    if len(text) > _MAX_VALUE or text[0] not in _STARTS.get(kind, b"{"):
        return None
    try:
        return msgspec.json.decode(value, type=kind)
    except msgspec.ValidationError:
        return None
    except (msgspec.MsgspecError, RecursionError):
        pass
    try:
        return decode_json(bytes(value), kind)
    except ValueError:
        return None


def _load(value: Raw) -> Any:
    try:
        return json.loads(bytes(value), parse_float=_read_number)
    except (ValueError, RecursionError):
        return None


def _read_number(text: str) -> float | None:
    """Return a number; None for one beyond all floats, which no JSON can be written with again."""
    value = float(text)
    return value if math.isfinite(value) else None


def _load_object(value: Raw) -> dict[str, Any]:
    found = _load(value)
    return found if isinstance(found, dict) else {}


def _beyond(what: str, told: str) -> NetworkError:
    return NetworkError(
        f"{what}: the server's description has {told}, which is not read",
        hint="give a folder, or check HF_ENDPOINT",
    )
