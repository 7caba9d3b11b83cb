"""Write docs/cli.md from `--help`. With `--check` nothing is written and drift exits with 1."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "cli.md"
COMMANDS = [
    "",
    "identify",
    "compare",
    "lineage",
    "fit",
    "check",
    "bom",
    "attest",
    "scan",
    "atlas",
    "atlas build",
    "atlas info",
    "atlas query",
    "atlas report",
    "families",
    "families list",
    "families update",
    "families show",
    "families check",
    "families draft",
    "schema",
    "completion",
    "mcp",
]
INTRODUCTION = """\
# Command line

Generated from `--help` by `scripts/update_cli_docs.py`. Exit codes: see [CI](ci.md).

`eval "$(famtree completion bash)"` in `~/.bashrc` (or `zsh` in `~/.zshrc`) completes commands,
options, families and engines; so does `famtree completion fish` as a file for fish, and `famtree
completion pwsh | Out-String | Invoke-Expression` in PowerShell's `$PROFILE`. The same in `man
famtree`: an installation brings the page.

`hf extensions install OWNER/hf-famtree` makes every command one of the `hf` command's as well, as
`hf famtree identify REF`. `hf` goes by names: `OWNER/hf-famtree` is a copy of this repository under
that name.
"""


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
    parts = [INTRODUCTION]
    for command in COMMANDS:
        text = run_command([*command.split(), "--help"]).strip()
        parts.append(f"## `famtree{f' {command}' if command else ''}`\n")
        parts.append(f"```text\n{text}\n```\n")
    return "\n".join(parts)


def update(page: Path, text: str) -> int:
    """Write what has changed, or only tell of it with `--check`; return the exit code."""
    stale = not page.is_file() or page.read_text(encoding="utf-8") != text
    if stale:
        print(page)
        if "--check" not in sys.argv[1:]:
            page.write_text(text, encoding="utf-8")
    return int(stale and "--check" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(update(REFERENCE, render_reference()))
