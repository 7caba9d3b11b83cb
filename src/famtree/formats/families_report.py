"""The registry for people: the list of families, and one family in full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from famtree.formats.canvas import draw, make_grid, make_table
from famtree.formats.escape import make_text

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from famtree.types.family import Condition, Family, Generation, Size

_COUNTED = ("generations", "sizes", "tokenizers", "exemplars")
_LIST_WIDTH = 80
"""Columns from which the list shows all counts, and a size its shape."""


def render_family_list(families: Sequence[Family], *, width: int | None, color: bool) -> str:
    """Return one row a family, with the counts of what is known of it, and the totals.

    A width of None is plain text.
    """
    return draw(*_list_parts(families, wide=is_wide(width)), width=width, color=color)


def render_family_list_markdown(families: Sequence[Family]) -> str:
    """Return the list as Markdown."""
    from famtree.formats.markdown import write_markdown

    return write_markdown(_list_parts(families, wide=True))


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
    document: dict[str, Any] = family.model_dump(mode="json", by_alias=True, exclude_none=True)
    return document


def is_wide(width: int | None) -> bool:
    """Return whether there is room for all columns."""
    return width is None or width >= _LIST_WIDTH


def _list_parts(families: Sequence[Family], *, wide: bool) -> list[RenderableType]:
    words = _COUNTED
    shown = words if wide else words[:1]
    table = make_table("key", "name", *(("maker",) if wide else ()), *shown, right=shown)
    totals = [0] * len(words)
    for family in sorted(families, key=lambda item: item.key):
        counts = _count(family)
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
        names = [family.key, family.name, *([family.maker] if wide else [])]
        table.add_row(*map(make_text, names), *map(str, counts[: len(shown)]))
    told = ", ".join(
        f"{word}: {total}"
        for word, total in zip(("families", *words), (len(families), *totals), strict=True)
    )
    return [table, "", told]


def _count(family: Family) -> list[int]:
    return [
        len(family.generations),
        sum(len(generation.sizes) for generation in family.generations),
        len(family.tokenizers),
        len(family.exemplars),
    ]


def render_family(family: Family, *, width: int | None, color: bool) -> str:
    """Return everything the registry holds on one family; a width of None is plain text."""
    return draw(*_family_parts(family, wide=is_wide(width)), width=width, color=color)


def render_family_markdown(family: Family) -> str:
    """Return the same as Markdown."""
    from famtree.formats.markdown import write_markdown

    return write_markdown(_family_parts(family, wide=True))


def _family_parts(family: Family, *, wide: bool) -> list[RenderableType]:
    head = make_grid()
    head.add_row("key", make_text(family.key, "bold"))
    head.add_row("name", make_text(family.name))
    head.add_row("maker", make_text(family.maker))
    _add_list(head, "publishers", family.publishers)
    _add_list(head, "hard to tell from", family.hard_to_tell_from)
    _add_list(head, "sources", family.sources, separator="\n")
    parts: list[RenderableType] = [head]
    for generation in family.generations:
        parts += ["", *_make_generation(family, generation, wide=wide)]
    if family.tokenizers:
        table = make_table("tokenizer", "kind", "entries", "generations", right=("entries",))
        for known in family.tokenizers:
            table.add_row(
                make_text(known.name),
                make_text(known.kind or "-"),
                "-" if known.entries is None else str(known.entries),
                make_text(", ".join(known.generations)),
            )
        parts += ["", make_text("Tokenizers", "bold"), table]
    if family.exemplars:
        table = make_table("exemplar", "generation", "relation")
        for exemplar in family.exemplars:
            table.add_row(
                make_text(exemplar.repo), make_text(exemplar.generation), exemplar.relation
            )
        parts += ["", make_text("Exemplars", "bold"), table]
    return parts


def _make_generation(family: Family, generation: Generation, *, wide: bool) -> list[RenderableType]:
    title = f"{family.key}/{generation.key}"
    facts = make_grid()
    facts.add_row("name", make_text(generation.name))
    if generation.released:
        facts.add_row("released", make_text(generation.released))
    for parent in generation.parents:
        other = f"{parent.family}/{parent.generation}" if parent.generation else parent.family
        extent = f" (size {parent.size})" if parent.size else ""
        facts.add_row("parent", make_text(f"{parent.relation} of {other}{extent}"))
    _add_list(facts, "hard to tell from", generation.hard_to_tell_from)
    parts: list[RenderableType] = [make_text(title, "bold"), facts]
    for rule in generation.rules:
        table = make_grid()
        for trait, condition in sorted(rule.when.items()):
            table.add_row(make_text(f"  {trait}"), make_text(describe_condition(condition)))
        name = f"rule {rule.name}" + (f" ({rule.variant})" if rule.variant else "")
        parts += [make_text(name), table]
    if generation.sizes:
        parts.append(_make_sizes(generation.sizes, wide=wide))
    return parts


def _make_sizes(sizes: Sequence[Size], *, wide: bool) -> Table:
    columns = ("parameters", "layers", "width", "heads") if wide else ("parameters",)
    table = make_table("size", *columns, right=columns)
    for size in sizes:
        heads = "-" if size.heads is None else f"{size.heads}/{size.kv_heads or size.heads}"
        cells = [
            "-" if size.parameters is None else f"{size.parameters:,}",
            *("-" if count is None else str(count) for count in (size.layers, size.hidden_size)),
            heads,
        ]
        table.add_row(make_text(size.name), *cells[: len(columns)])
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


def _add_list(grid: Table, label: str, values: Sequence[str], *, separator: str = ", ") -> None:
    if not values:
        return
    if separator == "\n":
        for count, value in enumerate(values):
            grid.add_row("" if count else label, make_text(value))
    else:
        grid.add_row(label, make_text(separator.join(values), limit=2000))
