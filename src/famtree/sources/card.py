"""Front matter of a model card, as plain data."""

from __future__ import annotations

from typing import Any

from famtree.sources.yaml_text import load_documents

MAX_CARD_BYTES = 256 * 1024
"""Front matter is a few kilobytes; with thousands of evaluation results, some hundred."""

_SKIPPED_KEYS = ("model-index:", "widget:")
"""Bulky top-level blocks that say nothing about origin; PyYAML takes seconds for them."""


def parse_card(data: bytes) -> dict[str, Any]:
    """Return the front matter of a README.md whose first bytes are `data`.

    Empty when there is none, or when it is malformed: a card is a claim by its author and never
    stops an identification. Values are strings, numbers, booleans, None, lists and dicts only;
    dates stay as written. `model-index` and `widget` are left out.
    """
    if not data.removeprefix(b"\xef\xbb\xbf").startswith(b"---"):
        return {}
    text = data[:MAX_CARD_BYTES].decode("utf-8-sig", "replace")
    block = _front_matter(text)
    if block is None:
        return {}
    plain = next(iter(load_documents(block)), None)
    return plain if isinstance(plain, dict) else {}


def _front_matter(text: str) -> str | None:
    lines = text.splitlines()
    kept: list[str] = []
    skipping = False
    for line in lines[1:]:
        if line.rstrip() == "---":
            return "\n".join(kept)
        if line[:1] not in {"", " ", "\t", "-", "#"}:
            skipping = line.startswith(_SKIPPED_KEYS)
        if not skipping:
            kept.append(line)
    return None
