"""`FitReport` -> the report people read: what fits, then one line an engine, best first.

Lines are laid out here, at most `WIDEST` columns wide, so that they are the same on a screen and in
a file.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from famtree.deployment.gpus import UNNAMED
from famtree.formats.comparison_words import name_family
from famtree.formats.escape import clip_text
from famtree.formats.parts import BLANK, Heading, Part, Table, Text

if TYPE_CHECKING:
    from famtree.formats.table import Options
    from famtree.types.fit import FitEngine, FitReport

WIDEST = 79
MOST_WARNINGS = 3
_MARKS = {"yes": "✔", "conditional": "◐", "unknown": "?", "no": "✘"}
_STYLES = {"yes": "green", "conditional": "yellow", "unknown": "dim", "no": "red"}
_HEADINGS = ("engine", "runs", "fits", "tensor parallel", "weights", "a token", "context", "batch")
_WIDTHS = (13, 4, 4, 15, 9, 9, 11, 6)
_PAGE_MARKS = {
    "yes": "✅ yes",
    "no": "❌ no",
    "conditional": "⚠️ conditional",
    "unknown": "❔ unknown",
}


def report_fit(result: FitReport, options: Options) -> list[Part]:
    """Return the report of one checkpoint at one place."""
    parts: list[Part] = [*_wrap(_tell_head(result), "bold"), *_wrap(tell_summary(result))]
    parts += [*_wrap(_tell_memory(result)), BLANK, _line(_HEADINGS, "bold")]
    parts += [_line(_list_cells(one), _style(one)) for one in result.engines]
    parts.append(BLANK)
    for one in result.engines:
        text = _tell_engine(one)
        if text is not None:
            parts += _wrap(f"{_MARKS[one.answer]} {one.engine}: {text}", hanging=2)
        if options.verbose:
            parts += _wrap(f"{one.rule}: {one.source or 'computed'}", "dim", hanging=2)
    if result.suggestions:
        parts += _wrap(f"what would help: {' · '.join(result.suggestions)}", "bold")
    notices = result.warnings if options.verbose else result.warnings[:MOST_WARNINGS]
    for notice in notices:
        parts += _wrap(f"warning: {notice.message} [{notice.code}]", "yellow")
    if len(result.warnings) > len(notices):
        parts.append(
            Text(f"{len(result.warnings) - len(notices)} more warnings (--verbose)", "dim")
        )
    return parts


def report_fit_page(result: FitReport, _: Options) -> list[Part]:
    """Return the report for a page, where tables have room."""
    title = Heading(result.checkpoint.ref, level=3)
    grid = Table("engine", "runs", "fits", "tensor parallel", "weights", "cache a token",
                 "largest context", "largest batch", "why")  # fmt: skip
    for one in result.engines:
        cells = _list_cells(one)
        why = _tell_engine(one) or one.reason
        grid.add(cells[0], _PAGE_MARKS[one.answer], one.fits, *cells[3:], why)
    parts: list[Part] = [title, Text(_tell_head(result)), Text(tell_summary(result)), grid]
    parts += [Text(f"What would help: {' · '.join(result.suggestions)}")] * bool(result.suggestions)
    return [*parts, *(Text("⚠️ ").append(one.message) for one in result.warnings)]


def _tell_head(result: FitReport) -> str:
    place, plan = result.gpu, result.plan
    where = "on no accelerator in particular"
    if place is not None:
        facts = []
        if place.memory_bytes is not None:
            facts.append(f"{place.memory_bytes / 10**9:g} GB")
        if place.capability is not None:
            facts.append(f"{place.capability:.1f}")
        named = place.name if place.name == UNNAMED else f"{place.count} x {place.name}"
        where = f"on {named}" + (f" ({', '.join(facts)})" if facts else "")
    length = "any length" if plan.context is None else f"{plan.context:,} tokens"
    return f"{clip_text(result.checkpoint.ref)} {where}, {length}, batch {plan.batch:,}"


def tell_summary(result: FitReport) -> str:
    """Return in one sentence whether it fits."""
    runs = [one for one in result.engines if one.answer in ("yes", "conditional")]
    good = [one for one in runs if one.fits == "yes"]
    if result.gpu is None or result.gpu.memory_bytes is None:
        if runs:
            return f"{len(runs)} of {len(result.engines)} engines run it; --gpu says where."
        return "no engine that was asked about is known to run it."
    if good:
        best = good[0]
        most = f" with up to {best.max_context:,} tokens" if best.max_context else ""
        version = best.version if best.version[:1].isdigit() else f"({best.version})"
        return f"fits: {best.engine} {version} serves it{most}."
    if not runs:
        return "does not run here in any engine that was asked about, or nothing tells."
    if any(one.fits == "unknown" for one in runs):
        missing = result.memory.missing or "what it takes"
        return f"cannot be told without knowing {missing}."
    first = runs[0]
    if first.weights_bytes and (first.usable_bytes or 0) < first.weights_bytes / first.ranks:
        return f"does not fit: {_show(first.weights_bytes)} of weights."
    return f"does not fit as planned: {_show(first.weights_bytes)} of weights and their cache."


def _tell_memory(result: FitReport) -> str:
    memory = result.memory
    one = result.checkpoint
    size = f" {one.size}" if one.size else ""
    told = [name_family(one.family, one.generation) + size]
    if one.family is not None and one.generation is None:
        told = [f"{one.family.name}{size}, generation open"]
    if memory.weights_bytes is not None:
        source = {"files": "listed files", "headers": "headers"}.get(
            memory.weights_source or "", "an estimate"
        )
        told.append(f"weights {_show(memory.weights_bytes)} ({source})")
    else:
        told.append("weights of unknown size")
    if memory.kv_bytes_per_token is not None:
        fixed = (memory.kv_fixed_bytes or 0) + (memory.state_bytes_per_sequence or 0)
        more = f" and {_show(fixed)} a sequence" if fixed else ""
        told.append(f"cache {memory.kv_bytes_per_token:,} bytes a token{more}")
    if result.context is not None:
        told.append(f"made for {result.context:,} tokens")
    return "; ".join(told)


def _list_cells(one: FitEngine) -> tuple[str, ...]:
    sizes = "-" if one.tensor_parallel is None else " ".join(map(str, one.tensor_parallel))
    if len(sizes) > _WIDTHS[3]:
        few = [size for size in one.tensor_parallel or () if size & (size - 1) == 0 and size <= 16]
        sizes = " ".join(map(str, few))
    token = "?" if one.kv_bytes_per_token is None else f"{one.kv_bytes_per_token:,}"
    fits = {"yes": _MARKS["yes"], "no": _MARKS["no"], "unknown": "?"}[one.fits]
    context = "-" if one.max_context is None else f"{one.max_context:,}"
    batch = "-" if one.max_batch is None else f"{min(one.max_batch, 999_999):,}"
    weights = "?" if one.weights_bytes is None else _show(one.weights_bytes)
    if one.answer == "no":
        context = batch = "-"
    return (one.engine, _MARKS[one.answer], fits, sizes, weights, token, context, batch)


def _style(one: FitEngine) -> str:
    if one.answer == "no" or one.fits == "no":
        return _STYLES["no"]
    return _STYLES[one.answer]


def _line(cells: tuple[str, ...], style: str) -> Text:
    """Return cells under each other's; numbers stand right."""
    told = []
    for at, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=True)):
        told.append(cell[:width].rjust(width) if at >= 4 else cell[:width].ljust(width))
    return Text(" ".join(told).rstrip(), style)


def _tell_engine(one: FitEngine) -> str | None:
    """Return what there is to say of an engine beside its line, None where all is well."""
    told = []
    if one.answer in ("no", "unknown"):
        told.append(one.reason)
    elif one.condition is not None:
        told.append(f"{one.reason}. Needed: {one.condition}")
    if one.unchecked and "unchecked" not in "".join(told):
        told.append("unchecked: its source has changed since somebody read the rule")
    if one.help is not None:
        told.append(f"change: {one.help}")
    return "; ".join(told) or None


def _show(count: int | None) -> str:
    if count is None:
        return "unknown"
    if count >= 10**12:
        return f"{count / 10**9:,.0f} GB"
    if count >= 10**10:
        return f"{count / 10**9:,.1f} GB"
    return f"{count / 10**9:,.2f} GB" if count >= 10**8 else f"{count / 10**6:,.1f} MB"


def _wrap(text: str, style: str = "", *, hanging: int = 0) -> Iterator[Text]:
    """Yield lines of at most `WIDEST` columns."""
    for line in textwrap.wrap(clip_text(text), WIDEST, subsequent_indent=" " * hanging) or [""]:
        yield Text(line, style)
