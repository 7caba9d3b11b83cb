"""The page that shows what the benchmarks measured."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "how-it-decides.md"


def replace_block(page: str, name: str, text: str) -> str:
    """Return the page with what stands between `<!-- name: begin -->` and its end replaced."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    head, found, rest = page.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page lacks {begin} or {end}")
    return f"{head}{begin}\n{text}\n{end}{tail}"


def write_block(name: str, text: str) -> None:
    """Replace one block of the page."""
    PAGE.write_text(replace_block(PAGE.read_text("utf-8"), name, text), encoding="utf-8")
