"""The text of a family's file in blocks and statements, edited without touching the rest.

A block is what stands below one header, with the comments and blank lines above the header; a
statement is one `key = value`, over as many lines as it takes.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import Any

from famtree.registry.parse import flatten_conditions
from famtree.registry.records import PARTS

_HEADER = re.compile(r"^\s*(\[{1,2})\s*([A-Za-z0-9_.\"-]+)\s*\]{1,2}\s*(#.*)?$")
RULE, WHEN, COMMON = "generation.rule", "generation.rule.when", "generation.common"


@dataclass
class Statement:
    """One `key = value`, or lines without any."""

    text: str
    value: dict[str, Any]
    """As TOML reads it; empty for comments and blank lines."""


@dataclass
class Block:
    """A header with what is above and below it."""

    name: str
    lead: str = ""
    header: str = ""
    statements: list[Statement] = field(default_factory=list)


def split_blocks(text: str) -> list[Block]:
    """Return the blocks of a file, the first without a header."""
    blocks = [Block("")]
    held: list[str] = []
    open_lines: list[str] = []
    for line in text.splitlines(keepends=True):
        if open_lines:
            open_lines.append(line)
        elif header := _HEADER.match(line):
            blocks.append(Block(header[2], "".join(held), line))
            held = []
            continue
        elif not line.strip() or line.lstrip().startswith("#"):
            held.append(line)
            continue
        else:
            blocks[-1].statements += [Statement(one, {}) for one in held]
            held, open_lines = [], [line]
        try:
            value = tomllib.loads("".join(open_lines))
        except tomllib.TOMLDecodeError:
            continue
        blocks[-1].statements.append(Statement("".join(open_lines), value))
        open_lines = []
    if open_lines:
        raise ValueError(f"no end of {open_lines[0][:80]!r}")
    blocks[-1].statements += [Statement(one, {}) for one in held]
    return blocks


def join_blocks(blocks: list[Block]) -> str:
    """Return the text of blocks."""
    return "".join(
        one.lead + one.header + "".join(statement.text for statement in one.statements)
        for one in blocks
    )


def leave_out_records(blocks: list[Block]) -> list[Block]:
    """Return the blocks without what `records/KEY.json` holds."""
    below = {f"{kind}.{name}" for kind, fields in PARTS.items() for name in fields}
    kept = [one for one in blocks if one.name not in below]
    for one in kept:
        fields = PARTS.get(one.name, ())
        one.statements = [
            statement
            for statement in one.statements
            if not (statement.value and next(iter(statement.value)) in fields)
        ]
    return kept


def share_conditions(blocks: list[Block]) -> list[Block]:
    """Return the blocks with conditions of every rule of a generation in its `common`."""
    made: list[Block] = []
    group: list[Block] = []
    for one in [*blocks, Block("generation")]:
        if one.name == "generation" or one.name.partition(".")[0] not in ("generation",):
            made += _share(group)
            group = []
        group.append(one)
    return made + group[:-1]


def _share(group: list[Block]) -> list[Block]:
    rules = sum(one.name == RULE for one in group)
    stated = [one for one in group if one.name == WHEN]
    if rules < 2 or len(stated) != rules:
        return group
    tables = [_read_conditions(one) for one in stated]
    common = [
        name for name, (shown, _) in tables[0].items()
        if all(table.get(name, ("", ""))[0] == shown for table in tables)
    ]  # fmt: skip
    if not common:
        return group
    for one in stated:
        one.statements = [
            item for item in one.statements if not set(_name_conditions(item)) & set(common)
        ]
    shared = [Statement(tables[0][name][1], {}) for name in common]
    known = next((one for one in group if one.name == COMMON), None)
    if known is not None:
        known.statements += shared
    else:
        first = next(at for at, one in enumerate(group) if one.name == RULE)
        group.insert(first, Block(COMMON, "\n", f"[{COMMON}]\n", shared))
    return [one for one in group if one.name != WHEN or one.statements]


def _read_conditions(block: Block) -> dict[str, tuple[str, str]]:
    """Return condition and text by the trait, of statements that are of one condition each."""
    found = {}
    for statement in block.statements:
        conditions = flatten_conditions(statement.value)
        if len(conditions) == 1:
            ((name, condition),) = conditions
            found[name] = (repr(condition), statement.text)
    return found


def _name_conditions(statement: Statement) -> list[str]:
    return [name for name, _ in flatten_conditions(statement.value)]
