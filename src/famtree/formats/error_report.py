"""The document of a failure, `famtree/error/1`, and its two lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from famtree.errors import FamtreeError
from famtree.formats.escape import escape_text

if TYPE_CHECKING:
    from famtree.formats.table import Options

LONGEST_MESSAGE = 2000
"""Characters of a message shown; longer ones carry somebody's file, not a reason."""


def build_error_document(error: FamtreeError) -> dict[str, Any]:
    """Return the contract's error document as plain data."""
    return {
        "schema": "famtree/error/1",
        "error": {
            "code": error.code,
            "message": _one_line(error.message),
            "hint": _one_line(error.hint),
            "exit_code": error.exit_code,
        },
    }


def render_error(error: FamtreeError, _: Options) -> str:
    """Return one line saying what is wrong and, where there is one, one line of advice."""
    lines = [f"error: {escape_text(_one_line(error.message))}"]
    if error.hint:
        lines.append(f"hint: {escape_text(_one_line(error.hint))}")
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + "…"
