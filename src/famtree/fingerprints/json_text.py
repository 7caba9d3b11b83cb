"""Decoding JSON that strangers wrote: bounded, and with errors that name the file."""

from __future__ import annotations

import json
from typing import Any

from famtree.errors import ConfigError

MAX_DEPTH = 64
"""Deeper nesting occurs in no released config and costs recursion."""

MAX_VALUES = 280_000
"""Weight of what stands between values; a vocabulary's 6,400 added tokens of six fields, the most
that was released, have 110,000. What 4 MiB of empty lists hold would take 100 MB."""
_WEIGHTS = ((b",", 1), (b":", 1), (b"[", 2), (b"{", 3))


def decode_object(data: bytes, name: str) -> dict[str, Any]:
    """Return the JSON object in `data`.

    Raises ConfigError naming the file when it is not UTF-8, not JSON, not an object or an HTML
    page. Byte-order marks are accepted; NaN and Infinity, which Python writes, are too.
    """
    if sum(weight * data.count(mark) for mark, weight in _WEIGHTS) > MAX_VALUES:
        raise ConfigError(
            f"{name} holds more values than are read",
            hint=f"no released checkpoint has as many; look at {name}",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise ConfigError(f"{name} is not UTF-8 text", hint=_hint(name)) from fault
    if text.lstrip()[:1] == "<":
        raise ConfigError(
            f"{name} is an HTML or XML page, not JSON",
            hint="a proxy or a login page answered in place of the file; fetch it again",
        )
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise ConfigError(
            f"{name} is not valid JSON: {_reason(fault)}", hint=_hint(name)
        ) from fault
    if not isinstance(found, dict):
        raise ConfigError(
            f"{name} holds a JSON {type(found).__name__}, not an object", hint=_hint(name)
        )
    if measure_depth(found) > MAX_DEPTH:
        raise ConfigError(f"{name} is nested deeper than {MAX_DEPTH} levels", hint=_hint(name))
    return found


def measure_depth(data: Any) -> int:
    """Return how deep lists and objects nest, counted no further than `MAX_DEPTH` + 1."""
    depth, layer = 0, [data]
    while layer:
        depth += 1
        if depth > MAX_DEPTH:
            return depth
        layer = [
            item
            for node in layer
            for item in (
                node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
            )
            if isinstance(item, dict | list)
        ]
    return depth


def _reason(fault: Exception) -> str:
    if isinstance(fault, json.JSONDecodeError):
        return f"{fault.msg} at line {fault.lineno}, column {fault.colno}"
    return "nested too deeply" if isinstance(fault, RecursionError) else str(fault)[:120]


def _hint(name: str) -> str:
    return f"the download of {name} may be incomplete; fetch it again or look at the file"
