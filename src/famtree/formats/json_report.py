"""JSON documents: one object, keys sorted, UTF-8, no terminal codes, byte-identical."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any, Protocol

from famtree.formats.escape import UNSAFE

# Python refuses to print integers of more digits than this (sys.set_int_max_str_digits); no count
# or size of a checkpoint comes near.
_MOST_BITS = 4096


class PublishedAnswer(Protocol):
    """What has a published schema."""

    def to_document(self) -> dict[str, Any]:
        """Return it as plain data."""
        ...


def render_json(document: dict[str, Any]) -> str:
    r"""Return `document` as indented JSON with a final line feed.

    Letters of all scripts stay readable; control, invisible and bidirectional characters and lone
    surrogates are written as `\uXXXX`, so that the text can be shown and encoded. Numbers JSON
    has no form for (NaN, the infinities) become null.
    """
    return _render(document, indent=2) + "\n"


def publish(answer: PublishedAnswer) -> dict[str, Any]:
    """Return the document of the contract as plain data."""
    return answer.to_document()


def render_line(document: dict[str, Any]) -> str:
    """Return `document` as `render_json` does, on one line and without a line feed."""
    return _render(document, separators=(",", ":"))


def _render(document: dict[str, Any], **form: Any) -> str:
    options: dict[str, Any] = {"sort_keys": True, "ensure_ascii": False, **form}
    try:
        text = json.dumps(document, allow_nan=False, **options)
    except ValueError:
        text = json.dumps(_drop_impossible(document), allow_nan=False, **options)
    return UNSAFE.sub(_escape, text)


def _drop_impossible(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _drop_impossible(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_drop_impossible(item) for item in value]
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return None
    return value


def _escape(match: re.Match[str]) -> str:
    # json has escaped every line feed inside a string; those left are the document's own.
    return "\n" if match.group() == "\n" else json.dumps(match.group())[1:-1]
