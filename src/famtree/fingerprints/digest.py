"""The one definition of a digest: sha256 over canonical JSON."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from famtree.types.fingerprint import Digest


def canonical_json(data: Any) -> bytes:
    """Serialise plain data to one byte string: keys sorted, no spaces, UTF-8.

    Integral floats become integers (10000.0 and 10000 are one value in every config dialect).
    """
    return json.dumps(
        _normalise(data),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    ).encode("utf-8", "surrogatepass")


def digest(data: Any) -> Digest:
    """Return the lower-case hex sha256 of `canonical_json(data)`."""
    return Digest(sha256(canonical_json(data)).hexdigest())


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
