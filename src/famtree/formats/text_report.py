"""`Identification` -> the report people read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from famtree.formats.canvas import draw, make_grid, make_table
from famtree.formats.escape import clip_text, make_text

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

    from famtree.types.adapter import Adapter
    from famtree.types.identification import Candidate, Completeness, Identification
    from famtree.types.quantization import Quantization

_STYLES = {"identified": "bold green", "ambiguous": "bold yellow", "unknown": "bold red"}
_MOST_CANDIDATES = 5
_MOST_PARENTS = 10
_MOST_TARGETS = 8
_SHOWN_COST = 0.005
"""Less would not show in two decimals."""
_TABLE_WIDTH = 70
_MOST_RELATIVES = 4


def render_identification(
    result: Identification, *, width: int | None, color: bool, verbose: bool = False
) -> str:
    """Return the report of one answer, `width` columns wide; None is plain text, nothing left out.

    `verbose` adds every piece of evidence, every trait two files disagree on, the digests and
    the cost.
    """
    return draw(*_make_parts(result, width=width, verbose=verbose), width=width, color=color)


def render_identification_markdown(result: Identification, *, verbose: bool = False) -> str:
    """Return the report as Markdown, for pull requests and model cards."""
    from famtree.formats.markdown import write_markdown

    return write_markdown(_make_parts(result, width=None, verbose=verbose))


def _make_parts(
    result: Identification, *, width: int | None, verbose: bool
) -> list[RenderableType]:
    from rich.panel import Panel

    everything = width is None
    panel = Panel(
        _make_facts(result, everything=everything),
        title=make_text(result.checkpoint.ref, "bold"),
        title_align="left",
        expand=False,
        border_style="dim",
    )
    parts: list[RenderableType] = [panel]
    if result.outcome != "identified" and result.candidates:
        shown = result.candidates if everything else result.candidates[:_MOST_CANDIDATES]
        parts += ["", make_text("Candidates", "bold"), _make_candidates(shown)]
    if verbose:
        parts += _make_details(result, width)
    return parts


def describe_quantization(quantization: Quantization) -> str:
    """Return one phrase: method, width, group size, scheme."""
    parts = [quantization.method]
    if quantization.bits is not None:
        parts.append(f"{quantization.bits:g} bit")
    if quantization.group_size is not None:
        parts.append(f"groups of {quantization.group_size}")
    if quantization.scheme:
        parts.append(quantization.scheme)
    if quantization.effective_bits_per_weight is not None:
        parts.append(f"{quantization.effective_bits_per_weight:.2f} bits a weight")
    return ", ".join(parts)


def describe_adapter(adapter: Adapter) -> str:
    """Return one phrase: method, rank, targets, and how its base stands to it."""
    parts = [adapter.method or "of an unknown method"]
    if adapter.rank is not None:
        parts.append(f"rank {adapter.rank}{' and others' if adapter.ranks else ''}")
    if adapter.targets:
        parts.append(f"on {', '.join(adapter.targets[:_MOST_TARGETS])}")
    if adapter.saved_modules:
        parts.append(f"with whole {', '.join(adapter.saved_modules[:_MOST_TARGETS])}")
    if adapter.base is not None:
        parts.append(f"base {adapter.base} ({adapter.base_check})")
    return ", ".join(parts)


def describe_completeness(completeness: Completeness) -> str:
    """Return what is absent, and what the confidence would be at most with it."""
    told = "; ".join(one.message for one in completeness.missing)
    if not completeness.confidence_cost or completeness.confidence_cost < _SHOWN_COST:
        return told
    return f"{told} (with it the confidence could be {completeness.confidence_if_complete:.2f})"


def _make_facts(result: Identification, *, everything: bool) -> Table:
    grid = make_grid()

    def add(label: str, value: str | Text | None) -> None:
        if value is not None:
            grid.add_row(label, make_text(value) if isinstance(value, str) else value)

    style = _STYLES[result.outcome]
    if result.family is None:
        add("family", make_text(result.outcome, style))
    else:
        name = make_text(result.family.name, style)
        name.append(f" ({clip_text(result.family.maker)})", "")
        add("family", name)
        add("generation", result.generation.name if result.generation else "not settled")
    add("size", result.size)
    add("parameters", None if result.parameters is None else f"{result.parameters:,}")
    add("variant", result.variant)
    add("wrapper", result.wrapper)
    if result.quantization is not None:
        add("quantization", describe_quantization(result.quantization))
    add("format", result.checkpoint.format)
    add("decided by", result.decided_by)
    add("because", result.reason)
    add("confidence", f"{result.confidence:.2f}")
    if result.adapter is not None:
        add("adapter", describe_adapter(result.adapter))
    if result.completeness is not None:
        add("missing", describe_completeness(result.completeness))
    parents = result.lineage.parents
    for count, parent in enumerate(parents if everything else parents[:_MOST_PARENTS]):
        add("" if count else "parent", _describe_parent(result, parent))
    for ruled_out in _describe_refuted(result):
        add("parent", ruled_out)
    if result.lineage.verification is not None:
        from famtree.formats.lineage_words import describe_verification

        told = describe_verification(result.lineage.verification)
        for count, (style, line) in enumerate(told):
            add("" if count else "verify", make_text(line, style))
    for count, relative in enumerate(result.lineage.relatives[:_MOST_RELATIVES]):
        add("" if count else "in the atlas", f"{relative.ref}: {relative.reason}")
    for notice in result.warnings:
        add("warning", make_text(f"{notice.message} [{notice.code}]", "yellow"))
    return grid


def _describe_parent(result: Identification, parent: str) -> str:
    steps = [step for step in result.lineage.chain if step.parent == parent]
    return f"{parent} ({steps[0].relation}, {steps[0].status})" if steps else parent


def _describe_refuted(result: Identification) -> Iterator[Text]:
    """Yield a line for each claimed direct parent that is ruled out, and the fact that does so."""
    chain = result.lineage.chain
    own = [step for step in chain if step.child == chain[0].child]
    for step in own:
        if step.status != "contradicted":
            continue
        against = min(step.evidence, key=lambda one: one.weight, default=None)
        told = f"✘ {step.parent}: claimed, and ruled out"
        if against is not None and against.weight < 0:
            told += f" ({against.signal}: expected {against.expected}, seen {against.seen})"
        yield make_text(told, "red")


def _make_candidates(candidates: list[Candidate]) -> Table:
    table = make_table("family", "generation", "score", "decided by", right=("score",))
    for candidate in candidates:
        table.add_row(
            make_text(candidate.family),
            make_text(candidate.generation or "-"),
            f"{candidate.score:.3f}",
            make_text(candidate.decided_by),
        )
    return table


def _make_details(result: Identification, width: int | None) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if result.evidence:
        rows = [
            (
                make_text(item.signal),
                make_text(item.source),
                make_text(item.expected),
                make_text(item.seen),
                make_text(f"{item.weight:+.2f}", "green" if item.supports else "red"),
            )
            for item in result.evidence
        ]
        headings = ("signal", "seen in", "expected", "seen", "weight")
        parts += ["", make_text("Evidence (nats for and against)", "bold")]
        parts.append(_make_rows(headings, rows, width))
    disagreements = result.fingerprint.architecture.disagreements
    if disagreements:
        rows = [
            (
                make_text(clash.trait),
                make_text(clash.believed),
                make_text(clash.believed_from),
                make_text(clash.other),
                make_text(clash.other_from),
            )
            for clash in disagreements
        ]
        headings = ("trait", "believed", "from", "other", "from")
        parts += ["", make_text("Disagreements between files", "bold")]
        parts.append(_make_rows(headings, rows, width))
    return [*parts, "", _make_footer(result)]


def _make_rows(
    headings: tuple[str, ...], rows: Sequence[tuple[Text, ...]], width: int | None
) -> RenderableType:
    """Return a table, or, where five columns would be cut into shreds, one block a row."""
    if width is None or width >= _TABLE_WIDTH:
        table = make_table(*headings, right=("weight",))
        for row in rows:
            table.add_row(*row)
        return table
    grid = make_grid()
    for first, *others in rows:
        grid.add_row(make_text(headings[0]), first)
        for heading, cell in zip(headings[1:], others, strict=True):
            grid.add_row(make_text(f"  {heading}"), cell)
    return grid


def _make_footer(result: Identification) -> Table:
    grid = make_grid()
    fingerprint = result.fingerprint
    grid.add_row("architecture", make_text(fingerprint.architecture.digest))
    if fingerprint.tokenizer is not None:
        grid.add_row("tokenizer", make_text(fingerprint.tokenizer.digest))
    grid.add_row("recipe", make_text(fingerprint.recipe.digest))
    if result.checkpoint.revision:
        grid.add_row("revision", make_text(result.checkpoint.revision))
    cost = result.cost
    spent = f"{cost.requests} requests, {cost.bytes:,} bytes, {cost.seconds:.2f} s"
    grid.add_row("cost", spent)
    return grid
