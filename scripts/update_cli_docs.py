"""Bring the documentation up to what famtree prints: docs/cli.md and the examples' output.

An example is a line `<!-- output of: COMMAND -->` followed by a fenced block, which is rewritten.
Commands run in the project's root. With `--check` nothing is written and drift exits with 1.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
REFERENCE = ROOT / "docs" / "cli.md"
COMMANDS = [
    "",
    "identify",
    "compare",
    "lineage",
    "check",
    "bom",
    "scan",
    "atlas",
    "atlas build",
    "atlas info",
    "atlas query",
    "atlas report",
    "families",
    "families list",
    "families show",
    "families check",
    "families draft",
    "schema",
]
_SECONDS = re.compile(r"\b\d+\.\d{2} s\b")
_EXAMPLE = re.compile(r"(<!-- output of: famtree (.+?) -->\n```text\n)(.*?)(```\n)", re.DOTALL)


def run_command(arguments: list[str]) -> str:
    """Return what `famtree ARGUMENTS...` prints on an 80 column terminal without colours."""
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "famtree", *arguments],
        stdout=subprocess.PIPE,
        check=True,
        cwd=ROOT,
        env=environment,
    )
    return done.stdout.decode("utf-8")


def render_reference() -> str:
    """Return docs/cli.md."""
    parts = [
        "# Command line\n",
        "Generated from `--help` by `scripts/update_cli_docs.py`. Exit codes: see [CI](ci.md).\n",
    ]
    for command in COMMANDS:
        text = run_command([*command.split(), "--help"]).strip()
        parts.append(f"## `famtree{f' {command}' if command else ''}`\n")
        parts.append(f"```text\n{text}\n```\n")
    return "\n".join(parts)


def refresh_examples(text: str) -> str:
    """Return a page with the output of its examples as it is now."""

    def replace(match: re.Match[str]) -> str:
        # How long the example took is the one thing that no two runs agree on.
        output = _SECONDS.sub("0.03 s", run_command(shlex.split(match[2])))
        return match[1] + output + match[4]

    return _EXAMPLE.sub(replace, text)


def render_pages() -> dict[Path, str]:
    """Return every page as it should be."""
    pages = {
        path: refresh_examples(path.read_text(encoding="utf-8"))
        for path in PAGES
        if path != REFERENCE
    }
    return {**pages, REFERENCE: render_reference()}


def main() -> int:
    stale = [
        (path, text)
        for path, text in render_pages().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        print(path)
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
    return int(bool(stale) and "--check" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
