"""The files that docs/add-a-family.md shows."""

from __future__ import annotations

import re
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "add-a-family.md"
KEY = "example-lm"
_FENCE = re.compile(r"^```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)


def find_block(kind: str, word: str) -> str:
    """Return the one fenced block of a kind that holds `word`."""
    text = GUIDE.read_text(encoding="utf-8")
    found = [
        match["body"]
        for match in _FENCE.finditer(text)
        if match["kind"] == kind and word in match["body"]
    ]
    assert len(found) == 1, f"{len(found)} {kind} blocks with {word!r} in {GUIDE.name}"
    return found[0]
