"""The programs of the action where its first steps put them: those under test."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def install_action(runner: Path) -> Path:
    """Write them below the runner's temporary folder; return the folder they are in."""
    programs = runner / "famtree-action" / "bin"
    programs.mkdir(parents=True)
    for name, words in (("famtree", "-m famtree "), ("python", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {words}"$@"\n')
        program.chmod(0o755)
    return programs
