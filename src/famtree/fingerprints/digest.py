"""The one definition of a digest: sha256 over canonical JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from itertools import islice
from typing import Any

from famtree.types.fingerprint import Digest

_BLOCK = 4096


def canonical_json(data: Any) -> bytes:
    """Serialise plain data to one byte string: keys sorted, no spaces, UTF-8.

    Integral floats become integers (10000.0 and 10000 are one value in every config dialect).
    """
    return _spell(_normalise(data))


def _spell(data: Any) -> bytes:
    return json.dumps(
        data,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    ).encode("utf-8", "surrogatepass")


def digest(data: Any) -> Digest:
    """Return the lower-case hex sha256 of `canonical_json(data)`."""
    return Digest(sha256(canonical_json(data)).hexdigest())


def digest_rows(rows: Iterable[list[str | int]]) -> Digest:
    """Return `digest` of a list of plain rows, of which only a block is spelled at a time."""
    rows, hasher, comma = iter(rows), sha256(b"["), b""
    while block := list(islice(rows, _BLOCK)):
        hasher.update(comma + _spell(block)[1:-1])
        comma = b","
    hasher.update(b"]")
    return Digest(hasher.hexdigest())


def _normalise(data: Any) -> Any:
    if isinstance(data, bool):
        return data
    if isinstance(data, float):
        if data != data or data in (float("inf"), float("-inf")):
            return repr(data)
        return int(data) if data.is_integer() else data
    if isinstance(data, dict):
        return {str(key): _normalise(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_normalise(value) for value in data]
    return data
