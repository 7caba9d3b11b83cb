"""Front matter of a model card, as plain data."""

from __future__ import annotations

from typing import Any

MAX_CARD_BYTES = 256 * 1024
"""Front matter is a few kilobytes; with thousands of evaluation results, some hundred."""

_MAX_DEPTH = 16
_MAX_ITEMS = 20_000
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
    import yaml

    class CardLoader(yaml.SafeLoader):
        """SafeLoader that keeps dates as text."""

    CardLoader.yaml_implicit_resolvers = {
        letter: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
        for letter, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        found = yaml.load(block, Loader=CardLoader)  # noqa: S506 - a SafeLoader
        plain = _Plain().copy(found)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError):
        return {}
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


class _Plain:
    """Copies what PyYAML made into JSON-like data, within bounds (aliases multiply content)."""

    def __init__(self) -> None:
        self._left = _MAX_ITEMS

    def copy(self, value: Any, depth: int = 0) -> Any:
        self._left -= 1
        if self._left < 0 or depth > _MAX_DEPTH:
            raise ValueError("the front matter is too large")
        if isinstance(value, dict):
            return {str(key): self.copy(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.copy(item, depth + 1) for item in value]
        if value is None or isinstance(value, str | int | float | bool):
            return value
        return str(value)[:1000]
