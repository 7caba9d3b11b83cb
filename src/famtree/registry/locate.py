"""Find the line of a TOML file that a validation error is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_HEADER = r"^\s*\[{1,2}\s*([A-Za-z0-9_.\"-]+)\s*\]{1,2}"
_AT_LINE = r"at line (\d+)"
_AT_BYTE = r"\(byte (\d+)\)"
_AT_END = ("(at end of document)", "was truncated")
"""Where tomllib and msgspec say that a file is broken."""


def locate(text: str, path: Sequence[str | int]) -> int | None:
    """Return the 1-based line of the table or key at `path`, as near as it can be found.

    `path` is a pydantic error location: table names, list positions, and at the end a key, which
    in the file may be written dotted. The nearest enclosing table stands in for a missing key.
    """
    tables: list[str] = []
    wanted: list[tuple[str, int]] = []
    keys: list[str] = []
    for at, step in enumerate(path):
        if isinstance(step, int):
            continue
        number = path[at + 1] if at + 1 < len(path) else None
        if isinstance(number, int):
            tables.append(step)
            wanted.append((".".join(tables), number))
        else:
            keys.append(step)
    counts: dict[str, int] = {}
    position = dict(wanted)
    inside, best = not wanted, None
    lines, starts = _split(text)
    start, stop = 0, len(lines)
    if wanted:
        outer, number = wanted[0]
        places = starts.get(outer, [])
        if not 0 <= number < len(places):
            return None
        start, stop = places[number], ([*places[number + 1 : number + 2], stop])[0]
        counts[outer] = number - 1
    for line, content in enumerate(lines[start:stop], start=start + 1):
        header = re.match(_HEADER, content)
        if header:
            name = header[1]
            if content.lstrip().startswith("[["):
                # A new outer table starts the count of its inner tables anew.
                for inner in [known for known in counts if known.startswith(f"{name}.")]:
                    del counts[inner]
                counts[name] = counts.get(name, -1) + 1
            inside = all(counts.get(table) == number for table, number in position.items())
            if inside and wanted and (best is None or name == wanted[-1][0]):
                best = line
        elif inside and keys and _names_key(content, keys):
            return line
    return best


@lru_cache(maxsize=1)
def _split(text: str) -> tuple[list[str], dict[str, list[int]]]:
    """Return the lines of `text`, and where the elements of each array of tables begin.

    Kept for the last text: a policy asks for each of ten thousand rows.
    """
    # Only a line feed ends a line of TOML; other breaks stand in strings.
    lines = text.split("\n")
    starts: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        if line.lstrip().startswith("[[") and (header := re.match(_HEADER, line)):
            starts.setdefault(header[1], []).append(number)
    return lines, starts


def describe_fault(file: str, text: str, path: Sequence[str | int], reason: str) -> str:
    """Return `file:line: field: reason`; what stands nowhere is missed at the top."""
    return f"{file}:{locate(text, path) or 1}: {'.'.join(str(step) for step in path)}: {reason}"


def describe_unreadable(file: str, data: bytes, fault: ValueError) -> str:
    """Return `file:line: reason` of a file that is no text, no TOML or no JSON."""
    told = str(fault)
    if isinstance(fault, UnicodeDecodeError):
        line, told = data.count(b"\n", 0, fault.start) + 1, "is not UTF-8"
    elif by_line := re.search(_AT_LINE, told):
        line = int(by_line[1])
    elif by_byte := re.search(_AT_BYTE, told):
        line = data.count(b"\n", 0, int(by_byte[1])) + 1
    elif told.endswith(_AT_END):
        line = data.rstrip().count(b"\n") + 1
    else:
        return f"{file}: {told}"
    return f"{file}:{line}: {told}"


def _names_key(content: str, keys: list[str]) -> bool:
    left = content.partition("=")[0].strip()
    return bool(left) and (left in (keys[-1], keys[0]) or any(left == key for key in keys))
