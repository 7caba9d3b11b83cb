"""Console examples of a page: find them, run them, compare what they print, rewrite it.

A ```` ```console ```` block holds commands after `$ `, each followed by its output. Commands of a
page run one after another in one folder, on a terminal of 80 columns without colours. A line `...`
stands for one or more lines that are not shown. A command that fails is followed by `$ echo $?`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

WIDTH = 80
ELISION = "..."
TIMEOUT = 300
"""Seconds after which a command that still runs is killed."""
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    """One command of a page, with the output that the page shows."""

    command: str
    shown: list[str]


@dataclass(frozen=True, slots=True)
class Run:
    """What a command printed, and its exit code."""

    printed: list[str]
    code: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where commands run: a folder of the example's files, one for caches and tools, a Hub."""

    folder: Path
    scratch: Path
    endpoint: str

    def environment(self) -> dict[str, str]:
        """Return the variables of a user who has set nothing but the Hub's address."""
        tools = self.scratch / "bin"
        if not tools.is_dir():
            tools.mkdir(parents=True)
            _write_tool(tools / "famtree", '-m famtree "$@"')
            _write_tool(tools / "python", '"$@"')
        return {
            "PATH": f"{tools}:{os.defpath}",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(self.scratch),
            "XDG_CACHE_HOME": str(self.scratch / "cache"),
            "HF_HOME": str(self.scratch / "huggingface"),
            "HF_ENDPOINT": self.endpoint,
            "NO_PROXY": "*",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "NO_COLOR": "1",
        }


def find_blocks(page: str) -> Iterator[list[Example]]:
    """Yield the examples of each console block."""
    for match in _BLOCK.finditer(page):
        yield parse_block(match[1])


def parse_block(text: str) -> list[Example]:
    """Return the examples of one block. Raises ValueError for output before any command."""
    found: list[Example] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(Example(line.removeprefix("$ "), []))
        elif not found:
            raise ValueError(f"a console block begins with {line!r}, which is no command")
        else:
            found[-1].shown.append(line)
    return found


def run_command(command: str, surroundings: Surroundings) -> Run:
    """Run one line of shell on a terminal and return what appeared there."""
    import pty
    import termios

    terminal, side = pty.openpty()
    termios.tcsetwinsize(side, (24, WIDTH))
    try:
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=surroundings.folder,
            env=surroundings.environment(),
            stdin=subprocess.DEVNULL,
            stdout=side,
            stderr=side,
        )
    finally:
        os.close(side)
    guard = threading.Timer(TIMEOUT, process.kill)
    guard.start()
    printed = bytearray()
    try:
        # Linux ends a terminal that nobody has open any more with an error.
        while block := os.read(terminal, 1 << 16):
            printed += block
    except OSError:
        pass
    finally:
        guard.cancel()
        os.close(terminal)
    code = process.wait()
    text = printed.decode("utf-8").replace("\r\n", "\n")
    return Run([line.rstrip() for line in text.rstrip("\n").split("\n")] if text else [], code)


def run_examples(examples: Sequence[Example], surroundings: Surroundings) -> list[Run]:
    """Run the commands of a page in order; `echo $?` prints the code of the one before."""
    runs: list[Run] = []
    for example in examples:
        command = example.command
        if command == "echo $?":
            command = f"(exit {runs[-1].code if runs else 0}); {command}"
        runs.append(run_command(command, surroundings))
    return runs


def shows(shown: Sequence[str], printed: Sequence[str]) -> bool:
    """Return whether what a page shows is what was printed, but for what it elides."""
    parts = _split(shown)
    if len(parts) == 1:
        return list(shown) == list(printed)
    first, *middle, last = parts
    if list(printed[: len(first)]) != first:
        return False
    at = len(first)
    for part in middle:
        # An elision stands for a line at least.
        starts = range(at + 1, len(printed) - len(part) + 1)
        found = next((n for n in starts if list(printed[n : n + len(part)]) == part), None)
        if found is None:
            return False
        at = found + len(part)
    tail = len(printed) - len(last)
    return tail > at and list(printed[tail:]) == last


def refresh(shown: Sequence[str], printed: Sequence[str]) -> list[str]:
    """Return what a page shall show: as much of both ends as it showed, else everything."""
    if shows(shown, printed):
        return list(shown)
    parts = _split(shown)
    if len(parts) == 2 and len(parts[0]) + len(parts[1]) < len(printed):
        head, tail = len(parts[0]), len(printed) - len(parts[1])
        return [*printed[:head], ELISION, *printed[tail:]]
    return list(printed)


def refresh_page(page: str, surroundings: Surroundings) -> str:
    """Return the page with the output of every example as it is now."""
    examples = [example for block in find_blocks(page) for example in block]
    runs = iter(run_examples(examples, surroundings))

    def rewrite(match: re.Match[str]) -> str:
        lines = []
        for example in parse_block(match[1]):
            lines += [f"$ {example.command}", *refresh(example.shown, next(runs).printed)]
        return "\n".join(["```console", *lines, "```"])

    return _BLOCK.sub(rewrite, page)


def _split(shown: Sequence[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for line in shown:
        if line == ELISION:
            parts.append([])
        else:
            parts[-1].append(line)
    return parts


def _write_tool(path: Path, arguments: str) -> None:
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}\n', encoding="utf-8")
    path.chmod(0o755)
