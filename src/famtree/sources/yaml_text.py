"""YAML that strangers wrote, as plain data within bounds.

PyYAML's safe loader runs no code, but a few lines can make it build gigabytes (merge keys), hand
out structures that hold themselves or multiply when they are walked (aliases), or compute numbers
for minutes (`1:59:59:...`, whose digits count in sixties). libyaml, which its wheels bring, parses
ten times as fast as its own Python; it has no bounds, so what a text holds is counted before.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

MAX_NODES = 20_000
"""Values in all documents of one text, those behind aliases counted every time; front matter with
thousands of evaluation results stays below. PyYAML takes some 10 microseconds for each."""
MAX_DEPTH = 16
"""Levels of lists and tables; libyaml's binding calls itself for each, with no limit of its own."""
MAX_NUMBER = 64
"""Characters of a number."""
_UNRESOLVED = ("timestamp", "merge", "value")
"""Kinds that stay text: dates, and the keys `<<` and `=`."""
_LONGEST_TEXT = 1000
"""Characters kept of a value of a kind that is no JSON."""


def load_documents(text: str) -> list[Any]:
    """Return the documents in `text`; empty when it is malformed or out of bounds.

    Values are strings, numbers, booleans, None, lists and dicts with string keys; dates stay as
    written. Merge keys (`<<`) are not resolved and tags that mean code make the text malformed.
    """
    import yaml

    loader = _make_loader()
    try:
        _count(yaml.parse(text, Loader=loader))
        found = list(yaml.load_all(text, Loader=loader))
        plain = _Plain()
        return [plain.copy(document) for document in found]
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError):
        return []


def _count(events: Iterable[Any]) -> None:
    """Raise ValueError where there are too many values, or too deep ones."""
    import yaml

    left, depth = MAX_NODES, 0
    for event in events:
        if isinstance(event, yaml.NodeEvent):
            left -= 1
            depth += isinstance(event, yaml.CollectionStartEvent)
            if left < 0 or depth > MAX_DEPTH:
                raise ValueError("too large")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


@cache
def _make_loader() -> Any:
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """A safe loader that keeps dates as text and resolves no merge key."""

        def flatten_mapping(self, node: Any) -> None:
            """Leave `<<` a key like any other."""

        def construct_yaml_int(self, node: Any) -> Any:
            self._check_length(node)
            return super().construct_yaml_int(node)

        def construct_yaml_float(self, node: Any) -> Any:
            self._check_length(node)
            return super().construct_yaml_float(node)

        def _check_length(self, node: Any) -> None:
            if len(self.construct_scalar(node)) > MAX_NUMBER:
                raise ValueError("a number of too many digits")

    Loader.yaml_implicit_resolvers = {
        letter: [
            pair for pair in pairs if pair[0].removeprefix("tag:yaml.org,2002:") not in _UNRESOLVED
        ]
        for letter, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    for kind in ("int", "float"):
        Loader.add_constructor(
            f"tag:yaml.org,2002:{kind}", getattr(Loader, f"construct_yaml_{kind}")
        )
    return Loader


class _Plain:
    """Copies what PyYAML made into JSON-like data, within bounds (aliases multiply content)."""

    def __init__(self) -> None:
        self._left = MAX_NODES

    def copy(self, value: Any, depth: int = 0) -> Any:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise ValueError("too large")
        if isinstance(value, dict):
            return {str(key): self.copy(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.copy(item, depth + 1) for item in value]
        if value is None or isinstance(value, str | int | float | bool):
            return value
        return str(value)[:_LONGEST_TEXT]
