"""The registry for people: the list of families, and one family in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import fields

from famtree.formats.escape import escape_text
from famtree.formats.parts import BLANK, Facts, Heading, Part, Table, Text
from famtree.types.family import RegistryEntry

if TYPE_CHECKING:
    from famtree.formats.table import Options
    from famtree.registry.registry import Registry
    from famtree.types.family import Condition, Family, Generation, Size

_COUNTED = ("generations", "sizes", "tokenizers", "exemplars")
_LIST_WIDTH = 80
"""Columns from which the list shows all counts, and a size its shape."""


def report_families(families: Sequence[Family], options: Options) -> list[Part]:
    """Return one row a family, with the counts of what is known of it, and the totals."""
    words = _COUNTED
    wide = _is_wide(options)
    shown = words if wide else words[:1]
    table = Table("key", "name", *(("maker",) if wide else ()), *shown, right=shown)
    totals = [0] * len(words)
    for family in sorted(families, key=lambda item: item.key):
        counts = _count(family)
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
        names = [family.key, family.name, *([family.maker] if wide else [])]
        table.add(*names, *map(str, counts[: len(shown)]))
    told = ", ".join(
        f"{word}: {total}"
        for word, total in zip(("families", *words), (len(families), *totals), strict=True)
    )
    return [table, BLANK, Text(told)]


def tell_update(before: Registry, now: Registry) -> str:
    """Return which registry is in use now, and how it differs from the one before."""
    known = now.knowledge
    lines = [f"registry {known.version} {known.digest} ({', '.join(known.sources)}) is in use"]
    added = [key for key in now.by_key if key not in before.by_key]
    gone = [key for key in before.by_key if key not in now.by_key]
    both = before.by_key.keys() & now.by_key.keys()
    changed = sorted(key for key in both if before.by_key[key] != now.by_key[key])
    for word, keys in (("added", added), ("changed", changed), ("gone", gone)):
        if keys:
            lines.append(f"{word}: {len(keys)} ({', '.join(keys)})")
    if len(lines) == 1:
        lines.append("no family differs from the registry before")
    return "".join(f"{escape_text(line)}\n" for line in lines)


def build_family_list(families: Sequence[Family]) -> dict[str, Any]:
    """Return the list as the document `famtree/families/1`."""
    listed = [
        {
            "key": family.key,
            "name": family.name,
            "maker": family.maker,
            "generations": [{"key": one.key, "name": one.name} for one in family.generations],
            **dict(zip(_COUNTED[1:], _count(family)[1:], strict=True)),
        }
        for family in sorted(families, key=lambda item: item.key)
    ]
    return {"schema": "famtree/families/1", "families": listed}


def build_family(family: Family) -> dict[str, Any]:
    """Return all of one family, in the fields of its registry file: `famtree/family/1`."""
    document: dict[str, Any] = _dump(family)
    return document


def _dump(value: Any) -> Any:
    if isinstance(value, RegistryEntry):
        told = {one.encode_name: getattr(value, one.name) for one in fields(value)}
        return {name: _dump(one) for name, one in told.items() if one is not None}
    if isinstance(value, dict):
        return {name: _dump(one) for name, one in value.items()}
    return [_dump(one) for one in value] if isinstance(value, list | tuple) else value


def _count(family: Family) -> list[int]:
    return [
        len(family.generations),
        sum(len(generation.sizes) for generation in family.generations),
        len(family.tokenizers),
        len(family.exemplars),
    ]


def report_family(family: Family, options: Options) -> list[Part]:
    """Return everything the registry holds on one family."""
    head = Facts()
    head.add("key", Text(family.key, "bold"))
    head.add("name", family.name)
    head.add("maker", family.maker)
    head.add("publishers", _join(family.publishers))
    head.add("hard to tell from", _join(family.hard_to_tell_from))
    head.add("sources", *family.sources)
    parts: list[Part] = [head]
    for generation in family.generations:
        parts += _list_generation(family, generation, wide=_is_wide(options))
    if family.tokenizers:
        table = Table("tokenizer", "kind", "entries", "generations", right=("entries",))
        for known in family.tokenizers:
            entries = "-" if known.entries is None else str(known.entries)
            table.add(known.name, known.kind or "-", entries, ", ".join(known.generations))
        parts += [BLANK, Heading("Tokenizers"), table]
    if family.exemplars:
        table = Table("exemplar", "generation", "relation")
        for exemplar in family.exemplars:
            table.add(exemplar.repo, exemplar.generation, exemplar.relation)
        parts += [BLANK, Heading("Exemplars"), table]
    return parts


def _is_wide(options: Options) -> bool:
    return options.width is None or options.width >= _LIST_WIDTH


def _list_generation(family: Family, generation: Generation, *, wide: bool) -> Iterator[Part]:
    facts = Facts()
    facts.add("name", generation.name)
    facts.add("released", generation.released or None)
    for parent in generation.parents:
        other = f"{parent.family}/{parent.generation}" if parent.generation else parent.family
        extent = f" (size {parent.size})" if parent.size else ""
        facts.add("parent", f"{parent.relation} of {other}{extent}")
    facts.add("hard to tell from", _join(generation.hard_to_tell_from))
    yield from (BLANK, Heading(f"{family.key}/{generation.key}"), facts)
    for rule in generation.rules:
        conditions = Facts()
        for trait, condition in sorted(rule.when.items()):
            conditions.add(f"  {trait}", describe_condition(condition))
        yield Text(f"rule {rule.name}" + (f" ({rule.variant})" if rule.variant else ""))
        yield conditions
    if generation.sizes:
        yield _list_sizes(generation.sizes, wide=wide)


def _list_sizes(sizes: Sequence[Size], *, wide: bool) -> Table:
    columns = ("parameters", "layers", "width", "heads") if wide else ("parameters",)
    table = Table("size", *columns, right=columns)
    for size in sizes:
        heads = "-" if size.heads is None else f"{size.heads}/{size.kv_heads or size.heads}"
        cells = [
            "-" if size.parameters is None else f"{size.parameters:,}",
            *("-" if count is None else str(count) for count in (size.layers, size.hidden_size)),
            heads,
        ]
        table.add(size.name, *cells[: len(columns)])
    return table


def describe_condition(condition: Condition) -> str:
    """Return one condition in words: `= 8`, `one of 1, 2`, `1 to 9`, `has x, y`, `absent`."""
    if condition.one_of is not None:
        return "one of " + ", ".join(map(_spell, condition.one_of))
    if condition.between is not None:
        low, high = condition.between
        return f"{low:g} to {high:g}"
    if condition.contains is not None:
        return "has " + ", ".join(map(_spell, condition.contains))
    if condition.absent:
        return "absent"
    return "= " + _spell(condition.equals)


def _spell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _join(values: Sequence[str]) -> Text | None:
    return Text(", ".join(values), limit=2000) if values else None
