"""The documentation page with the figures, rewritten between its markers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WORDS = {True: "met", False: "**missed**", None: ""}


def format_value(figure: dict[str, Any]) -> str:
    """Return a figure's value with four digits; a count as a whole number."""
    value = figure["value"]
    if value is None:
        return "-"
    return f"{value:d}" if isinstance(value, int) else f"{value:.4g}"


def write_tables(split: dict[str, Any]) -> str:
    """Return a Markdown table a section, from the JSON of one split."""
    lines = []
    for section, figures in split["figures"].items():
        if not figures:
            continue
        lines += [
            "", f"| {section} | value | cases | mark | | |", "|---|---:|---:|---|---|---|",
        ]  # fmt: skip
        for figure in figures:
            mark = f"{figure['mark'][0]} {figure['mark'][1]:g}" if figure["mark"] else ""
            lines.append(
                f"| {figure['name'].strip()} | {format_value(figure)} | {figure['size']} "
                f"| {mark} | {WORDS[figure['met']]} | {figure['note']} |"
            )
    return "\n".join(lines).strip() + "\n"


def update_page(page: Path, document: dict[str, Any]) -> None:
    """Write the tables of every split in `document` between that split's markers."""
    text = page.read_text(encoding="utf-8")
    for split in ("design", "held-out"):
        if split not in document:
            continue
        begin, end = (f"<!-- {split} figures: {word} -->" for word in ("begin", "end"))
        head = f"{begin}\nThresholds `{document['thresholds']}`.\n\n"
        block = head + write_tables(document[split]) + end
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise SystemExit(f"{page} has no markers for the {split} figures")
        text = before + block + after
    page.write_text(text, encoding="utf-8")
